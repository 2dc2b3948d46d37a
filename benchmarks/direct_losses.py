"""The losses in loops, torch inside: as one writes them with care (direct), and as one often finds them (typical)."""

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


def typical_terms(
    embeddings: Tensor, labels: Tensor, *, pull_margin: float, push_margin: float
) -> DiscriminativeTerms:
    """Loops over images and instances; a mask over all pixels for each instance, multiplied with all embeddings."""
    pull = push = reg = embeddings.new_zeros(())
    for points, numbers in zip(embeddings.flatten(2), labels.flatten(1), strict=True):  # (D, N), (N,)
        instances = [number for number in numbers.unique().tolist() if number > 0]
        masks = [(numbers == number).to(points.dtype)[None] for number in instances]  # (1, N)
        centers = [(points * mask).sum(1) / mask.sum() for mask in masks]  # (D,)
        n = len(instances)
        for center, mask in zip(centers, masks, strict=True):
            distances = ((points - center[:, None]).square().sum(0) + 1e-12).sqrt()  # (N,)
            hinged = (distances - pull_margin).clamp(min=0).square()
            pull = pull + (hinged * mask[0]).sum() / mask.sum() / n
            reg = reg + center.norm() / n
        for a in range(n):
            for b in range(a + 1, n):
                gap = (2 * push_margin - (centers[a] - centers[b]).norm()).clamp(min=0)
                push = push + gap.square() / (n * (n - 1) / 2)
    return DiscriminativeTerms(*(term / len(embeddings) for term in (pull, push, reg)))


def typical_edge(embeddings: Tensor, labels: Tensor, *, hinge: float, n_pixels: int) -> Tensor:
    """Loops over images and pairs of instances; all (P, P, D) differences of two instances at once."""
    total = embeddings.new_zeros(())
    boundaries = boundary_of(labels)
    for points, numbers, boundary in zip(embeddings, labels, boundaries, strict=True):
        drawn = []
        for number in numbers.unique().tolist():
            if number > 0:
                found = points[:, boundary & (numbers == number)].T  # (n, D)
                drawn.append(found[torch.randperm(len(found))[:n_pixels]])
        n = len(drawn)
        for a in range(n):
            for b in range(a + 1, n):
                distances = (drawn[a][:, None] - drawn[b][None]).norm(dim=2)  # (P, P, D) -> (P, P)
                gaps = (hinge - distances).clamp(min=0).square()
                total = total + gaps.mean() / (n * (n - 1) / 2)
    return total / len(embeddings)


def _instances(numbers: Tensor) -> list[int]:
    return [number for number in torch.unique(numbers).tolist() if number > 0]
