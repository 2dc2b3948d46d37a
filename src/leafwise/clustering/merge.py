"""Clusters whose means lie too close to be two instances."""

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import centers_of


def drop_close(points: NDArray[np.float32], numbers: NDArray[np.int32], distance: float) -> NDArray[np.int32]:
    """Turn clusters whose center is closer than `distance` to that of a larger one into noise.

    The loss keeps the centers of two instances 2 delta_d apart (paper, equation 2), so that a cluster much closer
    to another than that is a piece of it, or the border between two. The largest cluster stays; a smaller one
    stays where its center keeps its distance from all that stay. So a thin border between two instances, close to
    both, goes, and does not join them.

    Args:
        points: float (n, D).
        numbers: cluster of each point (n,), 0..k-1, at least one; -1 is noise.
        distance: embedding units; 0 drops nothing.

    Returns int32 (n,), 0..k'-1 in the old order, -1 for noise.

    >>> points = np.array([[0.0], [0.1], [0.6], [3.0]], np.float32)
    >>> drop_close(points, np.array([0, 0, 1, 2], np.int32), distance=1.0)
    array([ 0,  0, -1,  1], dtype=int32)
    """
    centers = centers_of(points, numbers)
    sizes = np.bincount(numbers[numbers >= 0], minlength=len(centers))
    stays = np.zeros(len(centers), bool)
    for cluster in np.argsort(-sizes, kind="stable"):
        gaps = np.linalg.norm(centers[stays] - centers[cluster], axis=1)
        stays[cluster] = (gaps >= distance).all()
    renumbered = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int32)
    return np.where(numbers >= 0, renumbered[numbers], -1).astype(np.int32)
