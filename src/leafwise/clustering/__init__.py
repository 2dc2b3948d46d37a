"""Clustering of pixel embeddings into instances: `(embeddings, foreground, settings) -> labels`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import balanced_center, centers_of, nearest_center
from leafwise.clustering.density import fast_hdbscan, hdbscan, sklearn_hdbscan
from leafwise.clustering.merge import drop_close
from leafwise.clustering.seeds import mean_shift, seeded
from leafwise.config import ClusteringSettings

Clustering = Callable[[NDArray[np.float32], NDArray[np.bool_] | None, ClusteringSettings], NDArray[np.int32]]
CLUSTERINGS: dict[str, Clustering] = {
    "seeded": seeded,
    "mean_shift": mean_shift,
    "hdbscan": hdbscan,
    "sklearn_hdbscan": sklearn_hdbscan,
    "fast_hdbscan": fast_hdbscan,
}

__all__ = [
    "CLUSTERINGS",
    "Clustering",
    "balanced_center",
    "centers_of",
    "drop_close",
    "fast_hdbscan",
    "hdbscan",
    "mean_shift",
    "nearest_center",
    "seeded",
    "sklearn_hdbscan",
]
