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
    # |x - c|^2 less |x|^2, which is the same for every center
    distances = np.square(centers).sum(1) - 2 * points @ centers.T
    return np.asarray(distances.argmin(1), np.int32)
