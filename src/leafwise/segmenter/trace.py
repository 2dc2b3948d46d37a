"""A photo's way to its leaves with what every step left behind: `Segmenter.segment`, to be looked at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.imaging import as_seen, cut_square
from leafwise.segmenter.leaves import Segmentation, place_leaves
from leafwise.segmenter.pipeline import Leaves, Stage, cluster, refine_stages
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.segmenter import Segmenter, check_photo


@dataclass(frozen=True)
class PlantTrace:
    """One plant's way from its square to leaves on the network's grid."""

    view: NDArray[np.uint8]  # (s, s, 3), the square as the network sees it
    seen: SeenPlant
    inside: NDArray[np.bool_] | None  # (h, w), the plant's pixels; None where the model knows no foreground
    stages: tuple[Stage, ...]  # the clustering, then each refinement


@dataclass(frozen=True)
class Trace:
    """The way of a photo: its plants in their order, as they are (not turned), and what came of all looks at them."""

    plants: tuple[PlantTrace, ...]
    segmentation: Segmentation


def trace_leaves(segmenter: Segmenter, image: NDArray[np.uint8]) -> Trace:
    """`segmenter.segment` on a photo uint8 RGB (H, W, 3), each step kept. Raises ImageError for any other array."""
    check_photo(image)
    height, width = image.shape[:2]
    shown = as_seen(image, segmenter.settings.looks)
    traces = tuple(_trace_plant(segmenter, shown, seen) for seen in segmenter.look(image))
    seen = [trace.seen for trace in traces]
    leaves = [trace.stages[-1].leaves for trace in traces]
    segmentation = place_leaves(seen, leaves, height, width, segmenter.settings)
    return Trace(tuple(trace for trace in traces if trace.seen.turn == 0), segmentation)


def _trace_plant(segmenter: Segmenter, image: NDArray[np.uint8], seen: SeenPlant) -> PlantTrace:
    settings = segmenter.settings
    labels = cluster(seen, settings)
    first = Stage(settings.pipeline.clustering, Leaves(labels))
    return PlantTrace(
        view=cut_square(image, seen.square, settings.looks.input_size),
        seen=seen,
        inside=seen.inside(settings.clustering.foreground_threshold),
        stages=(first, *refine_stages(seen, labels, settings, segmenter.model.cluster_network)),
    )
