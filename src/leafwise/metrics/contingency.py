"""How many pixels each leaf of one label map shares with each leaf of another: all that the scores need."""

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import LabelMapError

STRIP = 1 << 20  # pixels looked up at a time: numpy makes 8 bytes of each for that
MAX_CELLS = 2**25  # of a contingency table, 256 MB: 5,000 leaves against 5,000


def compact_labels(labels: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Renumber the leaves of a label map 1..n without gaps, in the order of their values.

    Args:
        labels: integers (h, w), 0 = background, no value below 0.

    Returns:
        The same leaves as int32 (h, w) in 0..n, and their former values, int64 (n + 1,), [0] = 0.

    Raises:
        LabelMapError: not two axes, not integers, or a value below 0.

    >>> compact_labels(np.array([[7, 0], [2147483647, 7]]))
    (array([[1, 0],
           [2, 1]], dtype=int32), array([         0,          7, 2147483647]))
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise LabelMapError(f"a label map has 2 axes (h, w), not shape {labels.shape}; give one channel")
    if labels.dtype.kind not in "iub":
        raise LabelMapError(f"a label map holds whole numbers, not {labels.dtype}; convert it to integers")
    if labels.size == 0:
        return labels.astype(np.int32), np.zeros(1, np.int64)
    if labels.min() < 0:
        raise LabelMapError(f"a label map holds no numbers below 0, not {labels.min()}; use 0 for background")
    if int(labels.max()) > 4 * labels.size + 2**16:  # a look-up table of that length costs more than sorting
        values, compact = np.unique(labels, return_inverse=True)
        shift = int(values[0] != 0)  # no pixel is background: number 0 stays free for it
        values = np.concatenate([np.zeros(shift, np.int64), values.astype(np.int64)])
        return (compact.reshape(labels.shape) + shift).astype(np.int32), values
    present = np.zeros(int(labels.max()) + 1, np.bool_)
    step = max(STRIP // labels.shape[1], 1)
    strips = [slice(start, start + step) for start in range(0, len(labels), step)]
    for strip in strips:
        present[labels[strip].astype(np.intp, copy=False)] = True
    present[0] = False
    numbers = np.cumsum(present, dtype=np.int32)
    compact = np.empty(labels.shape, np.int32)
    for strip in strips:
        compact[strip] = numbers[labels[strip].astype(np.intp, copy=False)]
    return compact, np.concatenate([[0], np.flatnonzero(present)])


def contingency_table(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count the pixels that each leaf of the truth shares with each leaf of the prediction.

    Args:
        truth: label map, integers (h, w), 0 = background; values may have gaps, leaves several pieces.
        prediction: label map of the same shape.

    Returns:
        int64 (n_truth + 1, n_prediction + 1): row and column 0 are the background (there even if no pixel
        is), the others the leaves in the order of their values.

    Raises:
        LabelMapError: the shapes differ, one of them is no label map, or they hold far too many values.

    >>> contingency_table(np.array([[0, 1, 1, 9]]), np.array([[0, 5, 5, 5]]))
    array([[1, 0],
           [0, 2],
           [0, 1]])
    """
    truth_numbers, truth_values = compact_labels(truth)
    prediction_numbers, prediction_values = compact_labels(prediction)
    if truth_numbers.shape != prediction_numbers.shape:
        raise LabelMapError(
            f"the truth has shape {truth_numbers.shape}, the prediction {prediction_numbers.shape}; "
            "scale one to the other's size without smoothing"
        )
    rows, columns = len(truth_values), len(prediction_values)
    if rows * columns > MAX_CELLS:
        raise LabelMapError(
            f"{rows - 1} labels in the truth and {columns - 1} in the prediction are too many for leaves; "
            "is one of them a photo or a probability map?"
        )
    return count_pairs(truth_numbers, prediction_numbers, (rows, columns))


def count_pairs(
    first: NDArray[np.int32], second: NDArray[np.int32], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """`contingency_table` of two maps (h, w) of numbers below those of its `shape`, some rows at a time.

    >>> count_pairs(np.array([[0, 1, 1]], np.int32), np.array([[0, 1, 2]], np.int32), (2, 3))
    array([[1, 0, 0],
           [0, 1, 1]])
    """
    counts = np.zeros(shape[0] * shape[1], np.int64)
    step = max(max(STRIP, counts.size) // max(first.shape[1], 1), 1)  # no more tables than pixels
    for start in range(0, len(first), step):
        cells = first[start : start + step] * np.intp(shape[1]) + second[start : start + step]
        counts += np.bincount(cells.ravel(), minlength=counts.size)
    return counts.reshape(shape)
