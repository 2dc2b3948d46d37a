"""Random views of a training photo: one geometry for image and labels."""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from leafwise.config import AugmentSettings
from leafwise.imaging import FILL, Square, tile_around, whole_square
from leafwise.training.chance import between, chance, happens

FAR_SHARE = 0.4  # of the views that may be from afar
FARTHEST = 3.0  # times the side of the view
GROWN = 0.7  # share of a training after which views have their full size


@dataclass(frozen=True)
class View:
    """What a network sees of a photo: a square, turned and mirrored."""

    row: float  # of the middle, pixels of the photo
    col: float
    side: float  # pixels of the photo
    angle: float = 0.0  # radians, counter-clockwise
    mirrored: bool = False


def view_of(square: Square) -> View:
    """The upright view of a square."""
    return View(square.top + square.side / 2, square.left + square.side / 2, square.side)


def random_view(
    square: Square, height: int, width: int, settings: AugmentSettings, *, tiled: bool = False
) -> View:
    """A random zoom, move, turn and flip around the square of a photo's objects.

    Of a photo that is seen in tiles, as large as `square`, one anywhere in it.
    """
    if tiled:
        row, col = (between(square.side / 2, length - square.side / 2) for length in (height, width))
        square = tile_around(row, col, square.side, height, width)
    elif chance() < settings.whole_photo_share:
        square = whole_square(height, width)
    side = square.side * between(settings.smallest_view, settings.largest_view)
    shift = settings.shift * side
    upright = view_of(square)
    return View(
        row=upright.row + between(-shift, shift),
        col=upright.col + between(-shift, shift),
        side=side,
        angle=between(0, 2 * math.pi),
        mirrored=chance() < 0.5,
    )


def seen_from_afar(view: View) -> View:
    """A view that may show its plant smaller, as in the first look at another laboratory's photo.

    It reaches beyond the photo, so it is for plants on other ground.
    """
    return replace(view, side=view.side * between(1, FARTHEST)) if happens(FAR_SHARE) else view


def part_in_view(view: View, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of a (height, width) photo that a view may show, however it is turned."""
    reach = view.side / math.sqrt(2) + 2  # and what its last pixels are interpolated from
    rows, cols = (
        slice(max(int(middle - reach), 0), min(math.ceil(middle + reach), length))
        for middle, length in ((view.row, height), (view.col, width))
    )
    return rows, cols


def pixel_places(size: int) -> tuple[Tensor, Tensor]:
    """Rows (s, 1) and columns (1, s) of the middles of a view's pixels, in sides of the view.

    >>> pixel_places(2)[1]
    tensor([[0.2500, 0.7500]])
    """
    places = (torch.arange(size) + 0.5) / size
    return places[:, None], places[None]


def take_view(image: Tensor, labels: Tensor, view: View, size: int) -> tuple[Tensor, Tensor]:
    """What a view shows: float (3, H, W) and int (H, W) -> float (3, size, size) and int (size, size).

    The image is interpolated (bilinear, after shrinking where a pixel is of several), the labels are picked (nearest);
    beyond the photo the image has the mean colour, as in `imaging.cut_square`, and the labels are 0.
    """
    height, width = labels.shape
    cos, sin = math.cos(view.angle) * view.side, math.sin(view.angle) * view.side
    flip = -1.0 if view.mirrored else 1.0
    # from the view's coordinates in [-1, 1] to the photo's, x before y as grid_sample has them
    theta = torch.tensor(
        [
            [flip * cos / width, sin / width, 2 * view.col / width - 1],
            [-flip * sin / height, cos / height, 2 * view.row / height - 1],
        ],
        device=image.device,
    )
    grid = F.affine_grid(theta[None], [1, 3, size, size], align_corners=False)
    fill = torch.tensor(FILL, device=image.device)[:, None, None] / 255
    finer = int(view.side / size + 0.01)  # a photo read at SHARPEST has 2, give or take a pixel of its side
    if finer > 1:
        image = F.interpolate(image[None], (-(-height // finer), -(-width // finer)), mode="area")[0]
    seen = F.grid_sample((image - fill)[None], grid, mode="bilinear", align_corners=False)[0] + fill
    seen = seen.clamp(0, 1)  # rounding just below 0 would be no colour, and no hue
    picked = F.grid_sample(labels[None, None].float(), grid, mode="nearest", align_corners=False)[0, 0]
    return seen, picked.long()


def size_at(progress: float, first: int, last: int) -> int:
    """Side of the views at a share of the training in [0, 1]: a multiple of 32 that grows evenly, then stays.

    Small views teach what leaves look like in a third of the time (progressive resizing, Tan and Le 2021).

    >>> [size_at(progress, 256, 448) for progress in (0, 0.3, 0.6, 0.7, 1)]
    [256, 320, 416, 448, 448]
    """
    if not 0 < first < last:
        return last
    return first + int((last - first) * min(progress / GROWN, 1)) // 32 * 32


def shrink_views(images: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Float (B, 3, h, w) and integer (B, h, w), scaled to `size` pixels a side: smoothed, and picked (nearest)."""
    if size == images.shape[-1]:
        return images, labels
    images = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
    picked = F.interpolate(labels[:, None].float(), size, mode="nearest-exact")[:, 0]
    return images, picked.to(labels.dtype)


def paper_views(size: int, *, augment: bool) -> v2.Transform:
    """The paper's views of `tv_tensors.Image` and `Mask` (section 5.1 and the authors' settings).

    The shorter side scaled to `size` and the middle cut out; where asked, each with probability 1/2: both
    flips, a turn by 0 to 90 degrees, and grey or strong colour changes.
    """
    steps: list[v2.Transform] = [v2.Resize(size, antialias=True), v2.CenterCrop(size)]
    if augment:
        colors = [v2.Grayscale(num_output_channels=3), v2.ColorJitter(1.0, 1.0, 1.0)]
        steps += [
            v2.RandomHorizontalFlip(0.5),
            v2.RandomVerticalFlip(0.5),
            v2.RandomApply([v2.RandomRotation([0, 90])], 0.5),
            v2.RandomApply([v2.RandomChoice(colors)], 0.5),
        ]
    return v2.Compose(steps)


def take_paper_view(image: Tensor, labels: Tensor, views: v2.Transform) -> tuple[Tensor, Tensor]:
    """`paper_views` on float (3, H, W) and int (H, W): image and labels go through one geometry."""
    seen, mask = views(tv_tensors.Image(image), tv_tensors.Mask(labels))
    return seen.as_subclass(Tensor), mask.as_subclass(Tensor).long()
