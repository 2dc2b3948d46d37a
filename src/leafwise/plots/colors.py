"""Colours for leaf numbers."""

import numpy as np
from numpy.typing import NDArray
from skimage.color import hsv2rgb

from leafwise.imaging import compact_labels

_GOLDEN_RATIO = (5**0.5 - 1) / 2
_FIRST_HUE = 0.42  # of the colour circle: turquoise, and on over blue and red
_HUES = 0.73  # as far as yellow, so that no colour is a leaf's green
_SATURATIONS = (1.0, 0.45, 0.75)
_VALUES = (1.0, 1.0, 0.75)
_LUMINANCE = (0.21, 0.72, 0.07)  # of red, green and blue
_DARKEST = 0.45


def number_colors(numbers: NDArray[np.integer]) -> NDArray[np.uint8]:
    """A light colour for each number, the same in every picture; uint8 (n, 3) for integers (n,).

    Hues are a golden section apart, so that numbers that follow each other are far from each other in colour.
    Numbers 5, 8 or 13 apart have nearly one hue, but not one saturation and value, which come in threes.
    """
    hues = (_FIRST_HUE + _HUES * (numbers * _GOLDEN_RATIO % 1)) % 1
    hsv = np.stack([hues, np.take(_SATURATIONS, numbers % 3), np.take(_VALUES, numbers % 3)], axis=-1)
    rgb = hsv2rgb(hsv)
    luminance = rgb @ _LUMINANCE
    white = np.clip((_DARKEST - luminance) / (1 - luminance), 0, 1)[
        :, None
    ]  # blue alone is lost on dark soil
    return np.asarray(np.rint(255 * (rgb + white * (1 - rgb))), np.uint8)


def color_labels(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """A label map as a picture: uint8 (h, w, 3) for integers (h, w), the background black.

    Raises:
        LabelMapError: `labels` is no label map.
    """
    compact, numbers = compact_labels(labels)
    colors = number_colors(numbers)
    colors[0] = 0
    return colors[compact]
