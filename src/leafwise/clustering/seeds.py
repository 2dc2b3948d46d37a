"""Greedy seeds: the densest place first, and all within reach of it are one instance (after Neven et al. 2019)."""

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import nearest_center
from leafwise.config import ClusteringSettings
from leafwise.metrics import compact_labels

SHIFTS = 3  # mean-shift steps of a seed; after the second it hardly moves
EVERY = 4  # of this many points one is counted as a neighbour: which place is densest stays much the same
ROWS = 1024  # points whose neighbours are counted at a time: bounds the memory


def seeded(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """Cluster embeddings float (D, h, w) into a label map int32 (h, w), 0 = background, 1..n without gaps.

    The loss keeps an instance's embeddings within delta_v of its center and centers 2 delta_d apart (paper,
    equations 1 and 2), so that a ball of about delta_d around a dense place holds one instance and little else.
    The densest pixel is the first seed; it moves to the mean of what is within `settings.seed_radius`, and takes
    all free pixels there; the densest of the rest is next. A seed is no instance where it takes less than
    `settings.min_cluster_size` pixels, or where less than `settings.min_core_size` of them have all four
    neighbours among them: borders between instances, whose embeddings lie between two centers, are thin. In the end
    every pixel joins the nearest center.

    With `foreground`, bool (h, w), only its pixels are clustered, into at least one instance. Without it (None)
    all are, and the largest instance is the background.
    """
    inside = np.ones(embeddings.shape[1:], bool) if foreground is None else foreground
    labels = np.zeros(inside.shape, np.int32)
    if not inside.any():
        return labels
    points = np.ascontiguousarray(embeddings[:, inside].T)
    centers, takers = grow_seeds(points, settings)
    numbers = np.full(inside.shape, -1, np.int32)
    numbers[inside] = takers
    real = core_sizes(numbers, len(centers)) >= settings.min_core_size
    real[0] |= not real.any()
    labels[inside] = nearest_center(points, centers[real]) + 1
    if foreground is None:
        labels[labels == np.bincount(labels.ravel()).argmax()] = 0
    return compact_labels(labels)[0]


def grow_seeds(
    points: NDArray[np.float32], settings: ClusteringSettings
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The centers that greedy seeds come to, the densest first, and the seed that takes each point, -1 for none.

    float32 (n, D), n > 0 -> (k, D), k > 0, and (n,).

    >>> points = np.array([[0.0], [0.1], [0.2], [3.0], [3.1], [9.0]], np.float32)
    >>> centers, takers = grow_seeds(points, ClusteringSettings(min_cluster_size=2))
    >>> centers.round(2).ravel().tolist(), takers.tolist()
    ([0.10000000149011612, 3.049999952316284], [0, 0, 0, 1, 1, -1])
    """
    density = count_neighbours(points, settings.density_radius)
    free = np.ones(len(points), bool)
    centers: list[NDArray[np.float32]] = []
    takers = np.full(len(points), -1, np.int32)
    while free.any():
        seed = int(np.argmax(np.where(free, density, -1)))
        center, taken = points[seed], np.zeros_like(free)
        for _ in range(SHIFTS):
            near = free & (np.square(points - center).sum(1) < settings.seed_radius**2)
            if not near.any():
                break
            center, taken = points[near].mean(0), near
        if taken.sum() >= settings.min_cluster_size or not centers:
            takers[taken] = len(centers)
            centers.append(center)
        free &= ~taken
        free[seed] = False
    return np.stack(centers), takers


def core_sizes(numbers: NDArray[np.int32], n_numbers: int) -> NDArray[np.int64]:
    """How many pixels of each number 0..n-1 have four neighbours of the same number: int32 (h, w) -> (n,).

    >>> core_sizes(np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]], np.int32), 2)
    array([1, 0])
    """
    framed = np.pad(numbers, 1, constant_values=-1)
    own = framed[1:-1, 1:-1]
    core = own >= 0
    for neighbours in (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:]):
        core &= own == neighbours
    return np.bincount(own[core], minlength=n_numbers)


def count_neighbours(points: NDArray[np.float32], radius: float) -> NDArray[np.int64]:
    """How many of every EVERY-th point lie within a radius of each point: (n, D) -> (n,)."""
    points = points - points.mean(0)  # small numbers: squared lengths cancel each other below
    squares = np.square(points).sum(1)
    counted, their_squares = points[::EVERY], squares[::EVERY]
    counts = np.empty(len(points), np.int64)
    for start in range(0, len(points), ROWS):
        rows = slice(start, start + ROWS)
        gaps = squares[rows, None] + their_squares - 2 * points[rows] @ counted.T
        counts[rows] = (gaps < radius**2).sum(1)
    return counts
