"""Likelihood images: how near each pixel's embedding is to a segment's mean (paper, section 3.4)."""

import numpy as np
from numpy.typing import NDArray

STRIP = 1 << 14  # pixels whose distances are computed at a time: bounds the memory


def likelihood_images(embeddings: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image I_c = 1 - d_c / max(d_c) of each segment: float32 (D, h, w), (k, D) -> float32 (k, h, w) in [0, 1].

    d_c is a pixel's Euclidean distance from the segment's center mu_c, the maximum that over the image (paper,
    section 3.4, the processing step). Where every pixel lies on the center, the image is 1 everywhere.

    >>> likelihood_images(np.array([[[0.0, 1.0, 4.0]]], np.float32), np.array([[0.0], [4.0]], np.float32))
    array([[[1.  , 0.75, 0.  ]],
    <BLANKLINE>
           [[0.  , 0.25, 1.  ]]], dtype=float32)
    """
    points = embeddings.reshape(len(embeddings), -1)
    # about the mean, and in float64: squared lengths cancel each other in |x - c|^2 = |c|^2 - 2 c x + |x|^2
    origin = points.mean(axis=1, dtype=np.float64)
    shifted = centers - origin
    distances = np.empty((len(centers), points.shape[1]), np.float32)
    for start in range(0, points.shape[1], STRIP):
        strip = points[:, start : start + STRIP] - origin[:, None]
        squares = np.square(shifted).sum(1)[:, None] - 2 * shifted @ strip + np.square(strip).sum(0)
        distances[:, start : start + STRIP] = np.sqrt(squares.clip(min=0))
    farthest = distances.max(axis=1, keepdims=True)
    distances /= np.where(farthest > 0, farthest, 1)
    return np.subtract(1, distances, out=distances).reshape(len(centers), *embeddings.shape[1:])
