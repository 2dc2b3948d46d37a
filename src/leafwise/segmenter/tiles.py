"""Plants too large for one square: tiles that overlap, and their leaves joined where the tiles agree.

Embeddings of two tiles are never compared: a network's embeddings of a leaf differ from view to view. Labels are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from leafwise.imaging import Square

OVERLAP = 0.5  # of a tile's side, shared with the next: a leaf no larger is seen whole by some tile
AGREEMENT = 0.5  # share of what two leaves cover together, above which they are one
RIM = 0.1  # of the smaller of two leaves; what they share must be more, for rims of neighbours may agree by chance
LOOK_OVERLAP = 0.25  # of the largest tile's side, shared with the next in a first look
STEP = 16  # pixels of a look that tiles and cores are multiples of: the network's grid is 2 or 4 apart
NEIGHBOURS = 0.25  # of a tile's side, shared by two tiles whose leaves are compared
Box = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class Tile:
    """What was found in one tile of a photo."""

    rows: slice  # of the photo
    cols: slice
    labels: NDArray[np.integer]  # (rows, cols), 0 = background, 1..n


@dataclass(frozen=True)
class _Leaf:
    """A leaf as one tile sees it."""

    tile: int
    label: int
    box: Box  # in the tile
    is_whole: bool  # it does not touch a side of the tile beyond which there is more to see
    distance: float  # from its middle to the tile's, in the tile's half sides


def cover(rows: slice, cols: slice, side: int, margin: float) -> list[Square]:
    """Squares that cover some rows and columns of a photo, each sharing at least half its side with the next.

    `margin`, in sides, is kept free around them where one does not do.

    >>> [(square.top, square.left) for square in cover(slice(0, 10), slice(0, 24), side=16, margin=0)]
    [(-3, 0), (-3, 8)]
    """
    lines = []
    for part in (rows, cols):
        around = round(margin * side) if part.stop - part.start > side else 0
        starts = _starts(part.stop - part.start + 2 * around, side, OVERLAP * side)
        lines.append([part.start - around + start for start in starts])
    tops, lefts = lines
    return [Square(top, left, side) for top in tops for left in lefts]


def look_tiles(size: int, largest: int) -> list[tuple[Square, Box]]:
    """Tiles of a look with `size` pixels a side, and the core of each: together the cores are the whole look.

    They are as few as they can be with `largest` pixels a side at most, and then as small as they can be. Sizes, sides
    and cores are multiples of 32 or 16, so that they fall on the network's grid.

    >>> [(tile.left, tile.side, core[1]) for tile, core in look_tiles(1536, 768)][:3]
    [(0, 640, slice(0, 544, None)), (448, 640, slice(544, 992, None)), (896, 640, slice(992, 1536, None))]
    """
    shared = LOOK_OVERLAP * largest
    n_tiles = len(_starts(size, largest, shared))
    side = ceil((size + (n_tiles - 1) * shared) / n_tiles / 32) * 32
    starts = [start // STEP * STEP for start in _starts(size, side, shared)]
    lines = [(start + side + after) // 2 // STEP * STEP for start, after in pairwise(starts)]
    cores = [slice(start, stop) for start, stop in pairwise([0, *lines, size])]
    return [
        (Square(top, left, side), (down, across))
        for top, down in zip(starts, cores, strict=True)
        for left, across in zip(starts, cores, strict=True)
    ]


def _starts(length: int, side: int, shared: float) -> list[int]:
    """Where pieces of a line begin that cover it, each sharing at least so many of its pixels with the next."""
    if length <= side:
        return [-((side - length) // 2)]
    n_steps = ceil((length - side) / (side - shared))
    return [i * (length - side) // n_steps for i in range(n_steps + 1)]


def join_tiles(tiles: Sequence[Tile]) -> Tile:
    """The leaves of tiles that overlap, as one tile around them all; their numbers may have gaps.

    Two leaves of two tiles are one where each agrees best with the other: where both tiles see, they share more
    than `AGREEMENT` of what they cover together, and more than `RIM` of the smaller one. Leaves that some tile sees
    whole come as the tile sees them that has them nearest to its middle; of two that claim the same pixels, the one
    nearer to its tile's middle has them, and the other, where it loses more than half of its own, all of its pixels.
    What then is left of the tiles' leaves falls to each tile where no other tile's middle is nearer: no border of a
    tile cuts a leaf that any tile has seen whole.
    """
    joined = _around(tiles)
    leaves = [leaf for number in range(len(tiles)) for leaf in _leaves_of(number, tiles[number], joined)]
    groups = _groups(tiles, leaves)
    owner = np.arange(len(leaves) + 1, dtype=np.int32)  # the group that has taken most of a group's pixels
    for leaf in _best_first(leaves, groups):
        tile, group = tiles[leaf.tile], groups[leaf.tile, leaf.label]
        top, left = tile.rows.start - joined.rows.start, tile.cols.start - joined.cols.start
        down, across = leaf.box
        here = joined.labels[down.start + top : down.stop + top, across.start + left : across.stop + left]
        mask = tile.labels[leaf.box] == leaf.label
        taken = np.bincount(here[mask])
        if 2 * taken[0] < taken.sum():
            owner[group] = taken[1:].argmax() + 1
        elif leaf.is_whole:
            here[mask & (here == 0)] = group
    _fill(joined, tiles, groups, owner)
    return joined


def _around(tiles: Sequence[Tile]) -> Tile:
    """A tile without leaves around some tiles."""
    rows = slice(min(tile.rows.start for tile in tiles), max(tile.rows.stop for tile in tiles))
    cols = slice(min(tile.cols.start for tile in tiles), max(tile.cols.stop for tile in tiles))
    return Tile(rows, cols, np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.int32))


def _leaves_of(number: int, tile: Tile, around: Tile) -> Iterator[_Leaf]:
    height, width = tile.labels.shape
    is_open = (
        tile.rows.start > around.rows.start,
        tile.rows.stop < around.rows.stop,
        tile.cols.start > around.cols.start,
        tile.cols.stop < around.cols.stop,
    )
    for label, box in enumerate(ndimage.find_objects(tile.labels.astype(np.int32, copy=False)), 1):
        if box is None:
            continue
        touches = (box[0].start == 0, box[0].stop == height, box[1].start == 0, box[1].stop == width)
        is_whole = not any(touch and is_open[side] for side, touch in enumerate(touches))
        middle_row = (box[0].start + box[0].stop) / height - 1
        middle_col = (box[1].start + box[1].stop) / width - 1
        yield _Leaf(number, label, (box[0], box[1]), is_whole, max(abs(middle_row), abs(middle_col)))


def _groups(tiles: Sequence[Tile], leaves: Sequence[_Leaf]) -> dict[tuple[int, int], int]:
    """The group, 1.., of each leaf by its tile and label: leaves on which two tiles agree are in one."""
    parents = list(range(len(leaves) + 1))
    numbers = {(leaf.tile, leaf.label): i for i, leaf in enumerate(leaves, 1)}

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = i = parents[parents[i]]
        return i

    for i, j in _near_pairs(tiles):
        one, other = tiles[i], tiles[j]
        if not _are_neighbours(one, other):
            continue
        for label, other_label in agreeing(one, other):
            first, second = root(numbers[i, label]), root(numbers[j, other_label])
            parents[max(first, second)] = min(first, second)
    return {key: root(i) for key, i in numbers.items()}


def _near_pairs(tiles: Sequence[Tile]) -> list[tuple[int, int]]:
    """Pairs of tiles that may overlap: of thousands, each has few such others."""
    spans = np.array([[(part.start, part.stop) for part in (tile.rows, tile.cols)] for tile in tiles])
    reach = (spans[..., 1] - spans[..., 0]).max()
    return sorted(cKDTree(spans.mean(2)).query_pairs(reach, p=np.inf))


def _are_neighbours(one: Tile, other: Tile) -> bool:
    """Whether two tiles share enough for what they agree on to be more than the rims of their leaves."""
    for first, second in ((one.rows, other.rows), (one.cols, other.cols)):
        shared = _shared(first, second)
        smaller = min(first.stop - first.start, second.stop - second.start)
        if shared.stop - shared.start < NEIGHBOURS * smaller:
            return False
    return True


def _shared(one: slice, other: slice) -> slice:
    return slice(max(one.start, other.start), min(one.stop, other.stop))


def agreeing(one: Tile, other: Tile) -> list[tuple[int, int]]:
    """Pairs of labels of two tiles that agree where both see: each the best of the other, by more than half.

    What they share has to be more than a rim of the smaller one: in a tile, the rim of a leaf may be its neighbour's.

    >>> one = Tile(slice(0, 1), slice(0, 5), np.array([[1, 1, 1, 2, 2]]))
    >>> agreeing(one, Tile(slice(0, 1), slice(2, 7), np.array([[4, 6, 6, 6, 0]])))
    [(1, 4), (2, 6)]
    """
    rows, cols = _shared(one.rows, other.rows), _shared(one.cols, other.cols)
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return []
    first, second = (tile.labels[_part(tile, rows, cols)].astype(np.int64) for tile in (one, other))
    shape = int(first.max()) + 1, int(second.max()) + 1
    table = np.bincount((first * shape[1] + second).ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    shared = table[1:, 1:]
    together = table.sum(1)[1:, None] + table.sum(0)[None, 1:] - shared
    areas, other_areas = (
        np.bincount(tile.labels.ravel(), minlength=length)[1:length]
        for tile, length in zip((one, other), shape, strict=True)
    )
    smaller = np.minimum(areas[:, None], other_areas[None])
    # what two share, they share with no third: above a half, each is the best for the other
    agreed = (shared > AGREEMENT * together) & (shared > RIM * smaller)
    return [(int(i) + 1, int(j) + 1) for i, j in np.argwhere(agreed)]


def _best_first(leaves: Sequence[_Leaf], groups: dict[tuple[int, int], int]) -> list[_Leaf]:
    """The best view of each group, the best of all first."""
    best: dict[int, _Leaf] = {}
    for leaf in sorted(leaves, key=lambda leaf: (not leaf.is_whole, leaf.distance)):
        best.setdefault(groups[leaf.tile, leaf.label], leaf)
    return list(best.values())


def _fill(
    joined: Tile, tiles: Sequence[Tile], groups: dict[tuple[int, int], int], owner: NDArray[np.int32]
) -> None:
    """Give each pixel without a leaf the one of the tile in whose core it lies."""
    rows, cols = (_cores([getattr(tile, axis) for tile in tiles]) for axis in ("rows", "cols"))
    for number, tile in enumerate(tiles):
        core = rows[tile.rows.start, tile.rows.stop], cols[tile.cols.start, tile.cols.stop]
        labels, here = tile.labels[_part(tile, *core)], joined.labels[_part(joined, *core)]
        group_of = np.zeros(int(tile.labels.max(initial=0)) + 1, np.int32)
        for label in range(1, len(group_of)):
            group_of[label] = owner[groups.get((number, label), 0)]
        is_free = here == 0
        here[is_free] = group_of[labels[is_free]]


def _cores(parts: Sequence[slice]) -> dict[tuple[int, int], slice]:
    """The part of each tile's rows or columns that is no nearer to another's middle, by their start and stop."""
    spans = sorted({(part.start, part.stop) for part in parts})
    lines = [(before[1] + after[0]) // 2 for before, after in pairwise(spans)]
    starts, stops = [spans[0][0], *lines], [*lines, spans[-1][1]]
    return {span: slice(start, stop) for span, start, stop in zip(spans, starts, stops, strict=True)}


def _part(tile: Tile, rows: slice, cols: slice) -> Box:
    """Rows and columns of the photo as those of a tile."""
    return (
        slice(rows.start - tile.rows.start, rows.stop - tile.rows.start),
        slice(cols.start - tile.cols.start, cols.stop - tile.cols.start),
    )
