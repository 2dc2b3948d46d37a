"""Clustering of pixel embeddings into instances: `(embeddings, foreground, settings) -> labels`."""

from leafwise.clustering.centers import centers_of, nearest_center
from leafwise.clustering.density import hdbscan
from leafwise.clustering.merge import drop_close

__all__ = ["centers_of", "drop_close", "hdbscan", "nearest_center"]
