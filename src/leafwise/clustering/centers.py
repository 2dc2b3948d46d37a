"""Means of clusters, and pixels to their nearest mean."""

import numpy as np
from numpy.typing import NDArray


def centers_of(points: NDArray[np.float32], numbers: NDArray[np.int32]) -> NDArray[np.float32]:
    """Mean embedding (mu_c) of each cluster: float (n, D) and cluster numbers 0..k-1, -1 for none -> (k, D).

    >>> centers_of(np.array([[0.0], [2.0], [6.0], [9.0]], np.float32), np.array([0, 0, 1, -1], np.int32))
    array([[1.],
           [6.]], dtype=float32)
    """
    members = numbers >= 0
    n_clusters = int(numbers.max(initial=-1)) + 1
    sizes = np.bincount(numbers[members], minlength=n_clusters)
    sums = [np.bincount(numbers[members], column, n_clusters) for column in points[members].T]
    return (np.stack(sums, 1) / np.maximum(sizes, 1)[:, None]).astype(np.float32)


def nearest_center(points: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int32]:
    """The number of the nearest center of each point: (n, D), (k, D) -> (n,) in 0..k-1; the first of equals."""
    return np.asarray(_distances(points, centers).argmin(1), np.int32)


def balanced_center(
    points: NDArray[np.float32], centers: NDArray[np.float32], sizes: NDArray[np.int64], shift: float
) -> NDArray[np.int32]:
    """Like `nearest_center`, with borders moved towards the smaller of two clusters: (n, D), (k, D) -> (n,) in 0..k-1.

    The pull term is a mean over each instance's pixels (paper, equation 1), so that a pixel weighs 1 / size. One that
    is of instance a or b with the same chance comes to lie where (|x - a|^2 / s_a + |x - b|^2 / s_b) is least, s_a /
    (s_a + s_b) of the way from a to b, and halfway between the means the smaller instance has won too much. `shift` is
    the part of this that is undone, 0 to 1: the term's margin lets go of what is near a mean, so 1 is too much.
    It is decided between the two nearest centers; on the border the nearest wins. `sizes` (k,), in pixels, above 0.

    >>> line, means = np.arange(9, dtype=np.float32)[:, None], np.array([[0], [8]], np.float32)
    >>> [balanced_center(line, means, np.array([300, 100]), shift).tolist() for shift in (0, 1)]
    [[0, 0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1, 1]]
    """
    distances = _distances(points, centers)
    nearest = distances.argmin(1)
    if shift == 0 or len(centers) < 2:
        return np.asarray(nearest, np.int32)
    each = np.arange(len(points))
    least = distances[each, nearest]
    distances[each, nearest] = np.inf
    second = distances.argmin(1)
    apart = np.square(centers[nearest] - centers[second]).sum(1)
    own, other = sizes[nearest], sizes[second]
    stays = least - distances[each, second] <= shift * apart * (own - other) / (own + other)
    return np.asarray(np.where(stays, nearest, second), np.int32)


def _distances(points: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """|x - c|^2 less |x|^2, which is the same for every center: (n, D), (k, D) -> (n, k)."""
    return np.asarray(np.square(centers).sum(1) - 2 * points @ centers.T)
