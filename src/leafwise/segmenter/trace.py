"""A photo's way to its leaves with what every step left behind: `Segmenter.segment`, to be looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.imaging import Square, as_seen, cut_square
from leafwise.segmenter.leaves import Segmentation, place_leaves
from leafwise.segmenter.pipeline import Leaves, Stage, cluster, refine, refine_stages
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.segmenter import Segmenter, check_photo


@dataclass(frozen=True)
class PlantTrace:
    """One plant's way from its square to leaves on the network's grid."""

    number: int  # of its square among the photo's, 1..
    view: NDArray[np.uint8]  # (s, s, 3), the square as the network sees it
    seen: SeenPlant
    inside: NDArray[np.bool_] | None  # (h, w), the plant's pixels; None where the model knows no foreground
    stages: tuple[Stage, ...]  # the clustering, then each refinement


@dataclass(frozen=True)
class Trace:
    """The way of a photo: its plants in their order, as they are (not turned), and what came of all looks at them."""

    plants: tuple[PlantTrace, ...]  # all, or as many as asked for of those in which most was found
    squares: tuple[Square, ...]  # of all
    segmentation: Segmentation


def trace_leaves(segmenter: Segmenter, image: NDArray[np.uint8], most: int | None = None) -> Trace:
    """`segmenter.segment` on a photo uint8 RGB (H, W, 3), each step kept.

    Of more than `most` plants those in which most was found are kept: embeddings and masks of a tray are some
    gigabytes. Raises ImageError for any other array.
    """
    check_photo(image)
    height, width = image.shape[:2]
    shown = as_seen(image, segmenter.settings.looks)
    plants: list[PlantTrace] = []
    squares: list[Square] = []

    def leaves_of(looks: Iterable[SeenPlant]) -> Iterator[tuple[SeenPlant, Leaves]]:
        for seen in looks:
            if seen.turn != 0:  # only its leaves count
                yield seen, _end(segmenter, seen)
                continue
            squares.append(seen.square)
            plant = _trace_plant(segmenter, shown, seen, len(squares))
            plants.append(plant)
            if most is not None and len(plants) > most:
                plants[:] = fullest(plants, most)
            yield seen, plant.stages[-1].leaves

    looks = segmenter.look_at(image, segmenter.find(image))
    segmentation = place_leaves(leaves_of(looks), height, width, segmenter.settings)
    return Trace(tuple(plants), tuple(squares), segmentation)


def fullest(plants: Sequence[PlantTrace], most: int) -> list[PlantTrace]:
    """Of more than `most` plants those in which most was found, in the same order."""
    areas = np.array([np.count_nonzero(plant.stages[-1].leaves.labels) for plant in plants])
    kept = np.argsort(-areas, kind="stable")[:most]
    return [plants[i] for i in sorted(kept)]


def _end(segmenter: Segmenter, seen: SeenPlant) -> Leaves:
    settings = segmenter.settings
    return refine(seen, cluster(seen, settings), settings, segmenter.model.cluster_network)


def _trace_plant(segmenter: Segmenter, image: NDArray[np.uint8], seen: SeenPlant, number: int) -> PlantTrace:
    settings = segmenter.settings
    labels = cluster(seen, settings)
    first = Stage(settings.pipeline.clustering, Leaves(labels))
    return PlantTrace(
        number=number,
        view=cut_square(image, seen.square, settings.looks.input_size),
        seen=seen,
        inside=seen.inside(settings.clustering.foreground_threshold),
        stages=(first, *refine_stages(seen, labels, settings, segmenter.model.cluster_network)),
    )
