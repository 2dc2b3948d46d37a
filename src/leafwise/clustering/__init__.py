"""Clustering of pixel embeddings into instances: `(embeddings, foreground, settings) -> labels`."""

from leafwise.clustering.centers import centers_of, nearest_center
from leafwise.clustering.density import hdbscan

__all__ = ["centers_of", "hdbscan", "nearest_center"]
