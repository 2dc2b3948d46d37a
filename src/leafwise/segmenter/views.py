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
    below `settings.plant_gap` of the larger one's extent and `settings.photo_gap` of the photo's side together (a
    leaf on a petiole too thin to be seen); plants below `settings.smallest_plant` of the largest one's area are
    left out. With `settings.one_plant` all is one plant.
    """
    whole = whole_square(height, width)
    foreground = foreground & _on_photo(foreground.shape, height, width)
    plants = foreground.astype(np.int32) if settings.one_plant else _plants(foreground, settings)
    n_plants = int(plants.max(initial=0))
    if n_plants == 0:
        return []
    on_photo = scale_labels(plants, whole, *whole.inside(height, width))
    squares = [square_around(on_photo == i, margin=settings.margin) for i in range(1, n_plants + 1)]
    nearest = ndimage.distance_transform_edt(plants == 0, return_distances=False, return_indices=True)
    owners = plants[tuple(nearest)]
    views = [PlantView(square, _over(owners, whole, square) == i) for i, square in enumerate(squares, 1)]
    return _in_reading_order(views)


def _on_photo(shape: tuple[int, ...], height: int, width: int) -> NDArray[np.bool_]:
    """Which cells of a grid over a photo's `whole_square` have their middle on the photo."""
    side = max(height, width)
    rows = np.abs((np.arange(shape[0]) + 0.5) * side / shape[0] - side / 2) < height / 2
    cols = np.abs((np.arange(shape[1]) + 0.5) * side / shape[1] - side / 2) < width / 2
    return np.asarray(rows[:, None] & cols)


def own_part(view: PlantView, size: int) -> NDArray[np.bool_]:
    """Which part of a square is the plant's own, on another grid: (size, size)."""
    whole = slice(0, size)
    return scale_labels(view.own.astype(np.int32), Square(0, 0, size), whole, whole) > 0


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
        reach = settings.plant_gap * extents[i] + max(settings.photo_gap * len(foreground), 1)
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


def _in_reading_order(views: list[PlantView]) -> list[PlantView]:
    """Rows of plants from top to bottom, each from left to right; a row is half as high as the largest plant."""
    height = max(view.square.side for view in views) / 2
    rows: list[list[PlantView]] = []
    for view in sorted(views, key=_middle_row):
        if not rows or _middle_row(view) - _middle_row(rows[-1][0]) > height:
            rows.append([])
        rows[-1].append(view)
    return [view for row in rows for view in sorted(row, key=lambda view: view.square.left)]


def _middle_row(view: PlantView) -> float:
    return view.square.top + view.square.side / 2
