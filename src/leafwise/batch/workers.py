"""A pool of processes that behaves when a run is stopped."""

import contextlib
import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


IN_FLIGHT = 1 << 30  # bytes of photos and embeddings that wait for a process; more are waited for
MOST_ON_WINDOWS = 61  # processes that one of its calls can wait for
ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def core_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Process(multiprocessing.context.SpawnProcess):
    """One that can be ended although it does not hear SIGTERM: a pool ends the others where one was killed."""

    def terminate(self) -> None:
        """End it."""
        self.kill()


class _Context(multiprocessing.context.SpawnContext):
    Process = _Process


class Workers(ProcessPoolExecutor):
    """Processes of one core each: Ctrl-C, SIGTERM and SIGHUP are left to the main process, and none outlives it.

    As a context manager it drops what no process has begun, where it is left by an error.
    """

    def __init__(self, count: int) -> None:
        # a fork would copy the network's running threads: start clean
        if sys.platform == "win32":
            count = min(count, MOST_ON_WINDOWS)
        with _endings_held_back():  # the process that watches its queues is started here
            super().__init__(count, _Context(), initializer=_start)

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> "Future[Result]":
        """As in any executor; the processes are started here, the first time."""
        with _endings_held_back():
            return super().submit(fn, *args, **kwargs)

    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _endings_held_back() -> Iterator[None]:
    """Ctrl-C and the like wait, and processes started meanwhile never see one: it would find them in their imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_end_with_main_process, daemon=True).start()


def _end_with_main_process() -> None:
    """A pool's processes wait for work for ever where the main one is killed."""
    main = multiprocessing.parent_process()
    if main is not None:
        main.join()
        os._exit(1)
