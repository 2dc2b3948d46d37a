"""More leaves that overlap: leaves of a view, turned about the plant's middle and laid over or under others."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from leafwise.training.chance import between, chance

SMALLEST = 0.2  # of the view's largest leaf: what is smaller is mostly hidden, and no whole leaf
SCALES = (0.7, 1.15)  # of a leaf that is laid
LIGHT = (0.85, 1.1)  # its brightness
UNDER = 0.7  # chance to lie under all other leaves instead of over them
LEAST_SEEN = 20  # pixels of a leaf that another may not cover


def lay_leaves(image: Tensor, labels: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Up to `most` leaves of a view laid on it once more: float (3, s, s) in [0, 1], int (s, s) -> the same.

    Two leaves of which one peeks out from under the other are rare in any data set, and most of what a network
    takes for one leaf. A leaf is turned about the middle of the plant, as leaves of a rosette grow, and becomes an
    instance of its own where it is seen; one that would hide another leaf is left out.
    """
    if not labels.any():
        return image, labels
    middle = (labels > 0).nonzero().float().mean(0)
    for _ in range(int(torch.randint(1, most + 1, ()))):
        image, labels = _lay(image, labels, middle)
    return image, labels


def _lay(image: Tensor, labels: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
    areas = torch.bincount(labels.flatten())
    areas[0] = 0
    whole = areas >= SMALLEST * areas.max()
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        whole[border] = False  # the view cuts it
    if not whole.any():
        return image, labels
    whole = whole.nonzero()[:, 0]
    own = labels == whole[torch.randint(len(whole), ())]
    size = labels.shape[0]
    layers = torch.cat([image * own, own[None].to(image)])  # premultiplied, so that borders stay clean
    grid = F.affine_grid(_turn(middle, size).to(image)[None], [1, 4, size, size], align_corners=False)
    *colors, cover = F.grid_sample(layers[None], grid, align_corners=False)[0]
    if chance() < UNDER:
        free = (labels == 0).to(image)
        colors, cover = [color * free for color in colors], cover * free
    seen = cover > 0.5
    laid = torch.where(seen, int(labels.max()) + 1, labels)
    left = torch.bincount(laid.flatten(), minlength=len(areas) + 1)
    if (left[1:] < LEAST_SEEN).logical_and(F.pad(areas, (0, 1), value=size**2)[1:] >= LEAST_SEEN).any():
        return image, labels
    return (image * (1 - cover) + between(*LIGHT) * torch.stack(colors)).clamp(0, 1), laid


def _turn(middle: Tensor, size: int) -> Tensor:
    """A random turn and scale about a place (row, column) of a view, as `affine_grid` has it, (2, 3)."""
    angle, scale = between(0, 2 * math.pi), between(*SCALES)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    y, x = ((2 * place + 1) / size - 1 for place in middle.tolist())
    return torch.tensor([[cos, sin, x - cos * x - sin * y], [-sin, cos, y + sin * x - cos * y]])
