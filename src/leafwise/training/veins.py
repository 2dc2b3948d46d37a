"""Veins: lines on leaves that are no borders between them."""

import math

import torch
from torch import Tensor

from leafwise.training.chance import between

# lengths in units of the square root of a leaf's area
RIB = (0.01, 0.05)  # half the width of a midrib
BRANCH = (0.2, 0.6)  # of that: half the width of its branches
SPACING = (0.1, 0.4)  # from branch to branch, along the midrib
STRENGTH = (-0.3, 0.6)  # how much brighter a midrib is than its leaf
FAINTER = (0.0, 0.7)  # strength of the branches, of the midrib's
NEAR = 1.0  # pixels; a leaf nearer to the plant's middle grows in any direction


def draw_veins(image: Tensor, labels: Tensor) -> Tensor:
    """The leaves of a view with veins of one random kind: float (3, s, s) in [0, 1], int (s, s) -> float (3, s, s).

    Where leaves of the training photos show no midrib, a network takes the two halves of one that does for two leaves.
    A midrib runs through its leaf's middle, away from that of all leaves, with branches at half a right angle to both
    sides.
    """
    objects = labels > 0
    if not objects.any():
        return image
    places = torch.arange(len(labels)).to(image)
    rows, cols = places[:, None].expand_as(labels), places[None].expand_as(labels)
    areas = torch.bincount(labels.flatten()).clamp(min=1)
    middle_row, middle_col = (
        torch.bincount(labels.flatten(), line.flatten()).to(image) / areas for line in (rows, cols)
    )
    down, right = _away(middle_row - rows[objects].mean(), middle_col - cols[objects].mean())
    down, right, unit = down[labels], right[labels], areas.sqrt()[labels]
    y, x = (rows - middle_row[labels]) / unit, (cols - middle_col[labels]) / unit
    along, across = y * down + x * right, (y * right - x * down).abs()

    rib, spacing = between(*RIB), between(*SPACING)
    steps = (along - across) / spacing
    to_branch = (steps - steps.round()).abs() * spacing / math.sqrt(2)
    midrib = _cover(across, rib, unit)
    branches = between(*FAINTER) * _cover(to_branch, rib * between(*BRANCH), unit)
    return (image * (1 + between(*STRENGTH) * torch.maximum(midrib, branches) * objects)).clamp(0, 1)


def _away(down: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Directions of vectors (k,) and (k,) as unit vectors; any one where they are too short to have one."""
    lengths, angle = torch.hypot(down, right), between(0, 2 * math.pi)
    down = torch.where(lengths > NEAR, down / lengths, math.sin(angle))
    return down, torch.where(lengths > NEAR, right / lengths, math.cos(angle))


def _cover(distances: Tensor, half: float, unit: Tensor) -> Tensor:
    """How much of each pixel a line covers, by its distance and half the width, in units of `unit` pixels: (s, s)."""
    cover = (half - distances) * unit + 0.5
    return torch.minimum(cover.clamp(min=0), (2 * half * unit).clamp(max=1))
