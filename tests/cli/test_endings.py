"""What comes of signals to end; that a run's tables are kept is seen in test_segment.py."""

import os
import signal

import pytest

from leafwise.cli.endings import ENDINGS, Ended, exit_status, heed_endings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def as_started():
    """All signals to end as a shell leaves them."""
    before = [signal.signal(ending, signal.SIG_DFL) for ending in ENDINGS]
    yield
    for ending, handler in zip(ENDINGS, before, strict=True):
        signal.signal(ending, handler)


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_command_as_ctrl_c_does_and_further_ones_are_not_heard(as_started, name, status):
    heed_endings()
    with pytest.raises(KeyboardInterrupt) as stop:
        signal.raise_signal(getattr(signal, name))
    assert exit_status(stop.value) == status
    for ending in ENDINGS:
        signal.raise_signal(ending)


def test_what_is_ignored_stays_so(as_started):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed_endings()
    signal.raise_signal(signal.SIGHUP)


def test_the_status_is_that_of_the_first_stop():
    assert exit_status(KeyboardInterrupt()) == 130
    try:
        try:
            raise Ended(signal.SIGTERM)
        except KeyboardInterrupt:
            raise SystemExit(1)  # noqa: B904 as Lightning does
    except SystemExit as error:
        stop = KeyboardInterrupt()
        stop.__cause__ = error
    assert exit_status(stop) == 143
