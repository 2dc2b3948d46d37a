"""A loss on the instances themselves: how well the masks that embeddings give to the nearest mean overlap the truth."""

import torch
from torch import Tensor


def overlap_term(embeddings: Tensor, labels: Tensor, *, background: bool) -> Tensor:
    """One minus the soft Dice of each instance, its mean over the instances of an image and the batch, a scalar tensor.

    A pixel x belongs to instance c with the probability softmax_c(-|x - mu_c|^2), mu_c being the true means: what a
    clustering decides hard. The pull and push terms care for all pixels of an instance alike, this one for those
    that lie between two means, at borders (a softmax over distances as in Neven et al. 2019, Dice as in Milletari
    et al. 2016).

    Args:
        embeddings: (B, D, h, w), any float type; computed in float32 or better even under autocast.
        labels: integer (B, h, w), 0 = background, instances 1..n, gaps allowed.
        background: True takes the background as one more instance; False leaves it out.

    An image with fewer than two instances has nothing between means and adds 0.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
        losses = [
            _of_image(x, numbers, background=background)
            for x, numbers in zip(points.permute(0, 2, 3, 1), labels, strict=True)
        ]
        return torch.stack(losses).mean()


def _of_image(points: Tensor, labels: Tensor, *, background: bool) -> Tensor:
    inside = torch.ones_like(labels, dtype=torch.bool) if background else labels > 0
    points = points[inside]  # (n, D)
    _, numbers, sizes = torch.unique(labels[inside], return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    if len(sizes) < 2:
        return points.sum() * 0
    members = torch.nn.functional.one_hot(numbers, len(sizes)).to(points.dtype)  # (n, K)
    centers = members.T @ points / sizes[:, None]
    # |x|^2 is the same for all instances: softmax does not see it
    chances = (2 * points @ centers.T - centers.square().sum(1)).softmax(1)  # (n, K)
    overlaps = chances.gather(1, numbers[:, None])[:, 0]
    shared = torch.zeros_like(sizes, dtype=points.dtype).index_add_(0, numbers, overlaps)
    dice: Tensor = 2 * shared / (chances.sum(0) + sizes)
    return 1 - dice.mean()
