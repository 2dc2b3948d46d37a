"""The convex hull of a shape made of pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

_CORNERS = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)])  # of a pixel, from its centre


def hull_area(mask: NDArray[np.bool_]) -> float:
    """Area of the smallest convex polygon around all pixels of a mask, in pixels; a pixel is a 1 x 1 square.

    Args:
        mask: bool (h, w), in one piece or several; 0 if it is empty.

    >>> hull_area(np.array([[1, 0], [0, 1]], bool))
    3.0
    """
    ends = _row_ends(mask)
    return float(_hull(ends).volume) if len(ends) else 0.0  # in two dimensions Qhull's volume is the area


def diameter(mask: NDArray[np.bool_]) -> float:
    """Largest distance between the centres of two pixels of a mask, in pixels; 0 for one pixel or none.

    >>> diameter(np.ones((4, 5), bool))
    5.0
    """
    ends = _row_ends(mask)
    if not len(ends):
        return 0.0
    # A vertex of the hull is a corner of just one pixel, and each pixel furthest out in a direction has one.
    corner_pixels = ends[np.unique(_hull(ends).vertices // len(_CORNERS))]
    return float(pdist(corner_pixels).max(initial=0))


def _row_ends(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First and last pixel of each row, (n, 2) as row and column: no other pixel can be on the hull."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    return np.stack([np.tile(rows, 2), np.concatenate([first, last])], axis=1)


def _hull(pixels: NDArray[np.int64]) -> ConvexHull:
    """Hull of the pixels' corners, corner i of pixel p being point 4 p + i; never flat, as Qhull needs it."""
    return ConvexHull((pixels[:, None] + _CORNERS).reshape(-1, 2))
