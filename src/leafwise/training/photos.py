"""Training photos as torch data sets: decoded once, kept in memory, seen in random views."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from leafwise.config import RunSettings
from leafwise.datasets import Pair
from leafwise.datasets.synthetic import draw_plant
from leafwise.errors import DatasetError
from leafwise.imaging import (
    Square,
    as_seen,
    compact_labels,
    read_image,
    read_labels,
    square_around,
    tile_around,
)
from leafwise.training.backgrounds import change_background
from leafwise.training.camera import change_camera
from leafwise.training.chance import chance, happens
from leafwise.training.distractors import lay_distractors
from leafwise.training.overlaps import lay_leaves
from leafwise.training.veins import draw_veins
from leafwise.training.views import (
    View,
    paper_views,
    part_in_view,
    random_view,
    seen_from_afar,
    take_paper_view,
    take_view,
    view_of,
)

SHARPEST = 2  # photo pixels for one of the network's: finer photos are scaled down when they are read


@dataclass(frozen=True)
class Photo:
    """A photo with its truth, in memory."""

    image: NDArray[np.uint8]  # (H, W, 3)
    labels: NDArray[np.int32]  # (H, W)
    square: Square  # around its objects; of a photo that is seen in tiles, the one in their middle
    tiled: bool = False


def read_photo(pair: Pair, settings: RunSettings) -> Photo:
    """Read a pair, scaled down where it is far finer than the network's input.

    Raises ImageError, LabelMapError, and DatasetError where the two sizes differ.
    """
    image, labels = read_image(pair.image), read_labels(pair.labels)
    if image.shape[:2] != labels.shape:
        raise DatasetError(
            f"{pair.labels}: {labels.shape[1]} x {labels.shape[0]} pixels, its photo has "
            f"{image.shape[1]} x {image.shape[0]}; both must have one size"
        )
    return _photo(image, labels, settings)


def synthetic_photos(settings: RunSettings) -> list[Photo]:
    """The synthetic plants that the settings ask for, from the run's seed on."""
    first = 1_000_003 * settings.training.seed
    drawn = (draw_plant(first + i) for i in range(settings.training.synthetic_plants))
    return [_photo(image, labels, settings) for image, labels in drawn]


def _photo(image: NDArray[np.uint8], labels: NDArray[np.int32], settings: RunSettings) -> Photo:
    labels = compact_labels(labels)[0]  # the loss counts up to the largest number
    looks = settings.looks
    image = as_seen(image, looks)
    square = square_around(labels > 0, margin=looks.margin)
    side = looks.tile_side if looks.in_tiles else square.side
    scale = SHARPEST * looks.input_size / side
    if scale < 1:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = np.array(Image.fromarray(image).resize(size, Image.Resampling.BOX))  # torch wants it writable
        labels = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
        side = round(side * scale)
        square = square_around(labels > 0, margin=looks.margin)
    if looks.in_tiles:
        middle = square_around(labels > 0)
        row, col = middle.top + middle.side / 2, middle.left + middle.side / 2
        square = tile_around(row, col, side, *image.shape[:2])
    return Photo(image, labels.astype(np.int32), square, tiled=looks.in_tiles)


class Views(Dataset[tuple[Tensor, Tensor]]):
    """Views of photos: random ones to train on, or the upright square of each photo's objects.

    They are made on a device of PyTorch. Colours change later, a batch at once
    (`color_jitter`), but for the paper's and what another camera changes.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        settings: RunSettings,
        *,
        random: bool,
        device: torch.device | str = "cpu",
    ) -> None:
        self.photos = photos
        self.device = device
        self.size = settings.looks.input_size
        self.augment = settings.augment
        self.random = random and settings.augment.kind != "none"
        self.paper = paper_views(self.size, augment=self.random) if self.augment.kind == "paper" else None

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Float image (3, size, size) in [0, 1] and integer labels (size, size)."""
        photo = self.photos[index]
        if self.paper is not None:
            return take_paper_view(*self._tensors(photo.image, photo.labels), self.paper)
        if not self.random:
            return self._seen(photo, view_of(photo.square))
        height, width = photo.labels.shape
        view = random_view(photo.square, height, width, self.augment, tiled=photo.tiled)
        elsewhere = happens(self.augment.background_share)
        if elsewhere:
            view = seen_from_afar(view)
        seen, picked = self._seen(photo, view)
        if chance() < self.augment.laid_share:  # drawn at 0 too: older runs had this number
            seen, picked = lay_leaves(seen, picked, self.augment.most_laid)
        if happens(self.augment.vein_share):
            seen = draw_veins(seen, picked)
        if elsewhere:
            seen = change_background(seen, picked)
        if happens(self.augment.distractor_share):
            seen = lay_distractors(seen, picked, self.augment.most_distractors)
        if happens(self.augment.camera_share):
            seen = change_camera(seen)
        return seen, picked

    def _seen(self, photo: Photo, view: View) -> tuple[Tensor, Tensor]:
        """What a view shows of a photo; of one in tiles, which may be large, from the part about the view alone."""
        image, labels = photo.image, photo.labels
        if photo.tiled:
            rows, cols = part_in_view(view, *labels.shape)
            image, labels = image[rows, cols], labels[rows, cols]
            view = replace(view, row=view.row - rows.start, col=view.col - cols.start)
        return take_view(*self._tensors(image, labels), view, self.size)

    def _tensors(self, image: NDArray[np.uint8], labels: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        colors = torch.from_numpy(image).to(self.device).permute(2, 0, 1).float() / 255
        return colors, torch.from_numpy(labels).to(self.device)
