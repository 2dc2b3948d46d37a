"""Outlines and numbers of leaves on their photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, find_objects

from leafwise.errors import LabelMapError
from leafwise.metrics import compact_labels
from leafwise.plots.colors import number_colors
from leafwise.plots.text import font

_SMALLEST_TEXT = 12  # pixels; smaller digits cannot be told apart


@dataclass(frozen=True)
class _Number:
    text: str
    row: int
    col: int
    room: float  # radius of the largest circle around the place that stays inside the leaf, in pixels


def draw_overlay(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Draw the outline of every leaf on a photo, and its number inside it.

    Args:
        image: RGB photo, uint8 (h, w, 3).
        labels: label map, integers (h, w), 0 = background; values may have gaps, leaves several pieces.

    Returns:
        uint8 (h, w, 3), the photo's own size.

    Raises:
        LabelMapError: the two shapes differ, or `labels` is no label map.
    """
    compact, values = compact_labels(labels)
    if image.shape != (*compact.shape, 3):
        raise LabelMapError(
            f"a label map of shape {compact.shape} cannot belong to a photo of shape {image.shape}; "
            "give the photo's own label map"
        )
    line_width = max(1, round(max(compact.shape) / 300))
    picture = image.copy()
    colors = number_colors(values)
    numbers = []
    for leaf, box in enumerate(find_objects(compact), start=1):
        depth = distance_transform_edt(np.pad(compact[box] == leaf, 1))[1:-1, 1:-1]
        picture[box][(depth > 0) & (depth <= line_width)] = colors[leaf]
        row, col = np.unravel_index(depth.argmax(), depth.shape)
        numbers.append(_Number(str(values[leaf]), box[0].start + int(row), box[1].start + int(col), float(depth[row, col])))
    return _write_numbers(picture, numbers)


def _write_numbers(picture: NDArray[np.uint8], numbers: list[_Number]) -> NDArray[np.uint8]:
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    for number in numbers:
        size = max(_SMALLEST_TEXT, min(round(1.2*number.room), max(picture.shape) // 25))
        draw.text((number.col + 0.5, number.row + 0.5), number.text, (255, 255, 255), font(size), anchor="mm", stroke_width=max(1, size // 8), stroke_fill=(0, 0, 0))
    return np.asarray(canvas)
