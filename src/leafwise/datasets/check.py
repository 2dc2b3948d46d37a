"""What is wrong with a data set, found before anything is trained on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from leafwise.datasets.pairs import Pair
from leafwise.errors import LeafwiseError
from leafwise.imaging import read_image, read_labels

_BINARY_FIX = "give each instance a number of its own"
_MOST_PIECES = 2  # a leaf may lie in two pieces under another; one label in more of them is a mask
_SMALLEST_PIECE = 0.05  # of the largest: specks do not count


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which pair and file, what, and what to do."""

    name: str
    file: Path
    what: str
    fix: str

    def __str__(self) -> str:
        """One line, as the library's errors read."""
        return f"{self.file}: {self.what}; {self.fix}"


def check_dataset(
    pairs: Sequence[Pair], *, progress: Callable[[int, int], None] | None = None
) -> list[Problem]:
    """Everything that is wrong with `pairs`, in their order; an empty list where they are fit for training.

    Looks for missing and unreadable files, label maps of another size than their photo, empty ones, and binary
    masks: values 0 and 255, one label in more than two sizeable pieces, or no map in the set with two labels.

    `progress` is called after each pair, with the number of pairs done and that of all.
    """
    problems: list[Problem] = []
    n_labels: list[int] = []  # of the maps that nothing is wrong with
    for done, pair in enumerate(pairs, start=1):
        found, labels = _check_pair(pair)
        problems += found
        if labels is not None and not found:
            n_labels.append(len(_values(labels)))
        if progress is not None:
            progress(done, len(pairs))
    if len(n_labels) > 1 and max(n_labels) == 1:
        first = pairs[0]
        what = f"all {len(n_labels)} label maps hold one label only: masks, where instances are expected"
        problems.append(Problem("all pairs", first.labels.parent, what, _BINARY_FIX))
    return problems


def _check_pair(pair: Pair) -> tuple[list[Problem], NDArray[np.int32] | None]:
    problems = []
    image, labels = None, None
    try:
        image = read_image(pair.image)
    except LeafwiseError as error:
        problems.append(_unreadable(pair, pair.image, pair.labels, error))
    try:
        labels = read_labels(pair.labels)
    except LeafwiseError as error:
        problems.append(_unreadable(pair, pair.labels, pair.image, error))
    if labels is None:
        return problems, None
    if image is not None and image.shape[:2] != labels.shape:
        what = f"{_size(labels)} pixels, its photo {_size(image)}"
        problems.append(Problem(pair.name, pair.labels, what, "bring the label map to the photo's size"))
    what = _instances_problem(labels)
    if what:
        fix = "remove the pair" if what.startswith("empty") else _BINARY_FIX
        problems.append(Problem(pair.name, pair.labels, what, fix))
    return problems, labels


def _unreadable(pair: Pair, file: Path, counterpart: Path, error: LeafwiseError) -> Problem:
    if not file.exists():
        return Problem(
            pair.name, file, f"missing, while {counterpart.name} is there", "add it, or remove the other"
        )
    what, _, fix = str(error).removeprefix(f"{file}: ").partition("; ")
    return Problem(pair.name, file, what, fix)


def _instances_problem(labels: NDArray[np.int32]) -> str:
    """What makes a label map useless for instances, or nothing."""
    values = _values(labels)
    if not len(values):
        return "empty, no label in it"
    if len(values) > 1:
        return ""
    if values[0] == 255:
        return "a binary mask (values 0 and 255), where instances are expected"
    pieces, _ = ndimage.label(labels, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    n_pieces = int((sizes >= _SMALLEST_PIECE * sizes.max()).sum())
    if n_pieces > _MOST_PIECES:
        return f"a binary mask (one label in {n_pieces} pieces), where instances are expected"
    return ""


def _values(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    values = np.unique(labels)
    return values[values > 0]


def _size(array: NDArray[Any]) -> str:
    return f"{array.shape[1]} x {array.shape[0]}"
