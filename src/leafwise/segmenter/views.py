"""The first look: where a photo's plants are, and the squares that each is seen in."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from leafwise.config import LookSettings
from leafwise.imaging import Square, scale_labels, square_around_box, whole_square
from leafwise.segmenter.tiles import cover

SMALL_PHOTO = 768  # pixels a side; up to there, one look at the whole photo is near enough
LEAST_DEPTH = 14  # pixels of the look from a plant's outline to its innermost pixel; with less, plants blur
NEARER = (1.4, 2.0)  # times as near the next look is, at least and at most
SPARE = 1.15  # times as near as plants ask for: their leaves look narrower from nearer, where gaps are seen
MAX_PIECES = 2000  # pieces of foreground looked at, the largest first
UNRESOLVED = 3.0  # cells; a gap between two plants that narrow may be one that the look did not see
SIMILAR = 0.25  # of a piece's area; one of so much beside it is a plant itself, not a leaf of the other
ORDINARY = 12  # depths: the side of a rosette's square; 8.5 to 14.4 on the 108 photos of CVPPP A1
CLUMP = 1.5  # of the square that is ordinary in a photo and for such leaves; a larger one has several plants
FULL_NEIGHBOURHOOD = np.ones((3, 3), bool)

Box = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class PlantView:
    """A square of the photo to see a plant in, or a part of it, and which part of the square is the plant's own."""

    square: Square
    own: NDArray[np.bool_]  # (h, w) over the whole square; False nearer to another plant
    plant: int = 1  # its number, 1..; several views of one plant follow each other
    depth: float = 0.0  # photo pixels from the outline to the innermost pixel: how wide its leaves are


@dataclass(frozen=True)
class FoundPlants:
    """What a first look has found."""

    views: list[PlantView]  # from top to bottom and left to right
    n_doubted: int = 0  # what was left out because the network was too unsure of it
    n_alike: int = 0  # pieces of foreground that are as large as a plant beside the largest piece would be


def find_plants(
    foreground: NDArray[np.floating | np.bool_],
    height: int,
    width: int,
    settings: LookSettings,
    *,
    zoom: float = 1.0,
    threshold: float = 0.5,
) -> FoundPlants:
    """The plants of a (height, width) photo.

    `foreground` (h, w), its probability in [0, 1], covers the photo's `whole_square`; `zoom` times as many of its cells
    as the whole photo would have had in one look. Pieces above the `threshold` make one plant where a piece has a much
    smaller one (a leaf on a petiole too thin to be seen) no farther than `settings.plant_gap` of its extent and
    `settings.photo_gap` of one look's side together, or one of any size across a gap that the look may have missed.
    Plants below `settings.smallest_plant` of the largest one's area are left out, and so are those whose median
    probability is lower than the largest one's by more than `settings.doubt`. With `settings.one_plant` all is one
    plant.

    A plant has one view; where plants touch, or are larger than `settings.tile_side`, several that overlap.
    """
    whole = whole_square(height, width)
    inside = (foreground > threshold) & _on_photo(foreground.shape, height, width)
    plants, n_doubted, n_alike = inside.astype(np.int32), 0, 0
    if not settings.one_plant:
        plants, n_doubted, n_alike = _plants(inside, foreground, settings, zoom)
    if not plants.any():
        return FoundPlants([])
    boxes = _boxes(plants, whole, height, width)
    squares = [square_around_box(*box, margin=settings.margin) for box in boxes]
    # padded: what lies beyond the photo is no plant
    inner = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    depths = ndimage.maximum(inner, plants, range(1, len(boxes) + 1)) * whole.side / len(plants)
    nearest = ndimage.distance_transform_edt(plants == 0, return_distances=False, return_indices=True)
    owners = plants[tuple(nearest)]
    tile_sides = _tile_sides(squares, depths, whole, settings)
    size = min(len(plants), settings.input_size)
    views = []
    for number, i in enumerate(_in_reading_order(squares), 1):
        parts = [squares[i]] if tile_sides[i] == 0 else cover(*boxes[i], tile_sides[i], settings.margin)
        views += [
            PlantView(part, _over(owners, whole, part, size) == i + 1, number, float(depths[i]))
            for part in parts
        ]
    return FoundPlants(views, n_doubted, n_alike)


def tile_photo(height: int, width: int, side: int) -> list[PlantView]:
    """A (height, width) photo in tiles of one size, all of it one plant: for objects that lie all over it.

    Nothing has to be found first, and all objects are seen at one scale, as under a microscope.
    """
    own = np.ones((1, 1), bool)
    return [PlantView(square, own) for square in cover(slice(0, height), slice(0, width), side, margin=0)]


