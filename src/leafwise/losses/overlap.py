"""A loss on the instances themselves: how well the masks that embeddings give to the nearest mean overlap the truth."""

import torch
from torch import Tensor

from leafwise.losses.instances import pixels_of_instances


def overlap_term(embeddings: Tensor, labels: Tensor, *, background: bool) -> Tensor:
    """One minus the soft Dice of each instance, averaged over an image's instances, then over images: a scalar tensor.

    A pixel x belongs to instance c with the probability softmax_c(-|x - mu_c|^2), mu_c being the true means: what a
    clustering decides hard. The pull and push terms care for all pixels of an instance alike, this one for those
    that lie between two means, at borders (a softmax over distances to means as in Snell et al. 2017; Dice after
    Milletari et al. 2016, without their squares).

    Args:
        embeddings: (B, D, h, w), any float type; computed in float32 or better even under autocast.
        labels: integer (B, h, w), 0 = background, instances 1..n, gaps allowed.
        background: True takes the background as one more instance; False leaves it out.

    An image with fewer than two instances has nothing between means: it is left out, and a batch without others has 0.

    >>> line = torch.tensor([0.0, 0.0, 1.5, 3.0]).view(1, 1, 1, 4)
    >>> overlap_term(line, torch.tensor([[[1, 1, 2, 2]]]), background=False).round(decimals=2)
    tensor(0.0400)
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
        insides = pixels_of_instances(labels, background=background)
        losses = []
        for image, truth, inside in zip(points, labels, insides, strict=True):
            _, numbers, sizes = torch.unique(truth[inside], return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
            if len(sizes) > 1:
                losses.append(1 - _soft_dice(image[:, inside].T, numbers, sizes).mean())
        return torch.stack(losses).mean() if losses else points.sum() * 0


def _soft_dice(points: Tensor, numbers: Tensor, sizes: Tensor) -> Tensor:
    """Soft Dice of each of k instances: (n, D), the instance of each pixel (n,), pixels of each (k,) -> (k,)."""
    sums = points.new_zeros(len(sizes), points.shape[1]).index_add_(0, numbers, points)
    centers = sums / sizes[:, None]
    # |x|^2 is the same for all instances: softmax does not see it
    chances = (2 * points @ centers.T - centers.square().sum(1)).softmax(1)  # (n, k)
    own = chances.gather(1, numbers[:, None])[:, 0]
    shared = points.new_zeros(len(sizes)).index_add_(0, numbers, own)
    return 2 * shared / (chances.sum(0) + sizes)
