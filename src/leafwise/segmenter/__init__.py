"""The pipeline: a photo in, its leaves out."""

from leafwise.segmenter.leaves import Segmentation, find_leaves
from leafwise.segmenter.segmenter import DEFAULT_MODEL, Segmenter, segment
from leafwise.segmenter.views import PlantView, find_plants

__all__ = [
    "DEFAULT_MODEL",
    "PlantView",
    "Segmentation",
    "Segmenter",
    "find_leaves",
    "find_plants",
    "segment",
]
