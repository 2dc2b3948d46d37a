"""What comes before and after ClusterNet: the likelihood image of each segment, and its masks as one label map."""

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering import centers_of
from leafwise.config import RefineSettings
from leafwise.refine.likelihood import likelihood_images
from leafwise.refine.merge import MERGES


def segment_likelihood(
    embeddings: NDArray[np.float32], labels: NDArray[np.int32], inside: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """The likelihood image of each segment of a label map (paper, section 3.4, steps 1 to 4).

    Args:
        embeddings: float32 (D, h, w).
        labels: int32 (h, w), 0 = background, 1..n without gaps.
        inside: bool (h, w), the foreground where it is known: the images are 0 elsewhere, where embeddings mean
            nothing. None where the background has embeddings of its own: it is a segment like the others then
            (paper, section 8), the first.

    Returns float32 (n, h, w), or (n + 1, h, w) with the background's.
    """
    if inside is None:
        return likelihood_images(
            embeddings, centers_of(embeddings.reshape(len(embeddings), -1).T, labels.ravel())
        )
    members = labels > 0
    centers = centers_of(embeddings[:, members].T, labels[members] - 1)
    images = np.zeros((len(centers), *labels.shape), np.float32)
    if inside.any():
        images[:, inside] = likelihood_images(embeddings[:, None, inside], centers)[:, 0]
    return images


def merge_masks(
    masks: NDArray[np.float32],
    sizes: NDArray[np.int64],
    settings: RefineSettings,
    *,
    background: NDArray[np.float32] | None = None,
    inside: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Merge masks by the rule of `settings.merge` into labels int32 (h, w): i + 1 for masks[i], gaps possible.

    Args:
        masks: float32 (n, h, w), probability in [0, 1], n > 0.
        sizes: pixels of each whole mask (n,), see `mask_sizes`.
        settings: `merge` and `mask_threshold` are used.
        background: the background's own mask float32 (h, w), applied last; None for none.
        inside: bool (h, w), the foreground where it is known: all of it belongs to some mask, if to none by the
            threshold, then to the most probable; nothing else does.
    """
    labels = MERGES[settings.merge](masks, sizes, settings.mask_threshold, background)
    if inside is None:
        return labels
    open_pixels = inside & (labels == 0)
    labels = np.where(inside, labels, 0)
    labels[open_pixels] = masks[:, open_pixels].argmax(0) + 1
    return labels.astype(np.int32)
