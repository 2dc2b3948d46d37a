"""Squares of a photo: cut out and scaled to the network's size, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FILL = (124, 116, 104)  # ImageNet's mean colour: zero once normalised
STRIP = 1 << 24  # pixels of a square scaled down at a time: bounds the memory of large photos


@dataclass(frozen=True)
class Square:
    """A square of a photo, in pixels; it may reach beyond the photo's edges."""

    top: int
    left: int
    side: int

    def inside(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a photo of that size that lie in the square."""
        return (
            slice(max(self.top, 0), max(min(self.top + self.side, height), 0)),
            slice(max(self.left, 0), max(min(self.left + self.side, width), 0)),
        )


def whole_square(height: int, width: int) -> Square:
    """The smallest square that holds a whole photo, the photo in its middle."""
    side = max(height, width, 1)
    return Square((height - side) // 2, (width - side) // 2, side)


def square_around(mask: NDArray[np.bool_], *, margin: float = 0.0) -> Square:
    """The square around the True pixels of (H, W), `margin` of its side added on every side.

    An empty mask gives the whole photo's square.

    >>> square_around(np.array([[0, 0, 0], [0, 1, 1], [0, 0, 0]], bool))
    Square(top=0, left=1, side=2)
    """
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return whole_square(*mask.shape)
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
    return square_around_box(*box, margin=margin)


def square_around_box(rows: slice, cols: slice, *, margin: float = 0.0) -> Square:
    """The square around some rows and columns, `margin` of its side added on every side.

    >>> square_around_box(slice(4, 6), slice(0, 8), margin=0.25)
    Square(top=-1, left=-2, side=12)
    """
    side = int(np.ceil(max(rows.stop - rows.start, cols.stop - cols.start) * (1 + 2 * margin)))
    middle_row, middle_col = (rows.start + rows.stop) / 2, (cols.start + cols.stop) / 2
    return Square(int(middle_row - side / 2), int(middle_col - side / 2), side)


def tile_around(row: float, col: float, side: int, height: int, width: int) -> Square:
    """The square of a side, on a (height, width) photo, that is nearest to a middle; a smaller photo is in its middle.

    >>> tile_around(5.0, 50.0, 16, 64, 12)
    Square(top=0, left=-2, side=16)
    """
    top, left = (
        min(max(round(middle - side / 2), 0), length - side) if length > side else (length - side) // 2
        for middle, length in ((row, height), (col, width))
    )
    return Square(top, left, side)


def cut_square(image: NDArray[np.uint8], square: Square, size: int) -> NDArray[np.uint8]:
    """The square of a photo uint8 (H, W, 3), scaled to (size, size, 3); beyond the photo it is mean-coloured."""
    scaled = np.empty((size, size, 3), np.uint8)
    step = max(STRIP * size // square.side**2, 1)  # rows of the result
    for start in range(0, size, step):
        stop = min(start + step, size)
        first, last = start * square.side / size, stop * square.side / size
        reach = max(square.side / size, 1) + 1  # of the filter, and one to be safe
        low, high = max(int(first - reach), 0), min(int(last + reach) + 1, square.side)
        strip = Image.fromarray(_rows_of(image, square, low, high))
        box = (0, first - low, square.side, last - low)
        scaled[start:stop] = np.asarray(strip.resize((size, stop - start), Image.Resampling.BILINEAR, box))
    return scaled


def _rows_of(image: NDArray[np.uint8], square: Square, low: int, high: int) -> NDArray[np.uint8]:
    """Rows low..high - 1 of a square of a photo, mean-coloured beyond the photo."""
    canvas = np.empty((high - low, square.side, 3), np.uint8)
    canvas[:] = FILL
    rows, cols = square.inside(*image.shape[:2])
    rows = slice(max(rows.start, square.top + low), min(rows.stop, square.top + high))
    if rows.start < rows.stop:
        canvas[
            rows.start - square.top - low : rows.stop - square.top - low,
            cols.start - square.left : cols.stop - square.left,
        ] = image[rows, cols]
    return canvas


def cut_labels(labels: NDArray[np.int32], square: Square, size: int) -> NDArray[np.int32]:
    """The square of a photo's labels (H, W), picked (nearest) to (size, size); 0 beyond the photo."""
    steps = ((np.arange(size) + 0.5) * square.side / size).astype(int)
    rows, cols = square.top + steps, square.left + steps
    height, width = labels.shape
    on_photo = ((rows >= 0) & (rows < height))[:, None] & ((cols >= 0) & (cols < width))
    picked = labels[rows.clip(0, height - 1)[:, None], cols.clip(0, width - 1)]
    return np.where(on_photo, picked, 0).astype(np.int32)


def scale_maps(maps: NDArray[np.float32], square: Square, rows: slice, cols: slice) -> NDArray[np.float32]:
    """Maps (C, h, w) that cover a square, scaled (bilinear) to some rows and columns of the photo.

    Returns float32 (C, rows, cols); `rows` and `cols` lie in `square.inside(...)` of the photo.
    """
    down = _weights(maps.shape[1], square.side)[rows.start - square.top : rows.stop - square.top]
    across = _weights(maps.shape[2], square.side)[cols.start - square.left : cols.stop - square.left]
    return np.asarray(np.matmul(np.matmul(down, maps), across.T))


def scale_labels(labels: NDArray[np.int32], square: Square, rows: slice, cols: slice) -> NDArray[np.int32]:
    """Labels (h, w) that cover a square, picked (nearest) for some rows and columns of the photo."""
    height, width = labels.shape
    down = ((np.arange(rows.start, rows.stop) - square.top + 0.5) * height / square.side).astype(int)
    across = ((np.arange(cols.start, cols.stop) - square.left + 0.5) * width / square.side).astype(int)
    return np.asarray(labels[down[:, None], across[None, :]])


def _weights(before: int, after: int) -> NDArray[np.float32]:
    """(after, before): row i holds the weights with which pixel i of the scaled line mixes the old ones."""
    positions = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    lower = np.minimum(positions.astype(int), max(before - 2, 0))
    upper = np.minimum(lower + 1, before - 1)
    share = (positions - lower).astype(np.float32)
    weights = np.zeros((after, before), np.float32)
    weights[np.arange(after), lower] = 1 - share
    weights[np.arange(after), upper] += share
    return weights
