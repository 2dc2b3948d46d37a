"""Distractors, green things that are no plants: smooth shapes of a plant's colours, laid beside it."""

import math

import torch
from torch import Tensor

from leafwise.training.chance import between
from leafwise.training.views import pixel_places

SIZES = (0.05, 0.2)  # half the longer side, in sides of the view
CORNERS = (2.0, 5.0)  # exponent of the superellipse: from an ellipse to almost a rectangle
SHORTER = (0.4, 1.0)  # the shorter side, in longer ones
TINT = (0.7, 1.3)  # of each colour channel, against the plant's mean
SHADE = 0.4  # largest change of brightness from the middle to an end
RIM = (0.3, 1.5)  # brightness of the rim
RIM_FROM = (0.6, 1.0)  # where it begins, in radii


def lay_distractors(image: Tensor, labels: Tensor, most: int) -> Tensor:
    """Up to `most` smooth shapes laid on the background of a view: float (3, s, s) in [0, 1], int (s, s) -> float.

    In most data sets all that is green is a plant, so a network that knows one laboratory's photos takes another's
    bottles and labels for leaves. The shapes are superellipses with the mean colour of the plant's pixels, changed
    a little in each channel, shaded from end to end, with a rim. One that would cover a pixel of an object is left out.
    """
    objects = labels > 0
    if not objects.any():
        return image
    color = image[:, objects].mean(1)
    for _ in range(int(torch.randint(1, most + 1, ()))):
        radius, along = (one.to(image) for one in _shape(len(labels)))
        inside = radius < 1
        if (inside & objects).any():
            continue
        tint = color * torch.empty(3).uniform_(*TINT).to(image)
        rim = torch.where(radius > between(*RIM_FROM), between(*RIM), 1.0)
        light = (1 + between(0, SHADE) * along) * rim
        image = torch.where(inside, tint[:, None, None] * light, image)
    return image.clamp(0, 1)


def _shape(size: int) -> tuple[Tensor, Tensor]:
    """A random superellipse: each pixel's radius, 1 on the outline, and place along it, -1 to 1 inside; (s, s) each."""
    longer = between(*SIZES)
    shorter = longer * between(*SHORTER)
    angle = between(0, math.pi)
    rows, cols = pixel_places(size)
    y, x = rows - between(0, 1), cols - between(0, 1)
    along = (math.cos(angle) * x + math.sin(angle) * y) / longer
    across = (math.cos(angle) * y - math.sin(angle) * x) / shorter
    power = between(*CORNERS)
    return (along.abs() ** power + across.abs() ** power) ** (1 / power), along
