"""Greedy seeds: the most promising place first, and all within reach of it are one instance (Neven et al. 2019)."""

from collections.abc import Callable, Iterable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import nearest_center
from leafwise.config import ClusteringSettings
from leafwise.imaging import compact_labels

SHIFTS = 3  # mean-shift steps of a dense seed; after the second it hardly moves
MOST_SHIFTS = 100  # of one that starts anywhere; it has come to rest long before
REST = 1e-3  # embedding units; a seed that moves less has come to rest
SAMPLE = 3000  # points among which the densest places are looked for, evenly spaced ...
SPARSEST = 8  # ... but at least every 8-th: small instances must have theirs
FLAT_PART = 0.1  # of an instance's pixels: its flattest
ROWS = 512  # points whose densities are summed at a time: bounds the memory, and fits a cache


def seeded(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """Cluster embeddings float (D, h, w) into a label map int32 (h, w), 0 = background, 1..n without gaps.

    The loss keeps an instance's embeddings within delta_v of its center and centers 2 delta_d apart (paper,
    equations 1 and 2), so that a ball of about delta_d around a dense place holds one instance and little else.
    The densest pixel is the first seed; it moves to the mean of what is within `settings.seed_radius`, and takes
    all free pixels there; the densest of the rest is next. A seed is no instance where it takes less than
    `settings.min_cluster_size` pixels, or where it is a border between instances, with embeddings between two
    centers. Borders are thin: less than `settings.min_core_size` of their pixels have all four neighbours among
    them. And they are steep: their embeddings change from pixel to pixel everywhere, where an instance has a flat
    part (`steepness`). In the end every pixel joins the nearest center.

    With `foreground`, bool (h, w), only its pixels are clustered, into at least one instance. Without it (None)
    all are, and the largest instance is the background.
    """

    def densest_first(points: NDArray[np.float32]) -> NDArray[np.int64]:
        sample = np.arange(0, len(points), min(ceil(len(points) / SAMPLE), SPARSEST))
        return np.asarray(
            sample[np.argsort(-densities(points[sample], settings.density_radius), kind="stable")]
        )

    return _by_seeds(embeddings, foreground, settings, densest_first, SHIFTS)


def mean_shift(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """`seeded` from random pixels, each shifted until it rests: the variant of De Brabandere et al. 2017 (section 2).

    Its bandwidth is `settings.seed_radius`, its draws are the same every time.
    """

    def at_random(points: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.random.default_rng(0).permutation(len(points))

    return _by_seeds(embeddings, foreground, settings, at_random, MOST_SHIFTS)


def _by_seeds(
    embeddings: NDArray[np.float32],
    foreground: NDArray[np.bool_] | None,
    settings: ClusteringSettings,
    order: Callable[[NDArray[np.float32]], NDArray[np.int64]],
    shifts: int,
) -> NDArray[np.int32]:
    inside = np.ones(embeddings.shape[1:], bool) if foreground is None else foreground
    labels = np.zeros(inside.shape, np.int32)
    if not inside.any():
        return labels
    points = np.ascontiguousarray(embeddings[:, inside].T)
    points -= points.mean(0)  # small numbers: squared lengths cancel each other below
    centers, takers = grow_seeds(points, order(points), settings, shifts=shifts)
    numbers = np.full(inside.shape, -1, np.int32)
    numbers[inside] = takers
    real = core_sizes(numbers, len(centers)) >= settings.min_core_size
    if settings.steepest > 0 and real.any():
        sizes = np.bincount(takers[takers >= 0], minlength=len(centers)) * real
        if foreground is None:
            sizes[sizes.argmax()] = 0  # the background
        side = np.sqrt(np.square(sizes).sum() / max(sizes.sum(), 1))
        real &= side * steepness(slopes_of(embeddings)[inside], takers, len(centers)) < settings.steepest
    real[0] |= not real.any()
    labels[inside] = nearest_center(points, centers[real]) + 1
    if foreground is None:
        labels[labels == np.bincount(labels.ravel()).argmax()] = 0
    return compact_labels(labels)[0]


def grow_seeds(
    points: NDArray[np.float32], order: Iterable[int], settings: ClusteringSettings, *, shifts: int = SHIFTS
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The centers that greedy seeds come to, in their order, and the seed that takes each point, -1 for none.

    float32 (n, D), about their mean, n > 0, and which of them are tried as seeds, at least one, the best first
    -> (k, D), k > 0, and (n,).

    >>> points = np.array([[0.0], [0.1], [0.2], [3.0], [3.1], [9.0]], np.float32)
    >>> centers, takers = grow_seeds(points, [1, 3, 5], ClusteringSettings(min_cluster_size=2))
    >>> centers.round(2).ravel().tolist(), takers.tolist()
    ([0.10000000149011612, 3.049999952316284], [0, 0, 0, 1, 1, -1])
    """
    takers = np.full(len(points), -1, np.int32)
    free, squares, where = (
        points,
        np.square(points).sum(1),
        np.arange(len(points)),
    )  # of the points not yet taken
    tried = np.zeros(len(points), bool)
    centers: list[NDArray[np.float32]] = []
    for seed in order:
        if tried[seed]:
            continue
        near = _ball(points[seed], free, squares, settings.seed_radius, shifts)
        taken = where[near]
        if len(taken) >= settings.min_cluster_size or not centers:
            takers[taken] = len(centers)
            centers.append(free[near].mean(0))
        tried[taken] = tried[seed] = True
        free, squares, where = free[~near], squares[~near], where[~near]
        if len(free) < settings.min_cluster_size:
            break
    return np.stack(centers), takers


def _ball(
    center: NDArray[np.float32],
    points: NDArray[np.float32],
    squares: NDArray[np.float32],
    radius: float,
    shifts: int,
) -> NDArray[np.bool_]:
    """Which points (n, D), of squared lengths (n,), lie within a radius of a place that moves to their mean."""
    near = np.zeros(len(points), bool)
    for _ in range(shifts):
        closer = squares - points @ (2 * center) < radius**2 - center @ center
        if not closer.any():
            break
        near, before = closer, center
        center = near.astype(np.float32) @ points / np.float32(near.sum())
        if np.abs(center - before).max() < REST:
            break
    return near


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


def slopes_of(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much the embeddings change from one pixel to the next: (D, h, w) -> (h, w); 0 across the edges of the map.

    >>> slopes_of(np.array([[[0.0, 3.0, 6.0, 6.0]] * 2], np.float32))[0].tolist()
    [0.0, 3.0, 1.5, 0.0]
    """
    squares = np.zeros(embeddings.shape[1:], np.float32)
    for inner, after, before in (
        (squares[1:-1], embeddings[:, 2:], embeddings[:, :-2]),
        (squares[:, 1:-1], embeddings[:, :, 2:], embeddings[:, :, :-2]),
    ):
        change = after - before
        inner += np.einsum("dhw,dhw->hw", change, change)
    squares /= 4
    return np.sqrt(squares, out=squares)


def steepness(slopes: NDArray[np.float32], numbers: NDArray[np.int32], n_numbers: int) -> NDArray[np.float32]:
    """The slope that a tenth of each number's points stay below: (n,), int32 (n,) in -1..n-1 -> (n_numbers,).

    A number without points has slope 0.

    >>> steepness(np.array([5, 1, 3, 2, 9], np.float32), np.array([0, 0, 0, 2, -1], np.int32), 3)
    array([1., 0., 2.], dtype=float32)
    """
    order = np.lexsort((slopes, numbers))
    order = order[np.count_nonzero(numbers < 0) :]
    sizes = np.bincount(numbers[order], minlength=n_numbers)
    first = np.cumsum(sizes) - sizes
    found = np.zeros(n_numbers, np.float32)
    there = sizes > 0
    found[there] = slopes[order[(first + FLAT_PART * (sizes - 1)).astype(np.int64)[there]]]
    return found


def densities(points: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """How dense each place is: the sum of [radius^2 - distance^2]_+ over all points, (n, D) -> (n,).

    Epanechnikov's kernel is one matrix product and one cut: |x - y|^2 is a product of x and y with two more columns.

    >>> densities(np.array([[-1.0], [0.0], [0.5], [0.5]], np.float32), 1.0)
    array([1.  , 2.5 , 2.75, 2.75], dtype=float32)
    """
    squares, ones = np.square(points).sum(1, keepdims=True), np.ones((len(points), 1), np.float32)
    rows = np.concatenate([2 * points, -squares, ones], 1)
    columns = np.ascontiguousarray(np.concatenate([points, ones, np.float32(radius**2) - squares], 1).T)
    sums = np.empty(len(points), np.float32)
    for start in range(0, len(points), ROWS):
        part = slice(start, start + ROWS)
        kernel = rows[part] @ columns
        sums[part] = np.maximum(kernel, 0, out=kernel) @ ones[:, 0]
    return sums
