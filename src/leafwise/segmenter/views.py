"""The first look: where a photo's plants are, and the square of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from leafwise.config import LookSettings
from leafwise.imaging import Square, scale_labels, square_around, whole_square

MAX_PIECES = 200  # pieces of foreground looked at, the largest first
FULL_NEIGHBOURHOOD = np.ones((3, 3), bool)


@dataclass(frozen=True)
class PlantView:
    """A plant's square in the photo, and which part of the square is the plant's own."""

    square: Square
    own: NDArray[np.bool_]  # (h, w) over the whole square; False nearer to another plant


def find_plants(
    foreground: NDArray[np.bool_], height: int, width: int, settings: LookSettings
) -> list[PlantView]:
    """The plants of a (height, width) photo, from top to bottom and left to right; none gives an empty list.

    `foreground`, bool (h, w), covers the photo's `whole_square`. Its pieces make one plant where their gap is
    below `settings.plant_gap` of the larger one's extent (a leaf on a petiole too thin to be seen); plants
    below `settings.smallest_plant` of the largest one's area are left out. With `settings.one_plant` all is
    one plant.
    """
    whole = whole_square(height, width)
    plants = foreground.astype(np.int32) if settings.one_plant else _plants(foreground, settings)
    n_plants = int(plants.max(initial=0))
    if n_plants == 0:
        return []
    on_photo = scale_labels(plants, whole, *whole.inside(height, width))
    squares = [square_around(on_photo == i, margin=settings.margin) for i in range(1, n_plants + 1)]
    nearest = ndimage.distance_transform_edt(plants == 0, return_distances=False, return_indices=True)
    owners = plants[tuple(nearest)]
    views = [PlantView(square, _over(owners, whole, square) == i) for i, square in enumerate(squares, 1)]
    return sorted(views, key=lambda view: _reading_order(view.square, max(s.side for s in squares)))


def _plants(foreground: NDArray[np.bool_], settings: LookSettings) -> NDArray[np.int32]:
    """Foreground (h, w) -> plant numbers (h, w), 0 where there is none."""
    pieces, n_pieces = ndimage.label(foreground, FULL_NEIGHBOURHOOD)
    if n_pieces == 0:
        return np.zeros(foreground.shape, np.int32)
    areas = np.bincount(pieces.ravel())[1:]
    kept = np.argsort(-areas, kind="stable")[:MAX_PIECES]
    coordinates = [np.argwhere(pieces == i + 1) for i in kept]
    extents = np.array([np.ptp(c, axis=0).max() + 1 for c in coordinates])
    group = np.arange(len(kept))
    for i, tree in enumerate(map(cKDTree, coordinates)):  # larger pieces gather the smaller ones near them
        reach = settings.plant_gap * extents[i] + 1
        for j in range(i + 1, len(kept)):
            near = np.isfinite(tree.query(coordinates[j], distance_upper_bound=reach + 1e-9)[0]).any()
            if near and group[i] != group[j]:
                group[group == group[j]] = group[i]
    group_areas = np.bincount(group, areas[kept])
    large = group_areas >= max(settings.smallest_plant * group_areas.max(), 1)
    numbers = np.cumsum(large) * large
    of_piece = np.zeros(n_pieces + 1, np.int32)
    of_piece[kept + 1] = numbers[group]
    return np.asarray(of_piece[pieces])


def _over(labels: NDArray[np.int32], whole: Square, square: Square) -> NDArray[np.int32]:
    """Labels over the whole photo's square -> over another square, on a grid of the same size, edges repeated."""
    size = labels.shape[0]
    steps = (np.arange(size) + 0.5) * square.side / size
    rows = ((square.top + steps - whole.top) * size / whole.side).astype(int).clip(0, size - 1)
    cols = ((square.left + steps - whole.left) * size / whole.side).astype(int).clip(0, size - 1)
    return np.asarray(labels[rows[:, None], cols[None, :]])


def _reading_order(square: Square, line: int) -> tuple[int, int]:
    """Rows of plants from top to bottom, each from left to right; `line` is the height of a row."""
    return round((square.top + square.side / 2) / line), square.left
