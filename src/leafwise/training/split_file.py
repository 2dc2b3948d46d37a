"""What a training has seen, written down in its folder."""

from collections.abc import Iterable
from pathlib import Path

from leafwise.datasets import Folds, Split, trained_names, write_folds
from leafwise.models import find_model

SPLIT_NAME = "split.json"


def seen_by(model: str | Path) -> frozenset[str]:
    """The names of the photos that a model has seen, as far as the folder of its training says it.

    Raises ModelError where there is no such model.
    """
    return _names_in(find_model(model).parent)


def write_split(out: Path, split: Split, *, seed: int, seen: Iterable[str] = ()) -> None:
    """Write what trains and what validates into `out`, and the names that the model has `seen` before.

    What the file that is there says of earlier trainings stays. Raises OutputError where that fails.
    """
    groups = [{pair.group for pair in part} for part in (split.train, split.validation)]
    by_group = groups[0].isdisjoint(groups[1])
    before = _names_in(out) - {pair.name for pair in split.train}
    write_folds(out / SPLIT_NAME, Folds(seed, by_group, (split,)), seen=before.union(seen))


def _names_in(run: Path) -> frozenset[str]:
    written = run / SPLIT_NAME
    return trained_names(written) if written.is_file() else frozenset()
