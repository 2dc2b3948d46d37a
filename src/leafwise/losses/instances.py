"""Where the instances of a batch of label maps are: their pixels, runs and boundaries, a number for each."""

import torch
from torch import Tensor


def pixels_of_instances(labels: Tensor, *, background: bool) -> Tensor:
    """Which pixels belong to an instance: integer (B, h, w) -> bool (B, h, w); all where the background is one."""
    return torch.ones_like(labels, dtype=torch.bool) if background else labels > 0


def instance_numbers(labels: Tensor) -> tuple[Tensor, int]:
    """Instances numbered through the whole batch, and how many numbers each image has.

    Integer (B, h, w) -> int64 (B, h, w); label c of image b becomes b * n + c, n being the largest label + 1.

    >>> instance_numbers(torch.tensor([[[0, 2]], [[1, 0]]]))
    (tensor([[[0, 2]],
    <BLANKLINE>
            [[4, 3]]]), 3)
    """
    n_numbers = int(labels.max()) + 1 if labels.numel() else 1
    first = n_numbers * torch.arange(len(labels), device=labels.device)
    return first[:, None, None] + labels, n_numbers


def runs_of(labels: Tensor) -> Tensor:
    """First pixel of each run of one label along a row, among all pixels of a batch: (B, h, w) -> int64 (r,), rising.

    >>> runs_of(torch.tensor([[[0, 0, 2], [2, 2, 2]]]))
    tensor([0, 2, 3])
    """
    starts = torch.ones_like(labels, dtype=torch.bool)
    starts[:, :, 1:] = labels[:, :, 1:] != labels[:, :, :-1]
    return starts.flatten().nonzero()[:, 0]


def boundary_of(labels: Tensor) -> Tensor:
    """Pixels with an 8-neighbour of another label (paper, section 3.1.1): integer (B, h, w) -> bool (B, h, w).

    The background is a label like any other; what lies outside the image is none.

    >>> boundary_of(torch.tensor([[[0, 0, 0, 0], [0, 0, 0, 0], [5, 5, 0, 0]]])).int()
    tensor([[[0, 0, 0, 0],
             [1, 1, 1, 0],
             [1, 1, 1, 0]]], dtype=torch.int32)
    """
    found = torch.zeros_like(labels, dtype=torch.bool)
    most, rest, every = slice(None, -1), slice(1, None), slice(None)
    for here, there in (
        ((every, every, most), (every, every, rest)),  # right
        ((every, most, every), (every, rest, every)),  # down
        ((every, most, most), (every, rest, rest)),  # down right
        ((every, most, rest), (every, rest, most)),  # down left
    ):
        differs = labels[here] != labels[there]
        found[here] |= differs
        found[there] |= differs
    return found
