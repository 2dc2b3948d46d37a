"""Other ground: what lies around the plants of a view, replaced by made-up soil, gravel, cloth or table."""

import colorsys
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from leafwise.training.chance import between, chance, happens
from leafwise.training.views import pixel_places

GRAINS = (3, 12, 48, 192)  # cells a side of the noise that makes a texture, from shadows to grains
CONTRAST = (0.0, 0.4)  # of a texture's brightness, from even to coarse
SPECKLE = 0.25  # share of the noise that is of each colour channel alone
SATURATION = (0.0, 0.7)
BRIGHTNESS = (0.05, 0.95)
UNLIKE = 0.3  # least distance of the ground's colour to the plant's mean one, in RGB
TRIES = 20  # for such a colour
POT_SHARE = 0.5  # of the grounds: a pot of one texture on a table of another
POT = (0.35, 0.7)  # its radius, in sides of the view
OFF_MIDDLE = (0.0, 0.1)  # of the pot, in sides of the view
SOFT = 3  # pixels, odd: the surroundings in which an outline goes over into the ground


def change_background(image: Tensor, labels: Tensor) -> Tensor:
    """The objects of a view on other ground: float (3, s, s) in [0, 1], int (s, s) -> float (3, s, s).

    A laboratory's photos show its own soil, pots and tables, and a network that has seen no others takes another's
    for plants. The ground is noise of several grains about a colour unlike the plant's mean one (domain
    randomisation, Tobin et al. 2017). Outside the labels nothing of the old ground is left; the outermost pixels of a
    plant take some of the new one.
    """
    objects = labels > 0
    if not objects.any():
        return image
    plant = image[:, objects].mean(1)
    ground = _texture(image, plant)
    if happens(POT_SHARE):
        ground = torch.where(_disc(len(labels)).to(image.device), ground, _texture(image, plant))
    near = F.avg_pool2d(objects[None].to(image), SOFT, 1, SOFT // 2, count_include_pad=False)
    cover = near * objects
    return image * cover + ground * (1 - cover)


def _texture(image: Tensor, unlike: Tensor) -> Tensor:
    """Noise of a random colour, in the size of a view: (3, s, s), colour (3,) -> (3, s, s) in [0, 1]."""
    size = image.shape[-1]
    noise = image.new_zeros(3, size, size)
    for cells in GRAINS:
        grey, each = torch.randn(1, 1, cells, cells), torch.randn(1, 3, cells, cells)
        one = ((1 - SPECKLE) * grey + SPECKLE * each).to(image)
        noise += between(0, 1) * F.interpolate(one, size, mode="bilinear", align_corners=False)[0]
    noise -= noise.mean((1, 2), keepdim=True)
    noise *= between(*CONTRAST) / noise.std().clamp(min=1e-6)
    return (_color(unlike.cpu()).to(image)[:, None, None] * (1 + noise)).clamp(0, 1)


def _color(unlike: Tensor) -> Tensor:
    """A random colour that is not much like another: (3,) -> (3,); the last of some tries where all are."""
    color = unlike
    for _ in range(TRIES):
        color = torch.tensor(colorsys.hsv_to_rgb(chance(), between(*SATURATION), between(*BRIGHTNESS)))
        if torch.linalg.vector_norm(color - unlike) >= UNLIKE:
            break
    return color


def _disc(size: int) -> Tensor:
    """A disc about a place near the middle of a view, bool (s, s)."""
    rows, cols = pixel_places(size)
    radius, angle, off = between(*POT), between(0, 2 * math.pi), between(*OFF_MIDDLE)
    y, x = rows - 0.5 - off * math.sin(angle), cols - 0.5 - off * math.cos(angle)
    return y.square() + x.square() < radius**2
