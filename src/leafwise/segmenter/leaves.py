"""From the second look's embeddings to the leaves of the photo."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering import centers_of, nearest_center
from leafwise.config import SegmentSettings
from leafwise.imaging import scale_maps
from leafwise.models import ClusterNetwork
from leafwise.refine import merge_masks
from leafwise.segmenter.pipeline import Leaves, Masks, cluster, refine
from leafwise.segmenter.seen import SeenPlant

STRIP = 1 << 18  # photo pixels scaled up at a time: bounds the memory of large photos
Maps = NDArray[np.float32]  # (C, h, w)


@dataclass(frozen=True)
class Segmentation:
    """The leaves of a photo."""

    labels: NDArray[np.int32]  # (H, W), 0 = background, 1..n without gaps, plant by plant, large leaves first
    plants: NDArray[np.int32]  # (n + 1,), the plant of each leaf, 1..; [0] is 0

    @property
    def foreground(self) -> NDArray[np.bool_]:
        """The pixels of any leaf, (H, W)."""
        return self.labels > 0

    @property
    def n_leaves(self) -> int:
        """How many leaves there are."""
        return len(self.plants) - 1


def find_leaves(
    seen: Sequence[SeenPlant],
    height: int,
    width: int,
    settings: SegmentSettings,
    network: ClusterNetwork | None = None,
) -> Segmentation:
    """The whole pipeline of `settings` on each plant, and its leaves on a photo of (height, width).

    `network` is for the step cluster_net.
    """
    starts = [cluster(plant, settings) for plant in seen]
    return finish_leaves(seen, starts, height, width, settings, network)


def finish_leaves(
    seen: Sequence[SeenPlant],
    starts: Sequence[NDArray[np.int32]],
    height: int,
    width: int,
    settings: SegmentSettings,
    network: ClusterNetwork | None = None,
) -> Segmentation:
    """`find_leaves` from the labels int32 (h, w) that a clustering has found for each plant."""
    pairs = zip(seen, starts, strict=True)
    leaves = (refine(plant, start, settings, network) for plant, start in pairs)
    return place_leaves(seen, leaves, height, width, settings)


def place_leaves(
    seen: Sequence[SeenPlant], leaves: Iterable[Leaves], height: int, width: int, settings: SegmentSettings
) -> Segmentation:
    """The end of `find_leaves`: each plant's leaves from the network's grid to a photo of (height, width)."""
    labels = np.zeros((height, width), np.int32)
    plants = [np.zeros(1, np.int32)]
    n_leaves = 0
    for number, (plant, its_leaves) in enumerate(zip(seen, leaves, strict=True), 1):
        rows, cols = plant.square.inside(height, width)
        found = _on_photo(plant, its_leaves, rows, cols, settings)
        free = labels[rows, cols] == 0
        found = _by_size(np.where(free, found, 0))
        labels[rows, cols] += np.where(found > 0, found + n_leaves, 0).astype(np.int32)
        count = int(found.max(initial=0))
        plants.append(np.full(count, number, np.int32))
        n_leaves += count
    return Segmentation(labels, np.concatenate(plants))


def _on_photo(
    plant: SeenPlant, leaves: Leaves, rows: slice, cols: slice, settings: SegmentSettings
) -> NDArray[np.int32]:
    """The leaves of one plant on the photo's pixels `rows` x `cols`.

    Labels that are scaled up have steps for borders. So it is what they were decided from that is scaled up:
    embeddings and foreground after a clustering, masks after ClusterNet, and each label's own area after the MRF.
    """
    found = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.int32)
    if not leaves.labels.any():
        return found
    if leaves.masks is not None:
        maps, decide = _by_masks(plant, leaves.masks, settings)
    elif plant.foreground is None or settings.pipeline.refinements[-1:] == ("mrf",):
        maps, decide = _by_areas(leaves.labels)
    else:
        maps, decide = _by_means(plant, plant.foreground, leaves.labels, settings)
    for strip in _strips(rows, cols):
        part = slice(strip.start - rows.start, strip.stop - rows.start)
        found[part] = decide(scale_maps(maps, plant.square, strip, cols))
    return found


Decision = tuple[Maps, Callable[[Maps], NDArray[np.int32]]]  # maps on the grid; scaled maps -> labels


def _by_means(
    plant: SeenPlant, foreground: NDArray[np.float32], labels: NDArray[np.int32], settings: SegmentSettings
) -> Decision:
    """Each pixel of the foreground to the leaf with the nearest mean."""
    threshold = settings.clustering.foreground_threshold
    members = labels > 0
    centers = centers_of(plant.embeddings[:, members].T, labels[members] - 1)

    def decide(maps: Maps) -> NDArray[np.int32]:
        inside = maps[-1] > threshold
        found = np.zeros(inside.shape, np.int32)
        found[inside] = nearest_center(maps[:-1][:, inside].T, centers) + 1
        return found

    return np.concatenate([plant.embeddings, foreground[None]]), decide


def _by_masks(plant: SeenPlant, masks: Masks, settings: SegmentSettings) -> Decision:
    """Masks merged, on the foreground where the network has one."""
    threshold = settings.clustering.foreground_threshold
    last = masks.background if plant.foreground is None else plant.foreground
    assert last is not None  # noqa: S101 without a foreground the background is a segment

    def decide(maps: Maps) -> NDArray[np.int32]:
        if plant.foreground is None:
            return merge_masks(maps[:-1], masks.sizes, settings.refine, background=maps[-1])
        return merge_masks(maps[:-1], masks.sizes, settings.refine, inside=maps[-1] > threshold)

    return np.concatenate([masks.leaves, last[None]]), decide


def _by_areas(labels: NDArray[np.int32]) -> Decision:
    """Each pixel to the label, or the background, with most of its surroundings."""
    areas = labels == np.arange(labels.max() + 1)[:, None, None]
    return areas.astype(np.float32), lambda maps: maps.argmax(0).astype(np.int32)


def _strips(rows: slice, cols: slice) -> Iterator[slice]:
    height = max(STRIP // max(cols.stop - cols.start, 1), 1)
    for start in range(rows.start, rows.stop, height):
        yield slice(start, min(start + height, rows.stop))


def _by_size(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same leaves, numbered 1..n from the largest to the smallest."""
    areas = np.bincount(labels.ravel(), minlength=1)
    areas[0] = 0
    order = np.argsort(-areas, kind="stable")[: np.count_nonzero(areas)]
    numbers = np.zeros(len(areas), np.int32)
    numbers[order] = np.arange(1, len(order) + 1)
    return numbers[labels]
