"""Other cameras: views a little blurred, noisy, lit from a side, of another tone curve."""

import math

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from leafwise.training.chance import between, happens
from leafwise.training.views import pixel_places

BLUR = (0.3, 1.5)  # standard deviation, pixels
NOISE = (0.0, 0.06)  # standard deviation, of white
SHADOW = (0.0, 0.4)  # brightness that one side of a view loses and the other gains
GAMMA = (0.6, 1.6)  # of the tone curve
EACH = 0.5  # chance of each of the four


def change_camera(image: Tensor) -> Tensor:
    """A view as another camera and lamp might have taken it: float (3, s, s) in [0, 1] -> the same."""
    if happens(EACH):
        angle, depth = between(0, 2 * math.pi), between(*SHADOW)
        rows, cols = pixel_places(image.shape[-1])
        slope = math.sin(angle) * (rows - 0.5) + math.cos(angle) * (cols - 0.5)
        image = image * (1 + depth * slope.to(image) * 2)
    if happens(EACH):
        image = image.clamp(0, 1) ** between(*GAMMA)
    if happens(EACH):
        image = gaussian_blur(image, [7, 7], [between(*BLUR)])
    if happens(EACH):
        image = image + between(*NOISE) * torch.randn(image.shape).to(image)
    return image.clamp(0, 1)
