"""Random changes of colour, for a whole batch at once and on its device."""

import math

import torch
from torch import Tensor

from leafwise.config import AugmentSettings

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue are to the eye (ITU-R BT.601)


def jitter_colors(images: Tensor, settings: AugmentSettings) -> Tensor:
    """Change brightness, contrast, saturation and hue, each image by its own chance: float (B, 3, h, w) in [0, 1].

    Brightness, contrast and saturation are torchvision's, the hue turns about the axis of greys. All four together are
    one matrix and one offset for an image, so a batch costs a matrix product; colours are cut to [0, 1] at the end
    alone.
    """
    color, hue = settings.color, settings.hue
    changes = 1 + color * (2 * torch.rand(3, len(images), 1, 1) - 1)
    angles = 2 * math.pi * hue * (2 * torch.rand(len(images)) - 1)
    brightness, contrast, saturation = changes.to(images.device)
    luma = images.new_tensor(LUMA)
    # bfloat16 has no more than 256 steps of brightness
    with torch.autocast(images.device.type, enabled=False):
        to_grey = luma.expand(3, 3)
        saturate = saturation * torch.eye(3, device=images.device) + (1 - saturation) * to_grey  # (B, 3, 3)
        mix = brightness * contrast * (_turns(angles).to(images.device) @ saturate)
        means = (images.mean((2, 3)) @ luma)[:, None, None]
        offset = brightness * (1 - contrast) * means
        return torch.baddbmm(offset, mix, images.flatten(2)).clamp(0, 1).view_as(images)


def _turns(angles: Tensor) -> Tensor:
    """Rotations about the axis of greys, radians (B,) -> (B, 3, 3); a third of a circle takes red to green."""
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    return cos * torch.eye(3) + (1 - cos) / 3 + sin * across
