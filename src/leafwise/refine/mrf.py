"""Denoising of a label map with a Markov random field (MRF) for each segment (paper, section 3.3).

The field is a binary Ising model on the pixel grid. With y_i = +1 where a segment was found and -1 elsewhere, and
the state x_i in {-1, +1} sought,

    E(x) = - data weight * sum_i x_i y_i - smoothness weight * sum_{i ~ j} x_i x_j

where i ~ j are pixels that share an edge, each pair counted once: a pixel likes to stay what it was, and to be what
its neighbours are. Only the ratio of the weights decides which state is best.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from leafwise.config import RefineSettings
from leafwise.imaging import compact_labels
from leafwise.refine.icm import icm
from leafwise.refine.min_cut import min_cut

Solver = Callable[[NDArray[np.int32], Fraction], NDArray[np.int64]]
"""Labels int32 (h, w) in 0..n, n > 0, data weight / smoothness weight -> what turns over: segment, pixel (2, m)."""

SOLVERS: dict[str, Solver] = {"icm": icm, "min_cut": min_cut}

LARGEST_DENOMINATOR = 1000  # of the weights' ratio, for int32 capacities; 7 / 10 is exact


def denoise(labels: NDArray[np.int32], settings: RefineSettings) -> NDArray[np.int32]:
    """Smooth the borders of all segments, fill their holes and take specks away.

    Each segment is denoised on its own, in its two states, as in the paper: with `settings.mrf_solver`, on the map
    of every `settings.mrf_reduction`-th pixel. Then the segments are put together: a pixel that leaves a segment
    becomes background unless another one claims it; of several claims, the larger segment's stands (3.4), of
    equally large ones that of the higher number.

    A reduced map decides for cells of `mrf_reduction` x `mrf_reduction` pixels by the one in the upper left. In a
    cell whose label changes, the pixels that had this label take the new one; all others, and whole cells that do
    not change, keep their labels, so that borders stay as fine as they were.

    Args:
        labels: integers (h, w), 0 = background, segments 1..n; not changed.
        settings: solver, weights and reduction.

    Returns:
        int32 (h, w), in the order of the old numbers, 1..n without gaps: a segment that vanished has no number.

    >>> noisy = np.array([[1, 1, 1, 0, 0], [1, 2, 1, 0, 2], [1, 1, 1, 0, 0]])
    >>> denoise(noisy, RefineSettings(mrf_reduction=1))
    array([[1, 1, 1, 0, 0],
           [1, 1, 1, 0, 0],
           [1, 1, 1, 0, 0]], dtype=int32)
    """
    data, smoothness = settings.mrf_data_weight, settings.mrf_smoothness_weight
    step = settings.mrf_reduction
    before, numbers = compact_labels(labels[::step, ::step])
    if len(numbers) == 1 or data >= 4 * smoothness:  # four neighbours cannot move a pixel
        return compact_labels(labels)[0]
    ratio = Fraction(data / smoothness).limit_denominator(LARGEST_DENOMINATOR)
    after = _merge(before, SOLVERS[settings.mrf_solver](before, ratio))
    old, new = (_spread(numbers[cells], step, labels.shape) for cells in (before, after))
    return compact_labels(np.where(labels == old, new, labels))[0]


def ising_energy(
    states: NDArray[np.integer], observed: NDArray[np.integer], settings: RefineSettings
) -> float:
    """E(x) of one segment: states x and observations y, both integers (h, w) in {-1, +1}.

    >>> ising_energy(np.array([[1, 1]]), np.array([[1, -1]]), RefineSettings())
    -10.0
    """
    agreement = (states * observed).sum(dtype=np.int64)
    down = (states[1:] * states[:-1]).sum(dtype=np.int64)
    right = (states[:, 1:] * states[:, :-1]).sum(dtype=np.int64)
    return float(-settings.mrf_data_weight * agreement - settings.mrf_smoothness_weight * (down + right))


def _merge(labels: NDArray[np.int32], changes: NDArray[np.int64]) -> NDArray[np.int32]:
    """One label map of the changed segments, larger over smaller: int32 (h, w) in 0..n, changes (2, m).

    Only claims on pixels that changed need to be settled: the others have one segment, as before.
    """
    merged = labels.flatten()
    leaves = merged[changes[1]] == changes[0]
    left, joined = changes[:, leaves], changes[:, ~leaves]
    sizes = np.bincount(merged)
    sizes += np.bincount(joined[0], minlength=len(sizes)) - np.bincount(left[0], minlength=len(sizes))
    sizes[0] = -1  # the background is under all of them
    rank = np.argsort(np.argsort(sizes, kind="stable"))
    merged[left[1]] = 0
    joined = joined[:, np.argsort(rank[joined[0]], kind="stable")]
    segments, pixels = joined[:, rank[joined[0]] > rank[merged[joined[1]]]]
    merged[pixels] = segments  # of several that join, the last is the largest, and stays
    return merged.reshape(labels.shape)


def _spread(cells: NDArray[np.integer], step: int, shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Each cell's value on all of its step x step pixels, as far as they lie in the shape (h, w)."""
    return cells.repeat(step, axis=0).repeat(step, axis=1)[: shape[0], : shape[1]]
