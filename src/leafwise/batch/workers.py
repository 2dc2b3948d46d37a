"""A pool of processes that behaves when a run is stopped."""

import contextlib
import multiprocessing
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


def core_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers(ProcessPoolExecutor):
    """Processes of one core each: Ctrl-C is left to the main process, and none outlives it.

    As a context manager it drops what no process has begun, where it is left by an error.
    """

    def __init__(self, count: int) -> None:
        # a fork would copy the network's running threads: start clean
        if sys.platform == "win32":
            count = min(count, MOST_ON_WINDOWS)
        super().__init__(count, multiprocessing.get_context("spawn"), initializer=_start)

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> "Future[Result]":
        """As in any executor; the processes are started here, the first time."""
        with _interrupt_held_back():
            return super().submit(fn, *args, **kwargs)

    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Ctrl-C waits, and processes started meanwhile never see one: it would find them in their imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_end_with_main_process, daemon=True).start()


def _end_with_main_process() -> None:
    """A pool's processes wait for work for ever where the main one is killed."""
    main = multiprocessing.parent_process()
    if main is not None:
        main.join()
        os._exit(1)
