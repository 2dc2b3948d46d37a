"""The second look's embeddings to the leaves of the photo."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering import centers_of, hdbscan, nearest_center
from leafwise.config import ClusteringSettings
from leafwise.imaging import Square, scale_labels, scale_maps

STRIP = 1 << 18  # photo pixels scaled up at a time: bounds the memory of large photos


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


@dataclass(frozen=True)
class SeenPlant:
    """What the network said of a plant's square."""

    square: Square
    embeddings: NDArray[np.float32]  # (D, h, w)
    foreground: NDArray[np.float32] | None  # (h, w), probability, 0 outside the plant's own part


def find_leaves(
    seen: Sequence[SeenPlant], height: int, width: int, settings: ClusteringSettings
) -> Segmentation:
    """Cluster each plant's embeddings, and bring the leaves to a photo's own (height, width).

    It is the embeddings that are scaled up, not the labels: each pixel of the photo joins the leaf with the
    nearest mean, so that borders are as fine as the photo.
    """
    labels = np.zeros((height, width), np.int32)
    plants = [np.zeros(1, np.int32)]
    n_leaves = 0
    for number, plant in enumerate(seen, 1):
        rows, cols = plant.square.inside(height, width)
        found = _leaves_of(plant, rows, cols, settings)
        free = labels[rows, cols] == 0
        found = _by_size(np.where(free, found, 0))
        labels[rows, cols] += np.where(found > 0, found + n_leaves, 0).astype(np.int32)
        count = int(found.max(initial=0))
        plants.append(np.full(count, number, np.int32))
        n_leaves += count
    return Segmentation(labels, np.concatenate(plants))


def _leaves_of(plant: SeenPlant, rows: slice, cols: slice, settings: ClusteringSettings) -> NDArray[np.int32]:
    """The leaves of one plant on the photo's pixels `rows` x `cols`."""
    if plant.foreground is None:
        return scale_labels(hdbscan(plant.embeddings, None, settings), plant.square, rows, cols)
    inside = plant.foreground > settings.foreground_threshold
    on_grid = hdbscan(plant.embeddings, inside, settings)
    found = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.int32)
    if not on_grid.any():
        return found
    centers = centers_of(plant.embeddings[:, inside].T, on_grid[inside] - 1)
    maps = np.concatenate([plant.embeddings, plant.foreground[None]])
    for strip in _strips(rows, cols):
        scaled = scale_maps(maps, plant.square, strip, cols)
        here = scaled[-1] > settings.foreground_threshold
        part = found[strip.start - rows.start : strip.stop - rows.start]
        part[here] = nearest_center(scaled[:-1][:, here].T, centers) + 1
    return found


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
