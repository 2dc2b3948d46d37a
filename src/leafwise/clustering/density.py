"""HDBSCAN on pixel embeddings (paper, section 3.2; McInnes et al. 2017)."""

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import centers_of, nearest_center
from leafwise.clustering.merge import drop_close
from leafwise.config import ClusteringSettings


def hdbscan(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """Cluster embeddings float (D, h, w) into a label map int32 (h, w), exactly, with Euclidean distances.

    With `foreground`, bool (h, w), only its pixels are clustered; clusters with centers closer than
    `settings.merge_distance` are one, and noise pixels join the cluster with the nearest center. Where HDBSCAN
    sees no second cluster, the whole foreground is one instance.

    Without it (None), every pixel is clustered as in the paper: noise is one more label, and the largest
    label is the background.
    """
    shape = embeddings.shape[1:]
    points = np.ascontiguousarray(embeddings.reshape(len(embeddings), -1).T, np.float64)
    labels = np.zeros(points.shape[0], np.int32)
    if foreground is None:
        numbers = _clusters(points, settings) + 1  # noise becomes 0
        sizes = np.bincount(numbers)
        background = int(sizes.argmax())
        labels[:] = np.where(numbers == background, 0, np.where(numbers < background, numbers + 1, numbers))
        return _without_gaps(labels).reshape(shape)
    inside = foreground.ravel()
    if inside.any():
        labels[inside] = _without_noise(points[inside], settings) + 1
    return labels.reshape(shape)


def _without_noise(points: NDArray[np.float64], settings: ClusteringSettings) -> NDArray[np.int32]:
    numbers = _clusters(points, settings)
    if numbers.max() < 0:
        return np.zeros(len(points), np.int32)
    single = points.astype(np.float32)
    numbers = drop_close(single, numbers, settings.merge_distance)
    noise = numbers < 0
    numbers[noise] = nearest_center(single[noise], centers_of(single, numbers))
    return numbers


def _clusters(points: NDArray[np.float64], settings: ClusteringSettings) -> NDArray[np.int32]:
    """Cluster numbers (n,) of points (n, D); -1 is noise."""
    from hdbscan import HDBSCAN  # takes a second: not for those who only look at scores or pictures

    if len(points) <= max(settings.min_cluster_size, settings.min_samples):
        return np.full(len(points), -1, np.int32)
    clusterer = HDBSCAN(
        min_cluster_size=settings.min_cluster_size,
        min_samples=settings.min_samples,
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
    )
    return np.asarray(clusterer.fit(points).labels_, np.int32)


def _without_gaps(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    present = np.bincount(labels.ravel(), minlength=1) > 0
    present[0] = False
    return np.where(labels > 0, np.cumsum(present)[labels], 0).astype(np.int32)
