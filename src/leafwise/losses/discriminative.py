"""The discriminative loss of De Brabandere et al. 2017 (paper, section 2, equations 1 to 3)."""

from typing import NamedTuple

import torch
from torch import Tensor


class DiscriminativeTerms(NamedTuple):
    """The terms of the loss, each a scalar tensor, unweighted, averaged over the images of the batch."""

    pull: Tensor  # L_var, equation 1
    push: Tensor  # L_dist, equation 2
    reg: Tensor  # L_reg, equation 3


def discriminative_terms(
    embeddings: Tensor,
    labels: Tensor,
    *,
    pull_margin: float,
    push_margin: float,
    background: bool,
    pixel_weights: Tensor | None = None,
    weigh_pull: bool = False,
) -> DiscriminativeTerms:
    """Pull, push and regularisation terms of a batch, without a loop over instances or images.

    Args:
        embeddings: (B, D, h, w), any float type; computed in float32 or better even under autocast.
        labels: integer (B, h, w), 0 = background, instances 1..n, gaps allowed.
        pull_margin: delta_v, embedding units.
        push_margin: delta_d, half the distance kept between centers, embedding units.
        background: True takes the background as one more instance (the paper); False leaves it out.
        pixel_weights: w_i, (B, h, w), at least 1, for the instances' means (3.1.2); None: all pixels count the same.
        weigh_pull: whether an instance's part in the pull term is weighted by them too (section 8), or a plain mean.

    An image without instances adds nothing, and one with a single instance has no push term; the terms are
    averaged over the images that have instances.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        points = embeddings.flatten(2)
        points = points if points.dtype == torch.float64 else points.float()  # (B, D, N)
        members = _memberships(labels.flatten(1), background=background, dtype=points.dtype)  # (B, K, N)
        weighted = members if pixel_weights is None else members * pixel_weights.flatten(1)[:, None]
        centers = centers_of(points, weighted)  # (B, K, D)
        pulling = weighted if weigh_pull else members
        sizes = pulling.sum(2)  # (B, K), or the sums of the weights
        exists = (sizes > 0).to(points.dtype)  # (B, K)
        n_instances = exists.sum(1)  # (B,), C of the paper
        n_images = (n_instances > 0).sum().clamp(min=1)

        # a pixel's own center: each pixel belongs to one instance at most, so the product only picks
        own_centers = torch.bmm(centers.transpose(1, 2), members)  # (B, D, N)
        distances = torch.linalg.vector_norm(points - own_centers, dim=1)  # (B, N)
        hinged = (distances - pull_margin).clamp(min=0).square()
        per_instance = torch.bmm(pulling, hinged[:, :, None])[:, :, 0] / sizes.clamp(min=1)  # (B, K)
        pull = per_instance.sum(1) / n_instances.clamp(min=1)

        between = torch.linalg.vector_norm(centers[:, :, None] - centers[:, None], dim=3)  # (B, K, K)
        pairs = (exists[:, :, None] * exists[:, None]).triu(1)
        gaps = (2 * push_margin - between).clamp(min=0).square() * pairs
        push = gaps.sum((1, 2)) / (n_instances * (n_instances - 1) / 2).clamp(min=1)

        lengths = torch.linalg.vector_norm(centers, dim=2) * exists
        reg = lengths.sum(1) / n_instances.clamp(min=1)
        return DiscriminativeTerms(*(term.sum() / n_images for term in (pull, push, reg)))


def centers_of(points: Tensor, members: Tensor) -> Tensor:
    """Mean embedding (mu_c) of each instance: (B, D, N) and memberships (B, K, N) -> (B, K, D).

    A pixel's membership is its weight, at least 1, in its own instance and 0 in any other. An instance without pixels
    has its center at the origin.

    >>> centers_of(torch.tensor([[[0., 2., 6.]]]), torch.tensor([[[1., 1., 0.], [0., 0., 1.]]]))
    tensor([[[1.],
             [6.]]])
    """
    sums = torch.bmm(members, points.transpose(1, 2))
    return sums / members.sum(2, keepdim=True).clamp(min=1)


def _memberships(labels: Tensor, *, background: bool, dtype: torch.dtype) -> Tensor:
    """(B, N) labels -> (B, K, N), 1 where pixel N is of instance K; K counts the largest label of the batch."""
    first = 0 if background else 1
    last = int(labels.max()) if labels.numel() else 0
    numbers = torch.arange(first, max(last, first) + 1, device=labels.device)
    return (labels[:, None] == numbers[None, :, None]).to(dtype)
