"""Pictures of one size beside and below each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from leafwise.errors import ImageError
from leafwise.plots.text import WHITE, default_font

_GAP = 4  # pixels between pictures and around them
_TEXT_HEIGHT = 14
_GROUND = (32, 32, 32)

Rows = Sequence[Sequence[NDArray[np.uint8]]]


def picture_grid(rows: Rows, captions: Sequence[Sequence[str]] | None = None) -> NDArray[np.uint8]:
    """Put pictures into rows and columns, each with its caption above it.

    Args:
        rows: RGB pictures, each uint8 (h, w, 3), all of one size; rows may differ in length.
        captions: one line for each picture, in rows like them; cut where it is wider than the picture.

    Returns:
        uint8 (H, W, 3), large enough for the longest row.

    Raises:
        ImageError: there is no picture, the sizes differ, or the captions are not as many as the pictures.

    >>> photo = np.zeros((20, 30, 3), np.uint8)
    >>> picture_grid([[photo, photo], [photo]]).shape
    (52, 72, 3)
    """
    shapes = {picture.shape for row in rows for picture in row}
    if len(shapes) != 1:
        raise ImageError(
            f"a grid takes pictures of one size, not {sorted(shapes) or 'none'}; scale them first"
        )
    if captions is not None and [len(row) for row in captions] != [len(row) for row in rows]:
        raise ImageError(
            "a grid takes one caption for each picture, in rows like the pictures; use '' for none"
        )
    height, width = shapes.pop()[:2]
    caption_height = 0 if captions is None else _TEXT_HEIGHT + _GAP
    step_down, step_right = height + caption_height + _GAP, width + _GAP
    columns = max(len(row) for row in rows)
    canvas = Image.new("RGB", (columns * step_right + _GAP, len(rows) * step_down + _GAP), _GROUND)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            left, top = _GAP + j * step_right, _GAP + i * step_down
            if captions is not None:
                canvas.paste(_caption(captions[i][j], width, caption_height), (left, top))
            canvas.paste(Image.fromarray(picture), (left, top + caption_height))
    return np.array(canvas)


def _caption(text: str, width: int, height: int) -> Image.Image:
    strip = Image.new("RGB", (width, height), _GROUND)
    ImageDraw.Draw(strip).text((0, height // 2), text, WHITE, default_font(_TEXT_HEIGHT), anchor="lm")
    return strip
