"""How much each pixel counts in its instance's mean (paper, section 3.1.2)."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from leafwise.losses.instances import boundary_of, instance_numbers, pixels_of_instances

CENTER_SHARE = 0.1  # of the instance's pixels; the authors' own runs
EXTREME_SHARE = 0.025
BORDER_WEIGHT = 10.0  # w_0 of Ronneberger et al. 2015
BORDER_SIGMA = 5.0  # pixels
BORDER_REACH = 15  # pixels, 3 sigma


def pixel_weights(
    labels: Tensor, kind: Literal["uniform", "key_points", "border"], *, background: bool
) -> Tensor | None:
    """Weight (w_i) of each pixel, at least 1: integer labels (B, h, w) -> float32 (B, h, w), or None for uniform.

    Args:
        labels: 0 = background, instances 1..n, gaps allowed.
        kind: one of
            "uniform": all pixels count the same, None is returned;
            "key_points": the pixel nearest the instance's centroid counts as 10 % of the instance's pixels, its
                topmost, bottommost, leftmost and rightmost pixel as 2.5 % each, as in the authors' own runs (the paper
                speaks of corners); of several such pixels the one further up, then further left; a pixel that is
                two of them has the larger weight;
            "border": 1 + w_0 exp(-d^2 / (2 sigma^2)), d the chessboard distance to the instance's boundary, as far
                as 3 sigma: what section 8 proposes after Ronneberger et al. 2015, who have w_0 = 10, sigma = 5.
        background: whether the background is one more instance; pixels of no instance have weight 1.
    """
    if kind == "uniform":
        return None
    return _KINDS[kind](labels, pixels_of_instances(labels, background=background))


def _key_points(labels: Tensor, inside: Tensor) -> Tensor:
    numbers, n_numbers = instance_numbers(labels)
    numbers, n_numbers = numbers[inside], len(labels) * n_numbers  # (m,)
    _, row, column = inside.nonzero(as_tuple=True)
    height, width = labels.shape[1:]
    sizes = torch.bincount(numbers, minlength=n_numbers)

    def from_mean(positions: Tensor) -> Tensor:
        """In 1 / size pixels: whole numbers, so that equal distances are equal; int64 is enough to 1,290 x 1,290."""
        sums = torch.zeros_like(sizes).scatter_add_(0, numbers, positions)
        return positions * sizes[numbers] - sums[numbers]

    def is_smallest(values: Tensor) -> Tensor:
        """The pixels of each instance with its smallest value: int64 (m,) -> bool (m,)."""
        largest = torch.full_like(sizes, torch.iinfo(torch.int64).max)
        return values == largest.scatter_reduce(0, numbers, values, "amin")[numbers]

    from_center = from_mean(row).square() + from_mean(column).square()
    # no pixel shares its place in these orders with another
    downward, upward = row * width + column, -row * width + column
    rightward, leftward = column * height + row, -column * height + row
    size = sizes[numbers].float()
    weights = torch.ones_like(size)
    for order in (downward, upward, rightward, leftward):
        weights = torch.where(is_smallest(order), (EXTREME_SHARE * size).clamp(min=1), weights)
    others = row.new_tensor(height * width)
    center = is_smallest(torch.where(is_smallest(from_center), downward, others))
    weights = torch.where(center, (CENTER_SHARE * size).clamp(min=1), weights)
    return torch.ones(labels.shape, device=labels.device).masked_scatter_(inside, weights)


def _border(labels: Tensor, inside: Tensor) -> Tensor:
    # steps of a king from another instance's boundary pass this one's first: its own is always the nearest
    reached = boundary_of(labels)
    distance = torch.zeros(labels.shape, device=labels.device)
    for _ in range(BORDER_REACH):
        distance += ~reached
        reached = _grown(reached)
    raised = BORDER_WEIGHT * torch.exp(-distance.square() / (2 * BORDER_SIGMA**2))
    return 1 + raised * (reached & inside)


def _grown(mask: Tensor) -> Tensor:
    """A mask and the 8-neighbours of its pixels, bool (B, h, w): 3 x 3 max-pooling, 30 times faster on bools."""
    wide = mask.clone()
    wide[:, :, 1:] |= mask[:, :, :-1]
    wide[:, :, :-1] |= mask[:, :, 1:]
    grown = wide.clone()
    grown[:, 1:] |= wide[:, :-1]
    grown[:, :-1] |= wide[:, 1:]
    return grown


_KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"key_points": _key_points, "border": _border}
