"""HDBSCAN on pixel embeddings (paper, section 3.2; McInnes et al. 2017), by any of three libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import centers_of, nearest_center
from leafwise.clustering.merge import drop_close
from leafwise.config import ClusteringSettings
from leafwise.errors import missing_extra
from leafwise.imaging import compact_labels

Points = NDArray[np.float64]  # (n, D)
Library = Callable[..., Any]  # options by the names that all three libraries have -> a clusterer


def hdbscan(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """Cluster embeddings float (D, h, w) into a label map int32 (h, w), exactly, with Euclidean distances.

    With `foreground`, bool (h, w), only its pixels are clustered; clusters with centers closer than
    `settings.merge_distance` are one, and noise pixels join the cluster with the nearest center. Where HDBSCAN
    sees no second cluster, the whole foreground is one instance.

    Without it (None), every pixel is clustered as in the paper: noise is one more label, and the largest
    label is the background.

    With a `settings.pixel_step` above 1 every n-th pixel is clustered along each axis; the others follow the
    one beside them, or, on a foreground, the nearest center.
    """
    return _density_clusters(embeddings, foreground, settings, _hdbscan)


def sklearn_hdbscan(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """`hdbscan` as scikit-learn computes it."""
    return _density_clusters(embeddings, foreground, settings, _sklearn_hdbscan)


def fast_hdbscan(
    embeddings: NDArray[np.float32], foreground: NDArray[np.bool_] | None, settings: ClusteringSettings
) -> NDArray[np.int32]:
    """`hdbscan` as the library fast_hdbscan computes it, on all cores. Raises LeafwiseError where that is missing."""
    return _density_clusters(embeddings, foreground, settings, _fast_hdbscan)


def _density_clusters(
    embeddings: NDArray[np.float32],
    foreground: NDArray[np.bool_] | None,
    settings: ClusteringSettings,
    library: Library,
) -> NDArray[np.int32]:
    shape, step = embeddings.shape[1:], settings.pixel_step
    if foreground is None:
        picked = embeddings[:, step // 2 :: step, step // 2 :: step]
        labels = _with_background(_clusters(_points(picked), settings, library)).reshape(picked.shape[1:])
        nearest = (
            np.minimum(np.arange(side) // step, picked.shape[1 + axis] - 1) for axis, side in enumerate(shape)
        )
        return np.asarray(labels[np.ix_(*nearest)])
    labels = np.zeros(shape, np.int32)
    if foreground.any():
        on_grid = np.zeros(shape, bool)
        on_grid[step // 2 :: step, step // 2 :: step] = True
        points = embeddings[:, foreground].T
        labels[foreground] = _without_noise(points, on_grid[foreground], settings, library) + 1
    return labels


def _with_background(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Cluster numbers (n,), -1 for noise -> labels (n,): noise is a label, and the largest of all is 0."""
    labels = numbers + 1  # noise becomes 0
    background = int(np.bincount(labels).argmax())
    labels = np.where(labels == background, 0, np.where(labels < background, labels + 1, labels))
    return np.asarray(compact_labels(labels[None])[0][0])


def _without_noise(
    points: NDArray[np.float32], picked: NDArray[np.bool_], settings: ClusteringSettings, library: Library
) -> NDArray[np.int32]:
    """Cluster numbers (n,) of points (n, D) by clusters of those that are picked (n,)."""
    numbers = np.full(len(points), -1, np.int32)
    numbers[picked] = _clusters(np.ascontiguousarray(points[picked], np.float64), settings, library)
    if numbers.max() < 0:
        return np.zeros(len(points), np.int32)
    numbers = drop_close(points, numbers, settings.merge_distance)
    noise = numbers < 0
    numbers[noise] = nearest_center(points[noise], centers_of(points, numbers))
    return numbers


def _points(embeddings: NDArray[np.float32]) -> Points:
    """(D, h, w) -> (h * w, D)."""
    return np.ascontiguousarray(embeddings.reshape(len(embeddings), -1).T, np.float64)


def _clusters(points: Points, settings: ClusteringSettings, library: Library) -> NDArray[np.int32]:
    """Cluster numbers (n,) of points (n, D); -1 is noise."""
    density = settings.pixel_step**2  # pixels of the grid for each point
    min_cluster_size = max(settings.min_cluster_size // density, 2)
    min_samples = max((settings.min_samples or settings.min_cluster_size) // density, 1)
    if len(points) <= max(min_cluster_size, min_samples):
        return np.full(len(points), -1, np.int32)
    clusterer = library(
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        cluster_selection_epsilon=settings.split_distance,
    )
    return np.asarray(clusterer.fit(points).labels_, np.int32)


def _hdbscan(**options: Any) -> Any:
    from hdbscan import HDBSCAN  # takes a second: not for those who only look at scores or pictures

    return HDBSCAN(**options, approx_min_span_tree=False, core_dist_n_jobs=1)


def _sklearn_hdbscan(**options: Any) -> Any:
    from sklearn.cluster import HDBSCAN  # takes a second, too

    return HDBSCAN(**options, copy=False)


def _fast_hdbscan(**options: Any) -> Any:
    try:
        from fast_hdbscan import HDBSCAN  # compiles for a minute when it is first imported
    except ImportError as error:
        raise missing_extra("the clustering fast_hdbscan needs a package", "fast_hdbscan") from error
    return HDBSCAN(**options, reproducible=True)
