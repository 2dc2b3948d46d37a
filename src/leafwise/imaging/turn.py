"""Pictures and maps turned and mirrored, without a pixel changed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def turn(pixels: NDArray[Any], number: int, axes: tuple[int, int] = (0, 1)) -> NDArray[Any]:
    """Turn two axes by `number` quarters, 0..7; from 4 on they are mirrored after that. A view.

    >>> turn(np.array([[1, 2], [3, 4]]), 1).tolist(), turn(np.array([[1, 2], [3, 4]]), 4).tolist()
    ([[2, 4], [1, 3]], [[2, 1], [4, 3]])
    """
    turned = np.rot90(pixels, number % 4, axes)
    return np.flip(turned, axes[1]) if number >= 4 else turned


def turn_back(pixels: NDArray[Any], number: int, axes: tuple[int, int] = (0, 1)) -> NDArray[Any]:
    """Undo `turn` of the same number. A view."""
    return np.rot90(np.flip(pixels, axes[1]) if number >= 4 else pixels, -(number % 4), axes)
