import os

import pytest

from leafwise.batch import Workers, core_count, workers


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert core_count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert core_count() == os.cpu_count()


@pytest.mark.parametrize(("system", "expected"), [("win32", 61), ("linux", 100)])
def test_windows_waits_for_no_more_than_61_processes(monkeypatch, system, expected):
    asked = []
    monkeypatch.setattr(workers.sys, "platform", system)
    monkeypatch.setattr(
        workers.ProcessPoolExecutor, "__init__", lambda self, count, *_, **__: asked.append(count)
    )
    Workers(100)
    assert asked == [expected]
