"""Veins: lines on leaves that are no borders between them."""

import torch
from torch import Tensor

from leafwise.training.chance import between

# lengths in units of the square root of a leaf's area
RIB = (0.01, 0.05)  # half the width of a midrib
BRANCH = (0.2, 0.6)  # of that: half the width of its branches
SPACING = (0.1, 0.4)  # from branch to branch, along the midrib
STRENGTH = (-0.3, 0.6)  # how much brighter a midrib is than its leaf
FAINTER = (0.0, 0.7)  # strength of the branches, of the midrib's


def draw_veins(image: Tensor, labels: Tensor) -> Tensor:
    """The leaves of a view with veins of one random kind: float (3, s, s) in [0, 1], int (s, s) -> float (3, s, s).

    Where leaves of the training photos show no midrib, a network takes the two halves of one that does for two leaves.
    A midrib runs through its leaf's middle, away from the plant's, with branches at half a right angle to both sides.
    """
    objects = labels > 0
    if not objects.any():
        return image
    flat, places = labels.flatten(), torch.arange(len(labels), device=labels.device, dtype=torch.float32)
    rows, cols = places[:, None].expand_as(labels), places[None].expand_as(labels)
    areas = torch.bincount(flat).clamp(min=1)
    middles = [torch.bincount(flat, line.flatten()).float() / areas for line in (rows, cols)]
    away = torch.stack([of - line[objects].mean() for of, line in zip(middles, (rows, cols), strict=True)])
    down, right = (away / torch.linalg.vector_norm(away, dim=0).clamp(min=1e-6))[:, labels]
    y, x = rows - middles[0][labels], cols - middles[1][labels]
    unit = areas.sqrt()[labels]
    along, across = (y * down + x * right) / unit, ((y * right - x * down) / unit).abs()

    rib, spacing = between(*RIB), between(*SPACING)
    steps = (along - across) / spacing
    to_branch = (steps - steps.round()).abs() * spacing / 2**0.5
    lines = _line(rib - across, unit)
    branches = between(*FAINTER) * _line(rib * between(*BRANCH) - to_branch, unit)
    return (image * (1 + between(*STRENGTH) * torch.maximum(lines, branches) * objects)).clamp(0, 1)


def _line(inside: Tensor, unit: Tensor) -> Tensor:
    """How much of each pixel is in a line, from how far it is inside (negative: outside): (s, s) -> (s, s)."""
    return (inside * unit + 0.5).clamp(0, 1)
