"""metrics.csv of a run that was stopped and resumed: one table over all of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from leafwise.imaging import write_text

METRICS_NAME = "metrics.csv"
EARLIER_NAME = "metrics_earlier.csv"  # there while a resumed run goes on


@contextlib.contextmanager
def kept_metrics(logs: Path, *, writes: bool = True) -> Iterator[None]:
    """Keep the metrics of a run's earlier part: Lightning's CSV logger deletes the file that it finds.

    Steps that a resumed run does again take the place of the earlier ones. Of the processes of a run on several
    devices only one `writes`.
    """
    if not writes:
        yield
        return
    now, earlier = logs / METRICS_NAME, logs / EARLIER_NAME
    _join(earlier, now, into=earlier)
    try:
        yield
    finally:
        _join(earlier, now, into=now)


def _join(earlier: Path, now: Path, *, into: Path) -> None:
    tables = [pd.read_csv(path) for path in (earlier, now) if path.is_file() and path.stat().st_size > 0]
    if not tables:
        return
    if len(tables) == 2:
        tables[0] = tables[0][tables[0]["step"] < tables[1]["step"].min()]
    write_text(into, pd.concat(tables).to_csv(index=False))
    (now if into == earlier else earlier).unlink(missing_ok=True)
