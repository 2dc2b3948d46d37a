"""Contrast of photos that fill little of their range, as fluorescence does."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from leafwise.config import LookSettings

DARKEST, BRIGHTEST = 1.0, 0.2  # percent of the pixels that become black and white


def as_seen(image: NDArray[np.uint8], looks: LookSettings) -> NDArray[np.uint8]:
    """A photo uint8 (H, W, 3) in the contrast that a model looks at it in, and people should."""
    return stretch_contrast(image) if looks.stretch else image


def stretch_contrast(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo uint8 (H, W, 3) with its darkest 1 % black and its brightest 0.2 % white; colours keep their ratios.

    The percentiles are those of StarDist (Schmidt et al. 2018). A photo of one brightness stays as it is.
    """
    stretched = ImageOps.autocontrast(Image.fromarray(image), cutoff=(DARKEST, BRIGHTEST), preserve_tone=True)
    return np.array(stretched)  # not asarray, which cannot be written to
