"""Run lengths as COCO stores masks by them: down the columns, in turn outside and inside of the mask.

Written here, not taken from pycocotools: its decoder trusts what it reads, and a damaged file must cost one line.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import LabelMapError

Runs = NDArray[np.int64]  # (n,): outside, inside, outside, ... of the mask; the first may be 0

_MOST_CHARACTERS = 7  # of one number in a text, 5 bits each: 34 bits and the sign


def label_runs(labels: NDArray[np.integer]) -> dict[int, Runs]:
    """The run lengths of each label of a map, integers (h, w), 0 = background, by label in ascending order.

    >>> label_runs(np.array([[0, 1], [2, 1]]))
    {1: array([2, 2]), 2: array([1, 1, 2])}
    """
    flat = labels.ravel(order="F")
    if flat.size == 0:
        return {}
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    changes = np.flatnonzero(values[order][1:] != values[order][:-1]) + 1
    runs = {}
    for group in np.split(order, changes):
        borders = np.stack([starts[group], ends[group]], axis=1).ravel()
        rest = [] if borders[-1] == flat.size else [flat.size]
        runs[int(values[group[0]])] = np.diff(np.concatenate([[0], borders, rest])).astype(np.int64)
    runs.pop(0, None)
    return runs


def check_runs(counts: Sequence[int], n_pixels: int) -> Runs:
    """Run lengths as an array, once they are known to be whole numbers that fill a mask of `n_pixels`.

    Raises LabelMapError where they are not.
    """
    if not all(type(count) is int and 0 <= count <= n_pixels for count in counts):
        raise LabelMapError("run lengths that are no pixel counts; export the annotations again")
    runs = np.array(counts, np.int64)
    if runs.sum() != n_pixels:
        raise LabelMapError(
            f"run lengths of {runs.sum()} pixels where the photo has {n_pixels}; export the annotations again"
        )
    return runs


def parse_runs(text: str | bytes, n_pixels: int) -> Runs:
    """Run lengths from COCO's compressed text: 5 bits a character, from the fourth on as differences.

    >>> parse_runs("2212", 9)
    array([2, 2, 1, 4])

    Raises LabelMapError for other texts, and for runs that do not fill `n_pixels`.
    """
    # JSON may hold half of a surrogate pair
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    digits = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    is_last = (digits & 32) == 0
    if digits.size == 0 or digits.min() < 0 or digits.max() > 63 or not is_last[-1]:
        raise LabelMapError("run lengths in a damaged text; export the annotations again")
    ends = np.flatnonzero(is_last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() >= _MOST_CHARACTERS:
        raise LabelMapError("run lengths in a damaged text; export the annotations again")
    places = np.arange(digits.size) - np.repeat(starts, ends - starts + 1)
    numbers = np.add.reduceat((digits & 31) << (5 * places), starts)
    numbers -= np.where(digits[ends] & 16, np.int64(1) << (5 * (ends - starts + 1)), 0)  # below 0
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return check_runs(numbers.tolist(), n_pixels)


def runs_area(runs: Runs) -> int:
    """Pixels inside of the mask.

    >>> runs_area(np.array([1, 1, 2, 5]))
    6
    """
    return int(runs[1::2].sum())


def paint_runs(labels: NDArray[np.int32], runs: Runs, value: int) -> None:
    """Set `value` inside of the mask, in a label map (h, w) that lies in memory column by column.

    >>> labels = np.zeros((2, 2), np.int32, order="F")
    >>> paint_runs(labels, np.array([1, 2, 1]), 7)
    >>> labels
    array([[0, 7],
           [7, 0]], dtype=int32)
    """
    columns = labels.reshape(-1, order="F")
    if not np.shares_memory(columns, labels):
        raise ValueError("labels must be in Fortran order")
    borders = np.cumsum(runs).tolist()
    for start, end in zip(borders[0::2], borders[1::2], strict=False):  # the last run may be outside
        columns[start:end] = value
