"""How many pixels each leaf of one label map shares with each leaf of another: all that the scores need."""

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import LabelMapError
from leafwise.imaging import compact_labels

STRIP = 1 << 20  # pixels looked up at a time: numpy makes 8 bytes of each for that
MAX_CELLS = 2**25  # of a contingency table, 256 MB: 5,000 leaves against 5,000


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
