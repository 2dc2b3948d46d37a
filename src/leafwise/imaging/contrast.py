"""Contrast of photos that fill little of their range, as fluorescence does."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leafwise.config import LookSettings

DARKEST, BRIGHTEST = 0.01, 0.002  # shares of the pixels that become black and white


def as_seen(image: NDArray[np.uint8], looks: LookSettings) -> NDArray[np.uint8]:
    """A photo uint8 (H, W, 3) in the contrast that a model looks at it in, and people should."""
    return stretch_contrast(image) if looks.stretch else image


def stretch_contrast(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo uint8 (H, W, 3) with its darkest 1 % black and its brightest 0.2 % white.

    A pixel is as bright as the brightest of its channels, and all channels are stretched alike. The percentiles are
    those of StarDist (Schmidt et al. 2018). A photo whose two percentiles are the same stays as it is.
    """
    counts = np.cumsum(Image.fromarray(image.max(2)).histogram())  # pixels up to each brightness
    low, high = np.searchsorted(counts, counts[-1] * np.array([DARKEST, 1 - BRIGHTEST]))
    if high == low:
        return image
    table = ((np.arange(256) - low) * (255 / (high - low))).clip(0, 255)
    return np.asarray(np.rint(table).astype(np.uint8)[image])
