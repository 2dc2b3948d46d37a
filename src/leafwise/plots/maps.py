"""Maps on the network's small grid as pictures that the eye can read."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from leafwise.plots.colors import color_labels
from leafwise.plots.overlay import draw_overlay

_AROUND = (32, 32, 32)  # a thumbnail's picture that is not square

Value = TypeVar("Value", bound=np.generic)


def draw_shares(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map of values in [0, 1] in grey, 0 black and 1 white: (h, w) -> uint8 (h, w, 3).

    >>> draw_shares(np.array([[0.0, 0.2, 1.0]]))[..., 0]
    array([[  0,  51, 255]], dtype=uint8)
    """
    grey = np.rint(255 * shares).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def draw_labels(labels: NDArray[np.integer], least: int) -> NDArray[np.uint8]:
    """A label map in colours with its numbers, enlarged as `enlarge` does: (h, w) -> uint8 (H, W, 3)."""
    large = enlarge(labels, least)
    return draw_overlay(color_labels(large), large)


def enlarge(picture: NDArray[Value], least: int) -> NDArray[Value]:
    """Each pixel of (h, w) or (h, w, 3) as a block of k x k, the smallest with which the longer side reaches `least`.

    >>> enlarge(np.array([[1, 2]]), 3)
    array([[1, 1, 2, 2],
           [1, 1, 2, 2]])
    """
    times = max(-(-least // max(picture.shape[:2])), 1)
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def thumbnail(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture uint8 (h, w, 3) scaled to fit into (side, side, 3), dark around it where it is not square."""
    return np.array(ImageOps.pad(Image.fromarray(picture), (side, side), color=_AROUND))
