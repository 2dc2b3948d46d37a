"""What is wrong with a data set, found before anything is trained on it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from leafwise.datasets.pairs import Pair
from leafwise.datasets.read import read_dataset, read_datasets
from leafwise.errors import DatasetError, LeafwiseError
from leafwise.imaging import read_image, read_labels

EMPTY = "empty, without any label"
_MOST_PIECES = 2  # a leaf may be parted by another one above it; one label in more pieces is a mask
_SMALLEST_PIECE = 0.05  # of the largest: specks do not count


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: with which pair, in which file, what it is, and what to do."""

    name: str
    file: Path
    what: str
    fix: str
    doubt: bool = False  # it may be meant so: no reason to refuse the data set

    def __str__(self) -> str:
        """One line, as the errors' messages read."""
        return f"{self.file}: {'doubtful: ' if self.doubt else ''}{self.what}; {self.fix}"


def check_dataset(
    pairs: Sequence[Pair], *, progress: Callable[[int, int], None] | None = None
) -> list[Problem]:
    """Everything that is wrong with `pairs`, in their order; they are fit for training where it is doubts alone.

    Looks for missing and unreadable files, label maps of another size than their photo, and binary masks: values 0
    and 255, one label in more than two sizeable pieces, or no map with two labels in the whole set. Doubtful are
    empty maps, which may be of photos with nothing to find, and one label in pieces beside maps with more labels: what
    stands before an object may part it.

    `progress` is called after each pair, with the number of pairs done and that of all.
    """
    problems: list[Problem] = []
    counts: list[int] = []  # labels in each of the maps that nothing is wrong with for certain
    for done, pair in enumerate(pairs, start=1):
        found, n_labels = _check_pair(pair)
        problems += found
        counts += [] if any(not problem.doubt for problem in found) else [n_labels]
        if progress is not None:
            progress(done, len(pairs))
    most = max(counts, default=0)
    if most == 0:  # then nothing is labelled at all
        return [replace(one, doubt=False) for one in problems]
    if most == 1:
        problems = [replace(one, doubt=one.doubt and one.what == EMPTY) for one in problems]
    if most == 1 and len(counts) > 1:
        what = f"binary masks (no map of {len(counts)} has two labels), where instances are expected"
        problems.append(_unfit("all pairs", pairs[0].labels.parent, what))
    return problems


def checked_pairs(
    folders: Sequence[str | os.PathLike[str]], *, on_doubt: Callable[[str], None] = lambda _: None
) -> list[Pair]:
    """The pairs of data sets that are fit to train on and to be scored; each doubt is handed on, a line for a folder.

    Raises DatasetError, naming what is wrong, where they are not fit.
    """
    for folder in folders:
        problems = check_dataset(read_dataset(folder))
        certain = [problem for problem in problems if not problem.doubt]
        if certain:
            raise DatasetError(_first_of(certain, folder))
        if problems:
            on_doubt(_first_of(problems, folder))
    return read_datasets(folders)


def _first_of(problems: Sequence[Problem], folder: str | os.PathLike[str]) -> str:
    """One line: the first, and how many more there are."""
    more = f" (and {len(problems) - 1} more: `leafwise check {folder}`)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def _check_pair(pair: Pair) -> tuple[list[Problem], int]:
    """The problems of one pair, and the number of labels in its map."""
    problems = []
    shapes = []
    labels = np.zeros((0, 0), np.int32)
    try:
        shapes.append(read_image(pair.image).shape[:2])
    except LeafwiseError as error:
        problems.append(_unreadable(pair, pair.image, pair.labels, error))
    try:
        labels = read_labels(pair.labels)
        shapes.append(labels.shape)
    except LeafwiseError as error:
        return [*problems, _unreadable(pair, pair.labels, pair.image, error)], 0
    if len(set(shapes)) > 1:
        what = f"{_size(shapes[1])} pixels, its photo {_size(shapes[0])}"
        problems.append(Problem(pair.name, pair.labels, what, "bring the label map to the photo's size"))
    values = np.unique(labels[labels > 0])
    if len(values) == 0:
        fix = "label it, or leave it so if its photo has nothing to find"
        problems.append(Problem(pair.name, pair.labels, EMPTY, fix, doubt=True))
    elif len(values) == 1 and (what := _mask_signs(labels, values[0])):
        found = _unfit(pair.name, pair.labels, f"a binary mask ({what}), where instances are expected")
        problems.append(replace(found, doubt=values[0] != 255))
    return problems, len(values)


def _mask_signs(labels: NDArray[np.int32], value: int) -> str:
    """What shows that a map (h, w) with one label is a mask of several instances, or nothing."""
    if value == 255:
        return "values 0 and 255"
    pieces, _ = ndimage.label(labels, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    n_pieces = int((sizes >= _SMALLEST_PIECE * sizes.max()).sum())
    return f"one label in {n_pieces} pieces" if n_pieces > _MOST_PIECES else ""


def _unfit(name: str, file: Path, what: str) -> Problem:
    return Problem(name, file, what, "give each instance a number of its own")


def _unreadable(pair: Pair, file: Path, counterpart: Path, error: LeafwiseError) -> Problem:
    if not file.exists():
        return Problem(
            pair.name, file, f"missing, while {counterpart.name} is there", "add it, or remove that"
        )
    what, _, fix = str(error).removeprefix(f"{file}: ").partition("; ")
    return Problem(pair.name, file, what, fix)


def _size(shape: Sequence[Any]) -> str:
    return f"{shape[1]} x {shape[0]}"
