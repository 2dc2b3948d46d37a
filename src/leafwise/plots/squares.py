"""Squares around plants on their photo."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from leafwise.imaging import FILL, Square
from leafwise.plots.colors import number_colors
from leafwise.plots.text import write_centered

_LINE = 1 / 200  # of the photo's longer side
_TEXT = 1 / 20  # of the photo's longer side
_LEAST_TEXT = 12  # pixels; lower digits cannot be told apart


def draw_squares(image: NDArray[np.uint8], squares: Sequence[Square]) -> NDArray[np.uint8]:
    """Draw squares on a photo, each in a colour of its own, with the numbers 1, 2, ... in their upper left corners.

    Args:
        image: RGB photo, uint8 (H, W, 3).
        squares: in the photo's pixels; where they reach beyond it, so does the picture, mean-coloured there as for
            the network.

    Returns:
        uint8 (at least H, at least W, 3).
    """
    height, width = image.shape[:2]
    top = min([0, *(square.top for square in squares)])
    left = min([0, *(square.left for square in squares)])
    bottom = max([height, *(square.top + square.side for square in squares)])
    right = max([width, *(square.left + square.side for square in squares)])
    canvas = Image.new("RGB", (right - left, bottom - top), FILL)
    canvas.paste(Image.fromarray(image), (-left, -top))
    draw = ImageDraw.Draw(canvas)
    side = max(height, width)
    line, text = max(2, round(side * _LINE)), max(_LEAST_TEXT, round(side * _TEXT))
    colors = number_colors(np.arange(1, len(squares) + 1))
    for number, (square, color) in enumerate(zip(squares, colors, strict=True), 1):
        x, y = square.left - left, square.top - top
        box = (x, y, x + square.side - 1, y + square.side - 1)
        draw.rectangle(box, outline=tuple(color.tolist()), width=line)
        write_centered(draw, str(number), (x + line + text, y + line + text), text)
    return np.array(canvas)
