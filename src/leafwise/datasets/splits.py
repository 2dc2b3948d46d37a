"""Splits into training and validation pairs: seeded, by plant where asked, and written down."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leafwise.datasets.pairs import Pair
from leafwise.datasets.roles import listed, read_json
from leafwise.errors import DatasetError, SettingsError
from leafwise.imaging import write_text

_NO_FOLDS = (
    'not a file of folds; write it as {"seed": 0, "by_group": false, "splits": [{"train": ["NAME", ...], '
    '"validation": ["NAME", ...]}, ...]}, names as `leafwise check` pairs them: without endings'
)
SPLIT_NAME = "split.json"  # in a run's folder: what trained, what validated, and what was seen before


@dataclass(frozen=True)
class Split:
    """The pairs to train on and those kept for validation, each sorted by name."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]


@dataclass(frozen=True)
class Seen:
    """What a model has learnt from, as far as it is known."""

    names: frozenset[str] = frozenset()  # of photos
    unknown: str = ""  # a model that its training went on from and of whose photos nothing is known


@dataclass(frozen=True)
class Folds:
    """Splits of one data set, or of several together, with what made them."""

    seed: int
    by_group: bool
    splits: tuple[Split, ...]


def make_folds(pairs: Sequence[Pair], *, n_folds: int, seed: int, by_group: bool = False) -> Folds:
    """`n_folds` splits whose validation sets part `pairs` among them, of sizes as equal as they can be.

    With `by_group` no group is in two validation sets; the largest groups are dealt out first, each to the fold
    that has least of its data set, and of those to the smallest. The same names and seed give the same folds, in
    whatever order the pairs come.

    Raises SettingsError for fewer than 2 folds, DatasetError for fewer pairs (or groups) than folds.
    """
    if n_folds < 2:
        raise SettingsError(f"{n_folds} folds are too few; ask for 2 or more")
    units = _shuffled_units(pairs, seed, by_group=by_group)
    if len(units) < n_folds:
        kind = "groups" if by_group else "pairs"
        raise DatasetError(f"{len(units)} {kind} cannot make {n_folds} folds; ask for fewer")
    units.sort(key=len, reverse=True)  # stable: equal sizes stay shuffled
    folds: list[list[Pair]] = [[] for _ in range(n_folds)]
    for unit in units:
        dataset = unit[0].dataset
        min(folds, key=lambda fold: (sum(pair.dataset == dataset for pair in fold), len(fold))).extend(unit)
    return Folds(seed, by_group, tuple(_split(pairs, fold) for fold in folds))


def make_holdout(pairs: Sequence[Pair], *, fraction: float, seed: int, by_group: bool = False) -> Folds:
    """One split with about `fraction` of the pairs for validation, at least one, and never all.

    With `by_group` groups stay whole, and the fraction is met as nearly as the drawn order of them allows.

    Raises SettingsError for a fraction not between 0 and 1, DatasetError for fewer than 2 pairs (or groups).
    """
    if not 0 < fraction < 1:
        raise SettingsError(f"a validation fraction of {fraction} cannot be; choose one between 0 and 1")
    units = _shuffled_units(pairs, seed, by_group=by_group)
    if len(units) < 2:
        kind = "groups" if by_group else "pairs"
        raise DatasetError(f"{len(units)} {kind} cannot be split in two; add some")
    wanted = max(1, round(fraction * len(pairs)))
    held_out = list(units[0])
    for unit in units[1:-1]:
        if abs(len(held_out) + len(unit) - wanted) < abs(len(held_out) - wanted):
            held_out += unit
    return Folds(seed, by_group, (_split(pairs, held_out),))


