"""Random textures from smooth random fields, which are made small and scaled up: that keeps a plant fast."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

Field = NDArray[np.float32]


def random_field(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Field:
    """Smooth noise, float32 (h, w), mean about 0, deviation 1, whose bumps are about `cell` pixels wide.

    >>> random_field(np.random.default_rng(0), (4, 6), cell=2.5).shape
    (4, 6)
    """
    height, width = shape
    if cell <= 1:
        return rng.standard_normal(shape, dtype=np.float32)
    small = rng.standard_normal((int(height / cell) + 4, int(width / cell) + 4), dtype=np.float32)
    box = (1.0, 1.0, 1.0 + width / cell, 1.0 + height / cell)
    field = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC, box=box))
    return field * np.float32(1.4)  # interpolation between the cells takes about a third of the deviation


def fractal_field(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, ...]) -> Field:
    """Mean of random fields of several cell sizes, scaled to deviation of about 1: float32 (h, w)."""
    total = sum((random_field(rng, shape, cell) for cell in cells), np.zeros(shape, np.float32))
    return np.asarray(total / np.sqrt(len(cells)), np.float32)


def soften(field: Field, radius: float) -> Field:
    """Blur by two running means (a cost that does not grow with the radius); zero outside the frame."""
    size = max(1, round(2 * radius / 1.4))
    once = uniform_filter(field, size, mode="constant")
    return np.asarray(uniform_filter(once, size, mode="constant"), np.float32)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """0 at `low` and below, 1 at `high` and above, smooth between them (`low` may be the larger one).

    >>> smoothstep(np.array([0.0, 1.0, 2.0], np.float32), 0, 2)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
