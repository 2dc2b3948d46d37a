"""The pipeline: a photo in, its leaves out."""

from leafwise.segmenter.leaves import Segmentation, find_leaves, finish_leaves
from leafwise.segmenter.pipeline import Stage, cluster
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.segmenter import DEFAULT_MODEL, Segmenter, segment
from leafwise.segmenter.trace import PlantTrace, Trace, fullest, trace_leaves
from leafwise.segmenter.views import FoundPlants, PlantView, find_plants

__all__ = [
    "DEFAULT_MODEL",
    "FoundPlants",
    "PlantTrace",
    "PlantView",
    "SeenPlant",
    "Segmentation",
    "Segmenter",
    "Stage",
    "Trace",
    "cluster",
    "find_leaves",
    "find_plants",
    "finish_leaves",
    "fullest",
    "segment",
    "trace_leaves",
]
