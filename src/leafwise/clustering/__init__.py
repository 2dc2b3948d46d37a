"""Clustering of pixel embeddings into instances: `(embeddings, foreground, settings) -> labels`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering.centers import centers_of, nearest_center
from leafwise.clustering.density import hdbscan
from leafwise.clustering.merge import drop_close
from leafwise.clustering.seeds import seeded
from leafwise.config import ClusteringSettings

Clustering = Callable[[NDArray[np.float32], NDArray[np.bool_] | None, ClusteringSettings], NDArray[np.int32]]
CLUSTERINGS: dict[str, Clustering] = {"hdbscan": hdbscan, "seeded": seeded}

__all__ = ["CLUSTERINGS", "Clustering", "centers_of", "drop_close", "hdbscan", "nearest_center", "seeded"]
