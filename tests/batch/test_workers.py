import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from leafwise.batch import Workers, core_count, workers
from leafwise.batch.workers import ENDINGS


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert core_count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert core_count() == os.cpu_count()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_processes_hear_no_signal_to_end_but_end_where_one_of_them_is_killed():
    with pytest.raises(BrokenProcessPool), Workers(2) as pool:
        ids = [future.result() for future in [pool.submit(hear_endings) for _ in range(2)]]
        assert len(set(ids)) == 2
        os.kill(ids[0], signal.SIGKILL)
        pool.submit(time.sleep, 600).result()


def hear_endings():
    """The id of a process that survives, after a while in which the pool starts its second one."""
    for ending in ENDINGS:
        os.kill(os.getpid(), ending)
    time.sleep(1)
    return os.getpid()


@pytest.mark.parametrize(("system", "expected"), [("win32", 61), ("linux", 100)])
def test_windows_waits_for_no_more_than_61_processes(monkeypatch, system, expected):
    asked = []
    monkeypatch.setattr(workers.sys, "platform", system)
    monkeypatch.setattr(
        workers.ProcessPoolExecutor, "__init__", lambda self, count, *_, **__: asked.append(count)
    )
    Workers(100)
    assert asked == [expected]