def look_sizes(whole: Square, settings: LookSettings) -> tuple[int, int]:
    """The sizes, in pixels a side, of the first look at a photo after any glance and of the nearest that may follow.

    >>> look_sizes(Square(0, 0, 530), LookSettings()), look_sizes(Square(0, 0, 4240), LookSettings())
    ((512, 512), (768, 4224))
    """
    most = max(whole.side // 32 * 32, settings.input_size)
    first = min(most, settings.first_size)
    return first, first if whole.side <= SMALL_PHOTO else min(most, first * settings.largest_zoom)


def scaled_square(square: Square, whole: Square, size: int) -> Square:
    """A square of a look with `size` pixels a side, in pixels of the photo whose `whole` square the look is at."""
    scale = whole.side / size
    return Square(
        whole.top + round(square.top * scale),
        whole.left + round(square.left * scale),
        round(square.side * scale),
    )


def nearness(views: list[PlantView], whole: Square, size: int, settings: LookSettings) -> float:
    """How near a look of `size` pixels a side is to one that tells a photo's plants from each other: from 1 on it does.

    There the typical plant has leaves that are wide enough, or is half as large as the first look. 0 without a plant.
    """
    if not views:
        return 0.0
    scale = size / whole.side
    depth = float(np.median([view.depth for view in views])) * scale
    side = float(np.median([view.square.side for view in views])) * scale
    return max(depth / LEAST_DEPTH, side / (settings.first_size / 2))


def nearer_size(size: int, near: float, n_doubted: int) -> int:
    """The size of the look after one of `size` pixels a side that was not near enough (`near` of 1) or left doubts.

    A little nearer than its plants ask for; twice as near, the most, where it found nothing or something is in doubt.

    >>> nearer_size(768, 0.75, 0), nearer_size(768, 0.75, 1), nearer_size(768, 0, 0)
    (1184, 1536, 1536)
    """
    least, most = NEARER
    factor = most if n_doubted > 0 or near == 0 else min(max(SPARE / near, least), most)
    return ceil(size * factor / 32) * 32


def shows_all(found: FoundPlants, whole: Square) -> bool:
    """Whether a glance at a photo has shown its plants as well as a nearer look would.

    It has where all it found is one plant of a rosette's build, in one piece but for small ones, that fills half of the
    photo's side. Two plants may be pieces of one, large pieces of one may be plants, one that is larger than its
    leaves' width says may be several that touch, and beside a smaller one there may be others too small for a glance.
    """
    if len(found.views) != 1 or found.n_doubted > 0 or found.n_alike > 0:
        return False
    plant = found.views[0]
    return whole.side / 2 <= plant.square.side <= CLUMP * ORDINARY * plant.depth


def own_part(view: PlantView, size: int) -> NDArray[np.bool_]:
    """Which part of a square is the plant's own, on another grid: (size, size)."""
    whole = slice(0, size)
    return scale_labels(view.own.astype(np.int32), Square(0, 0, size), whole, whole) > 0


def _on_photo(shape: tuple[int, ...], height: int, width: int) -> NDArray[np.bool_]:
    """Which cells of a grid over a photo's `whole_square` have their middle on the photo."""
    side = max(height, width)
    rows = np.abs((np.arange(shape[0]) + 0.5) * side / shape[0] - side / 2) < height / 2
    cols = np.abs((np.arange(shape[1]) + 0.5) * side / shape[1] - side / 2) < width / 2
    return np.asarray(rows[:, None] & cols)


def _plants(
    inside: NDArray[np.bool_],
    foreground: NDArray[np.floating | np.bool_],
    settings: LookSettings,
    zoom: float,
) -> tuple[NDArray[np.int32], int, int]:
    """Plant numbers (h, w), 0 where there is none; how many plants were too doubtful, how many pieces as large as one.

    `inside` is what of the `foreground`'s probability is above the threshold, (h, w) both.
    """
    pieces, n_pieces = ndimage.label(inside, FULL_NEIGHBOURHOOD)
    if n_pieces == 0:
        return np.zeros(inside.shape, np.int32), 0, 0
    areas = np.bincount(pieces.ravel())[1:]
    kept = np.argsort(-areas, kind="stable")[:MAX_PIECES]
    photo_gap = max(settings.photo_gap * len(inside) / max(zoom, 1), 1)
    group = _grouped(_outlines(pieces, kept), areas[kept], settings.plant_gap, photo_gap)
    group_areas = np.bincount(group, areas[kept])
    of_piece = np.full(n_pieces + 1, -1)
    of_piece[kept + 1] = group
    groups = of_piece[pieces]
    is_plant = group_areas >= max(settings.smallest_plant * group_areas.max(), 1)
    candidates = np.flatnonzero(is_plant)
    sureness = ndimage.median(foreground[inside].astype(np.float32), groups[inside], candidates)
    largest = group_areas[candidates].argmax()
    doubted = candidates[sureness < sureness[largest] - settings.doubt]
    is_plant[doubted] = False
    numbers = np.append(np.cumsum(is_plant) * is_plant, 0)  # the last is for what is in no group, -1
    n_alike = int(np.count_nonzero(areas >= SIMILAR * areas.max())) - 1
    return np.asarray(numbers[groups], np.int32), len(doubted), n_alike


def _outlines(pieces: NDArray[np.integer], kept: NDArray[np.intp]) -> list[NDArray[np.int64]]:
    """The cells (n, 2) of each kept piece that have a neighbour outside: no other is nearest to another piece."""
    inner = ndimage.binary_erosion(pieces > 0, FULL_NEIGHBOURHOOD)
    cells = np.argwhere((pieces > 0) & ~inner)
    of_cell = pieces[tuple(cells.T)]
    cells = cells[np.argsort(of_cell, kind="stable")]
    ends = np.cumsum(np.bincount(of_cell, minlength=int(pieces.max()) + 1))
    return [cells[ends[i] : ends[i + 1]] for i in kept]


def _grouped(
    outlines: list[NDArray[np.int64]], areas: NDArray[np.int64], plant_gap: float, photo_gap: float
) -> NDArray[np.intp]:
    """The group of each piece (k,), by the number of its first: pieces come from the largest to the smallest.

    A piece joins the nearest of those that are much larger and within reach, so that a leaf between two plants
    does not make them one; and all of its own kind that it may touch.
    """
    lows = np.array([outline.min(0) for outline in outlines])
    highs = np.array([outline.max(0) for outline in outlines])
    reaches = plant_gap * ((highs - lows).max(1) + 1) + photo_gap
    trees = [cKDTree(outline) for outline in outlines]
    group = np.arange(len(outlines))
    for j in range(1, len(outlines)):
        is_similar = areas[j] >= SIMILAR * areas[:j]
        reach = np.where(is_similar, np.minimum(reaches[:j], UNRESOLVED), reaches[:j]) + 1e-9
        between = np.maximum(lows[:j] - highs[j], lows[j] - highs[:j]).clip(0)  # of the boxes, (j, 2)
        near = {}
        for i in np.flatnonzero(np.hypot(*between.T) <= reach):
            distances, _ = trees[i].query(outlines[j], distance_upper_bound=reach[i])
            if np.isfinite(distances).any():
                near[int(i)] = float(np.min(distances))
        joined = [i for i in near if is_similar[i]]
        larger = [i for i in near if not is_similar[i]]
        if larger:
            joined.append(min(larger, key=near.__getitem__))
        if joined:
            group[np.isin(group, [group[j], *group[joined]])] = group[joined].min()
    return group


def _boxes(plants: NDArray[np.int32], whole: Square, height: int, width: int) -> list[Box]:
    """The rows and columns of the photo that each plant reaches over; all of them where it falls between pixels."""
    rows, cols = whole.inside(height, width)
    down = ((np.arange(rows.start, rows.stop) - whole.top + 0.5) * plants.shape[0] / whole.side).astype(int)
    across = ((np.arange(cols.start, cols.stop) - whole.left + 0.5) * plants.shape[1] / whole.side).astype(
        int
    )
    down_cells, across_cells = (
        np.unique(down),
        np.unique(across),
    )  # those that some pixel of the photo lies in
    found = ndimage.find_objects(plants[down_cells[:, None], across_cells], int(plants.max()))
    return [
        (rows, cols)
        if box is None
        else (_pixels(down, down_cells[box[0]]), _pixels(across, across_cells[box[1]]))
        for box in found
    ]


def _pixels(cells: NDArray[np.intp], inside: NDArray[np.intp]) -> slice:
    """The pixels of a line that lie in some of its cells; both in increasing order."""
    return slice(
        int(np.searchsorted(cells, inside[0], "left")), int(np.searchsorted(cells, inside[-1], "right"))
    )


def _tile_sides(
    squares: list[Square], depths: NDArray[np.float64], whole: Square, settings: LookSettings
) -> list[int]:
    """The side of the tiles that each plant is seen in, in photo pixels; 0 where one square will do."""
    sides = np.array([square.side for square in squares])
    if settings.tile_side > 0:
        return [settings.tile_side if side > settings.tile_side else 0 for side in sides]
    if whole.side <= SMALL_PHOTO:
        return [0] * len(squares)
    ordinary = np.maximum(np.median(sides), ORDINARY * depths)  # many squares may be of single leaves
    return [
        int(side) if is_clump else 0
        for side, is_clump in zip(ordinary, sides > CLUMP * ordinary, strict=True)
    ]


def _over(labels: NDArray[np.int32], whole: Square, square: Square, size: int) -> NDArray[np.int32]:
    """Labels over the whole photo's square -> over another square, on a grid (size, size), edges repeated."""
    before = labels.shape[0]
    steps = (np.arange(size) + 0.5) * square.side / size
    rows = ((square.top + steps - whole.top) * before / whole.side).astype(int).clip(0, before - 1)
    cols = ((square.left + steps - whole.left) * before / whole.side).astype(int).clip(0, before - 1)
    return np.asarray(labels[rows[:, None], cols[None, :]])


def _in_reading_order(squares: list[Square]) -> list[int]:
    """Rows of plants from top to bottom, each from left to right; a row is half as high as the largest plant."""
    height = max(square.side for square in squares) / 2
    rows: list[list[int]] = []
    for i in sorted(range(len(squares)), key=lambda i: _middle_row(squares[i])):
        if not rows or _middle_row(squares[i]) - _middle_row(squares[rows[-1][0]]) > height:
            rows.append([])
        rows[-1].append(i)
    return [i for row in rows for i in sorted(row, key=lambda i: squares[i].left)]


def _middle_row(square: Square) -> float:
    return square.top + square.side / 2
