"""The losses on embeddings as one writes them down first: loops over images, instances and pairs, torch inside."""

from itertools import combinations

import torch
from torch import Tensor

from leafwise.losses import DiscriminativeTerms
from leafwise.losses.instances import boundary_of


def direct_terms(
    embeddings: Tensor, labels: Tensor, *, pull_margin: float, push_margin: float
) -> DiscriminativeTerms:
    """Pull, push and regularisation: (B, D, h, w), int (B, h, w) with instances in each image, no background."""
    sums = [embeddings.new_zeros(()) for _ in range(3)]
    for points, numbers in zip(embeddings.flatten(2), labels.flatten(1), strict=True):
        instances = _instances(numbers)
        centers = []
        for number in instances:
            own = points[:, numbers == number]  # (D, n)
            center = own.mean(1)
            beyond = (torch.linalg.vector_norm(own - center[:, None], dim=0) - pull_margin).clamp(min=0)
            sums[0] = sums[0] + beyond.square().mean() / len(instances)
            sums[2] = sums[2] + center.norm() / len(instances)
            centers.append(center)
        pairs = list(combinations(centers, 2))
        for one, other in pairs:
            sums[1] = sums[1] + (2 * push_margin - (one - other).norm()).clamp(min=0).square() / len(pairs)
    return DiscriminativeTerms(*(total / len(embeddings) for total in sums))


def direct_edge(embeddings: Tensor, labels: Tensor, *, hinge: float, n_pixels: int) -> Tensor:
    """The edge term: (B, D, h, w), int (B, h, w) with two instances or more in each image, no background."""
    total = embeddings.new_zeros(())
    for points, numbers, boundary in zip(
        embeddings.flatten(2), labels.flatten(1), boundary_of(labels).flatten(1), strict=True
    ):
        drawn = []
        for number in _instances(numbers):
            pixels = (boundary & (numbers == number)).nonzero()[:, 0]
            drawn.append(points[:, pixels[torch.randperm(len(pixels))[:n_pixels]]].T)  # (n, D)
        pairs = list(combinations(drawn, 2))
        for one, other in pairs:
            total = total + (hinge - torch.cdist(one, other)).clamp(min=0).square().mean() / len(pairs)
    return total / len(embeddings)


def _instances(numbers: Tensor) -> list[int]:
    return [number for number in torch.unique(numbers).tolist() if number > 0]