def write_folds(path: str | os.PathLike[str], folds: Folds, *, seen: Seen = Seen()) -> None:
    """Write seed and names of `folds` as JSON, atomically; OutputError where that fails.

    `seen` is what the model of a training has seen before.
    """
    content: dict[str, Any] = {
        "seed": folds.seed,
        "by_group": folds.by_group,
        "splits": [
            {"train": [p.name for p in split.train], "validation": [p.name for p in split.validation]}
            for split in folds.splits
        ],
    }
    if seen.names:
        content["seen"] = sorted(seen.names)
    if seen.unknown:
        content["unknown_start"] = seen.unknown
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_folds(path: str | os.PathLike[str], pairs: Sequence[Pair]) -> Folds:
    """Folds that `write_folds` wrote, with the pairs of the same data set; those not named are left out.

    Raises DatasetError for a file that is missing or is none of these, for names that `pairs` lacks, and for
    names in both halves of a split, or twice in one.
    """
    path = Path(path)
    content = read_json(path)
    by_name = _by_name(pairs)
    try:
        seed, by_group, splits = _parse(content)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: {_NO_FOLDS}") from error
    unknown = sorted({name for halves in splits for half in halves for name in half} - by_name.keys())
    if unknown:
        raise DatasetError(
            f"{path}: photos that are not there: {listed(unknown)}; names have no ending (plant001); "
            "add the photos or split anew"
        )
    for train, validation in splits:
        both = sorted(set(train) & set(validation))
        if both:
            raise DatasetError(f"{path}: in training and validation at once: {listed(both)}; split anew")
        if twice := _twice(train) + _twice(validation):
            raise DatasetError(f"{path}: twice in one part: {listed(twice)}; name each photo once")
    halves = [(_take(by_name, train), _take(by_name, validation)) for train, validation in splits]
    return Folds(seed, by_group, tuple(Split(train, validation) for train, validation in halves))


def seen_in(path: str | os.PathLike[str]) -> Seen:
    """The names of all pairs that train in any split of a file of `write_folds`, and what had been seen before.

    The pairs need not be there.

    Raises DatasetError for a file that is missing or is none of these.
    """
    learnt, seen = _names_in(path)
    return Seen(learnt | seen.names, seen.unknown)


def learnt_names(path: str | os.PathLike[str]) -> frozenset[str]:
    """The names of all pairs that train in any split of a file of `write_folds`, without what had been seen before.

    Raises DatasetError as `seen_in` does.
    """
    return _names_in(path)[0]


def _names_in(path: str | os.PathLike[str]) -> tuple[frozenset[str], Seen]:
    try:
        content = read_json(Path(path))
        _, _, splits = _parse(content)
        seen = Seen(frozenset(map(str, content.get("seen", []))), str(content.get("unknown_start", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: {_NO_FOLDS}") from error
    return frozenset(name for train, _ in splits for name in train), seen


def unseen(pairs: Iterable[Pair], seen: Iterable[str]) -> list[Pair]:
    """The pairs that have none of some names, with or without a data set's name before theirs, in their order.

    A training on several data sets has their names in those of its photos, one on a single set has not.

    >>> pairs = [Pair(name, Path(), Path(), name) for name in ("plant1", "plant2", "B_plant3")]
    >>> [pair.name for pair in unseen(pairs, ["A1_plant1", "plant3"])]
    ['plant2']
    """
    names = tuple(seen)
    return [pair for pair in pairs if not any(_is_same(pair.name, name) for name in names)]


def _is_same(name: str, other: str) -> bool:
    return name == other or name.endswith(f"_{other}") or other.endswith(f"_{name}")


def _shuffled_units(pairs: Sequence[Pair], seed: int, *, by_group: bool) -> list[list[Pair]]:
    """What stays together, single pairs or groups, in an order that depends on names and seed alone."""
    if seed < 0:
        raise SettingsError(f"seed {seed} is negative; choose 0 or more")
    by_name = _by_name(pairs)
    units: dict[str, list[Pair]] = {}
    for name in sorted(by_name):
        pair = by_name[name]
        units.setdefault(pair.group if by_group else name, []).append(pair)
    ordered = [units[key] for key in sorted(units)]
    return [ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered))]


def _by_name(pairs: Sequence[Pair]) -> dict[str, Pair]:
    if twice := _twice([pair.name for pair in pairs]):
        raise DatasetError(f"pairs of the same name: {listed(twice)}; rename the photos")
    return {pair.name: pair for pair in pairs}


def _twice(names: Iterable[str]) -> list[str]:
    """The names that come more than once, sorted."""
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _split(pairs: Sequence[Pair], validation: Sequence[Pair]) -> Split:
    by_name = _by_name(pairs)
    held_out = {pair.name for pair in validation}
    return Split(_take(by_name, by_name.keys() - held_out), _take(by_name, held_out))


def _take(by_name: dict[str, Pair], names: Iterable[str]) -> tuple[Pair, ...]:
    return tuple(by_name[name] for name in sorted(names))


def _parse(content: Any) -> tuple[int, bool, list[tuple[list[str], list[str]]]]:
    splits = [(list(map(str, s["train"])), list(map(str, s["validation"]))) for s in content["splits"]]
    if not splits:
        raise ValueError("no split")
    return int(content["seed"]), bool(content["by_group"]), splits
