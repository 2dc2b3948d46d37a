"""Outlines and numbers of leaves on their photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, find_objects

from leafwise.errors import LabelMapError
from leafwise.imaging import compact_labels
from leafwise.plots.colors import number_colors
from leafwise.plots.text import write_centered

# Heights of numbers and widths of lines; the side is the photo's longer one, the depth half the leaf's width.
_READABLE = 12  # pixels; lower digits cannot be told apart
_LEAST_TEXT = 1 / 160  # of the side
_LARGEST_SIDE = 4000  # pixels; larger photos are of many plants, and looked at in parts
_MOST_TEXT = 1 / 25  # of the side
_TEXT_BY_DEPTH = 1.2  # of one or two digits
_DIGITS_BY_DEPTH = 3  # that fit in where they are as high as the depth; numbers with more of them are lower
_CROWDED = 100  # leaves; where there are more, a number much larger than its leaf would hide others
_LEAST_FIT = 2 / 3  # of a number's height that its leaf has to have room for there
_LINE = 0.09  # of the side's square root: 2 pixels at 530
_LINE_BY_DEPTH = 1 / 3  # at most, so that a narrow leaf stays open


@dataclass(frozen=True)
class _Place:
    """The pixel of a leaf that is furthest from its outline."""

    number: int
    row: int
    col: int
    depth: float  # distance to the nearest pixel of something else, in pixels


def draw_overlay(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Draw the outline of every leaf on a photo, and its number where the leaf is widest.

    Lines lie inside their leaf, so that two leaves that touch have one each. Lines and numbers follow the
    size of the photo and the width of the leaf; a photo smaller than a number goes without it, and so do small leaves
    where there are more than a hundred.

    Args:
        image: RGB photo, uint8 (h, w, 3).
        labels: label map, integers (h, w), 0 = background; values may have gaps, leaves several pieces.

    Returns:
        A new picture of the photo's size, uint8 (h, w, 3).

    Raises:
        LabelMapError: the two shapes differ, or `labels` is no label map.
    """
    compact, numbers = compact_labels(labels)
    if image.shape != (*compact.shape, 3):
        raise LabelMapError(
            f"a label map of shape {compact.shape} cannot belong to a photo of shape {image.shape}; "
            "give the photo's own label map"
        )
    picture, colors = image.copy(), number_colors(numbers)
    photo_line = max(1, round(_LINE * max(compact.shape) ** 0.5))
    places = []
    for leaf, box in enumerate(find_objects(compact), start=1):
        # Padded: where a leaf meets the edge of the photo it has an outline too.
        depth = distance_transform_edt(np.pad(compact[box] == leaf, 1))[1:-1, 1:-1]
        row, col = np.unravel_index(depth.argmax(), depth.shape)
        deepest = float(depth[row, col])
        line = min(photo_line, max(1, deepest * _LINE_BY_DEPTH))
        picture[box][(depth > 0) & (depth <= line)] = colors[leaf]
        places.append(_Place(int(numbers[leaf]), box[0].start + int(row), box[1].start + int(col), deepest))
    _write_numbers(picture, places)
    return picture


def _write_numbers(picture: NDArray[np.uint8], places: list[_Place]) -> None:
    """Write numbers into a picture (h, w, 3), each by way of its surroundings: a photo may be large."""
    side = min(max(picture.shape[:2]), _LARGEST_SIDE)
    least = max(_READABLE, side * _LEAST_TEXT)
    most = max(least, side * _MOST_TEXT)
    for place in sorted(places, key=lambda place: -place.depth):  # small leaves' numbers stay on top
        text = str(place.number)
        fitting = place.depth * min(_TEXT_BY_DEPTH, _DIGITS_BY_DEPTH / len(text))
        if len(places) > _CROWDED and fitting < _LEAST_FIT * least:
            continue
        size = round(min(max(fitting, least), most))
        # more than text and halo, moved off the picture's edges
        down, across = 2 * size, (len(text) + 1) * size
        top, left = max(place.row - down, 0), max(place.col - across, 0)
        around = picture[top : place.row + down, left : place.col + across]
        canvas = Image.fromarray(around)
        write_centered(ImageDraw.Draw(canvas), text, (place.col - left + 0.5, place.row - top + 0.5), size)
        around[:] = np.asarray(canvas)
