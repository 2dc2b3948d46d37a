"""Embeddings, which have more channels than the eye, as a picture in colour."""

import numpy as np
from numpy.typing import NDArray

_COLORS = 3
_STRETCH = (2, 98)  # percentiles of a component that become 0 and 1
_NOISE = 1e-6  # of the widest component's spread: what rounding to float32 leaves of no difference at all


def draw_embedding(
    embeddings: NDArray[np.float32], inside: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Draw the first three principal components of the embeddings as red, green and blue.

    Pixels of one colour lie near each other in these three directions of the embedding space, the ones in which
    the pixels differ most. Each component is stretched from its 2nd to its 98th percentile, so that colours tell
    neither distances nor which component says more. A component has the sign that makes the largest of its weights
    positive; one whose percentiles are equal is 1/2 everywhere.

    Args:
        embeddings: float32 (D, h, w).
        inside: bool (h, w), the foreground: components and percentiles are those of its pixels, the others are
            black. None takes all pixels.

    Returns:
        uint8 (h, w, 3).

    >>> draw_embedding(np.array([[[0.0, 1.0, 4.0]]], np.float32))[0, :, 0]  # one channel is one component
    array([  0,  64, 255], dtype=uint8)
    """
    shape = embeddings.shape[1:]
    drawn = np.ones(shape, bool) if inside is None else inside
    picture = np.zeros((*shape, _COLORS), np.uint8)
    points = embeddings[:, drawn].T  # (n, D)
    if len(points):
        picture[drawn] = np.rint(255 * _stretched(_components(points)))
    return picture


def _components(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """The first three principal components of points (n, D): (n, 3), 0 where there are fewer."""
    centered = points - points.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(centered, full_matrices=False)[2][:_COLORS]  # (up to 3, D)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    components = np.zeros((len(points), _COLORS))
    components[:, : len(axes)] = centered @ (axes * np.sign(largest)).T
    return components


def _stretched(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column from its low to its high percentile: (n, 3) -> (n, 3) in [0, 1], 1/2 where these are equal."""
    low, high = np.percentile(components, _STRETCH, axis=0)
    spread = high - low
    flat = spread <= _NOISE * spread.max()
    shares = ((components - low) / np.where(flat, 1, spread)).clip(0, 1)
    return np.where(flat, 0.5, shares)
