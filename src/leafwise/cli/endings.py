"""A command that the system tells to end: it ends as by Ctrl-C, so that what is finished is kept."""

import signal
from types import FrameType

INTERRUPTED = 130  # the shell's own exit status for Ctrl-C
ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ended(KeyboardInterrupt):
    """A signal to end was heard; whatever is ready for Ctrl-C is ready for it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def heed_endings() -> None:
    """Raise Ended in the main thread at SIGTERM (time limits, `docker stop`) and SIGHUP (closed terminals).

    What is ignored, as under nohup, stays so.
    """
    for ending in ENDINGS:
        if signal.getsignal(ending) == signal.SIG_DFL:
            signal.signal(ending, _end)


def exit_status(stop: BaseException | None) -> int:
    """As shells have it for a command that was stopped: 128 and the signal's number; 130, Ctrl-C's, without one."""
    while stop is not None:
        if isinstance(stop, Ended):
            return 128 + stop.number
        stop = stop.__cause__ or stop.__context__  # Lightning raises another in its place
    return INTERRUPTED


def _end(number: int, _: FrameType | None) -> None:
    for ending in ENDINGS:  # a closing terminal sends several, and the tables are still to be written
        signal.signal(ending, signal.SIG_IGN)
    raise Ended(number)
