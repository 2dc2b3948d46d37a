"""Label maps as numbers without gaps."""

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import LabelMapError

STRIP = 1 << 20  # pixels looked up at a time: numpy makes 8 bytes of each for that


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
