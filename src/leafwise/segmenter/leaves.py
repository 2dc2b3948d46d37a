"""From the second look's embeddings to the leaves of the photo."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from leafwise.clustering import balanced_center, centers_of
from leafwise.config import SegmentSettings
from leafwise.imaging import compact_labels, scale_maps
from leafwise.models import ClusterNetwork
from leafwise.refine import merge_masks
from leafwise.segmenter.pipeline import Leaves, Masks, cluster, refine
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.tiles import Tile, join_tiles
from leafwise.segmenter.views import FULL_NEIGHBOURHOOD
from leafwise.segmenter.votes import vote

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
    seen: Iterable[SeenPlant],
    height: int,
    width: int,
    settings: SegmentSettings,
    network: ClusterNetwork | None = None,
) -> Segmentation:
    """The whole pipeline of `settings` on each plant, and its leaves on a photo of (height, width).

    What is `seen` of one plant follows each other with its number, of one square (its turns) too: these are voted on.

    `network` is for the step cluster_net.
    """
    pairs = ((plant, refine(plant, cluster(plant, settings), settings, network)) for plant in seen)
    return place_leaves(pairs, height, width, settings)


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
    leaves = ((plant, refine(plant, start, settings, network)) for plant, start in pairs)
    return place_leaves(leaves, height, width, settings)


def place_leaves(
    pairs: Iterable[tuple[SeenPlant, Leaves]], height: int, width: int, settings: SegmentSettings
) -> Segmentation:
    """The end of `find_leaves`: each plant's leaves from the network's grid to a photo of (height, width).

    They are placed one after another, as they are asked for: those of a large photo are never all in memory.
    """
    labels = np.zeros((height, width), np.int32)
    plants = [np.zeros(1, np.int32)]
    n_leaves = 0
    alone = count(-1, -1)  # numbers that no plant has
    for number, (_, parts) in enumerate(groupby(pairs, lambda pair: pair[0].plant or next(alone)), 1):
        tiles = [
            _elected([_on_photo(plant, leaves, height, width, settings) for plant, leaves in looks])
            for _, looks in groupby(parts, lambda pair: pair[0].square)
        ]
        found = join_tiles(tiles) if len(tiles) > 1 else tiles[0]
        placed = _place(labels[found.rows, found.cols], found.labels, n_leaves)
        plants.append(np.full(placed, number, np.int32))
        n_leaves += placed
    return Segmentation(labels, np.concatenate(plants))


def _elected(looks: list[Tile]) -> Tile:
    """What the looks at one square agree on."""
    if len(looks) == 1:
        return looks[0]
    return Tile(looks[0].rows, looks[0].cols, vote([look.labels for look in looks]))


def _place(labels: NDArray[np.int32], found: NDArray[np.integer], before: int) -> int:
    """Write a plant's leaves, (h, w), into the part (h, w) of the photo's where none are yet; how many there are.

    They are numbered from `before` + 1 on, from the largest to the smallest.
    """
    n_found = int(found.max(initial=0))
    strips = list(_strips(slice(0, len(found)), slice(0, found.shape[1])))
    areas = np.zeros(n_found + 1, np.int64)
    for strip in strips:
        areas += np.bincount(found[strip][labels[strip] == 0], minlength=n_found + 1)
    areas[0] = 0
    order = np.argsort(-areas, kind="stable")[: np.count_nonzero(areas)]
    numbers = np.zeros(n_found + 1, np.int32)
    numbers[order] = before + np.arange(1, len(order) + 1)
    for strip in strips:
        np.copyto(labels[strip], numbers[found[strip]], where=labels[strip] == 0)
    return len(order)


def _on_photo(plant: SeenPlant, leaves: Leaves, height: int, width: int, settings: SegmentSettings) -> Tile:
    """The leaves of one square on the pixels of a photo of (height, width).

    Labels that are scaled up have steps for borders. So it is what they were decided from that is scaled up:
    embeddings and foreground after a clustering, masks after ClusterNet, and each label's own area after the MRF.
    """
    plant, leaves = _without_specks(plant, leaves, settings)
    rows, cols = plant.square.inside(height, width)
    found = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint16)  # a grid has fewer leaves
    if not leaves.labels.any():
        return Tile(rows, cols, found)
    if leaves.masks is not None:
        maps, decide = _by_masks(plant, leaves.masks, settings)
    elif plant.foreground is None or settings.pipeline.refinements[-1:] == ("mrf",):
        maps, decide = _by_areas(leaves.labels)
    else:
        maps, decide = _by_means(plant, plant.foreground, leaves.labels, settings)
    for strip in _strips(rows, cols):
        part = slice(strip.start - rows.start, strip.stop - rows.start)
        found[part] = decide(scale_maps(maps, plant.square, strip, cols))
    return Tile(rows, cols, found)


def _without_specks(plant: SeenPlant, leaves: Leaves, settings: SegmentSettings) -> tuple[SeenPlant, Leaves]:
    """A plant without the pieces of its foreground that are too small for a leaf: moss on the ground, or noise.

    Only now: a clustering is the better for all that the network takes for leaves.
    """
    if plant.foreground is None or settings.looks.one_plant:
        return plant, leaves
    inside = plant.foreground > settings.clustering.foreground_threshold
    inside |= leaves.labels > 0  # an MRF fills holes
    kept = ~inside | large_pieces(inside, settings.looks.smallest_piece)
    labels = compact_labels(leaves.labels * kept)[0]
    return replace(plant, foreground=plant.foreground * kept), Leaves(labels, leaves.masks)


def large_pieces(inside: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    """The pixels (h, w) of all pieces that have at least the `smallest` share of the largest one's.

    One that reaches the border stays: in a tile it may be the end of something larger.

    >>> inside = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]])
    >>> large_pieces(inside > 0, smallest=0.6).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 0, 0, 0],
           [0, 1, 0, 0, 0],
           [0, 0, 0, 0, 1]])
    """
    pieces, n_pieces = ndimage.label(inside, FULL_NEIGHBOURHOOD)
    areas = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
    large = areas >= smallest * areas[1:].max(initial=0)
    for border in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        large[border] = True
    large[0] = False
    return np.asarray(large[pieces])


Decision = tuple[Maps, Callable[[Maps], NDArray[np.int32]]]  # maps on the grid; scaled maps -> labels


def _by_means(
    plant: SeenPlant, foreground: NDArray[np.float32], labels: NDArray[np.int32], settings: SegmentSettings
) -> Decision:
    """Each pixel of the foreground to the leaf with the nearest mean, borders moved as the settings say."""
    threshold, shift = settings.clustering.foreground_threshold, settings.clustering.border_shift
    members = labels > 0
    numbers = labels[members] - 1
    centers, sizes = centers_of(plant.embeddings[:, members].T, numbers), np.bincount(numbers)

    def decide(maps: Maps) -> NDArray[np.int32]:
        inside = maps[-1] > threshold
        found = np.zeros(inside.shape, np.int32)
        found[inside] = balanced_center(maps[:-1][:, inside].T, centers, sizes, shift) + 1
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
