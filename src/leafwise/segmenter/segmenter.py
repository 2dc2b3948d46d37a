"""Segmenter: a model and its settings, ready for photos."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from leafwise.config import SegmentSettings
from leafwise.errors import ImageError, ModelError
from leafwise.imaging import as_seen, cut_square, turn, turn_back, whole_square
from leafwise.models import Model, load_model
from leafwise.segmenter.leaves import Segmentation, find_leaves
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.tiles import look_tiles
from leafwise.segmenter.views import (
    FoundPlants,
    PlantView,
    find_plants,
    is_near_enough,
    look_sizes,
    own_part,
    scaled_square,
    shows_all,
    tile_photo,
)

DEFAULT_MODEL = "rosette"
TURNS = (
    0,
    2,
    5,
    7,
    1,
    4,
    3,
)  # of `imaging.turn`, in which a plant is seen: as it is, upside down, mirrored ...
BATCH = 8  # squares through the network at a time: bounds the memory of a tray
SMALLEST_SIDE = 16  # pixels; nothing can be seen in less


class Segmenter:
    """Finds the leaves of photos in two looks: the whole photo for the plants, then each plant's square."""

    def __init__(self, model: Model, settings: SegmentSettings | None = None) -> None:
        """`settings` are the model's own where none are given. Raises ModelError for a step that it cannot take."""
        self.model = model
        self.settings = settings or model.card.segment
        if "cluster_net" in self.settings.pipeline.refinements and model.cluster_network is None:
            raise ModelError(
                f"{model.folder}: has no ClusterNet for the pipeline {self.settings.pipeline.steps}; "
                "leave cluster_net out of it, or train one: leafwise train-cluster-net"
            )
        if self.settings.looks.tile_side > 0 and not model.card.net.foreground_head:
            raise ModelError(
                f"{model.folder}: knows no foreground, so it has one look at the whole photo; set looks.tile_side=0"
            )

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path = DEFAULT_MODEL, *, threads: int = 0) -> Self:
        """A segmenter of a shipped model or a model folder; `threads` for its network, 0 for one a core.

        Raises ModelError where there is no such model, or it is damaged.
        """
        return cls(load_model(name_or_path, threads=threads))

    def segment(self, image: NDArray[np.uint8]) -> Segmentation:
        """The leaves of a photo uint8 RGB (H, W, 3). Raises ImageError for any other array."""
        check_photo(image)
        height, width = image.shape[:2]
        return find_leaves(self.look_on(image), height, width, self.settings, self.model.cluster_network)

    def look(self, images: Sequence[NDArray[np.uint8]]) -> list[list[SeenPlant]]:
        """Both looks at some photos uint8 (H, W, 3), pooled into batches: each photo's plants.

        A plant's `looks.turns` follow each other; the first is the plant as it is.
        """
        images = [as_seen(image, self.settings.looks) for image in images]
        views = [self._first_look(image) for image in images]
        pairs = [(image, view) for image, found in zip(images, views, strict=True) for view in found]
        seen = self._second_look(pairs)
        turns = self.settings.looks.turns
        return [[next(seen) for _ in range(turns * len(found))] for found in views]

    def look_on(self, image: NDArray[np.uint8]) -> Iterator[SeenPlant]:
        """Both looks at one photo uint8 (H, W, 3), its plants as they are asked for: a large one may have many."""
        image = as_seen(image, self.settings.looks)
        return self._second_look([(image, view) for view in self._first_look(image)])

    def _second_look(self, pairs: Sequence[tuple[NDArray[np.uint8], PlantView]]) -> Iterator[SeenPlant]:
        """What the network says of each view of a photo, turn by turn."""
        looks = self.settings.looks
        todo = [(image, view, number) for image, view in pairs for number in TURNS[: looks.turns]]
        for start in range(0, len(todo), BATCH):
            chunk = todo[start : start + BATCH]
            squares = [
                turn(cut_square(image, view.square, looks.input_size), number)
                for image, view, number in chunk
            ]
            embeddings, foreground = self.model.embed(np.stack(squares))
            for i, (_, view, number) in enumerate(chunk):
                yield _own(view, number, embeddings[i], None if foreground is None else foreground[i])

    def _first_look(self, image: NDArray[np.uint8]) -> list[PlantView]:
        """Where the plants are: at a glance, where it shows all; else in a look, or more from nearer and nearer."""
        looks = self.settings.looks
        height, width = image.shape[:2]
        whole = whole_square(height, width)
        if not self.model.card.net.foreground_head:  # nothing says where the plant is: one look at the photo
            grid = looks.input_size // self.model.card.stride
            return [PlantView(whole, np.ones((grid, grid), bool))]
        if looks.in_tiles:
            return tile_photo(height, width, looks.tile_side)
        sizes = look_sizes(whole, looks)
        if 0 < looks.glance_size < sizes[0]:
            found = self._find_plants(image, looks.glance_size)
            if shows_all(found, whole):
                return found.views
        views: list[PlantView] = []
        was_near = False
        for size in sizes:
            found = self._find_plants(image, size)
            views = found.views or views
            is_near = is_near_enough(views, whole, size, looks)
            if was_near or (is_near and found.n_doubted == 0):
                break
            was_near = is_near  # once more from nearer: what is in doubt may be a plant that was too small
        return views

    def _find_plants(self, image: NDArray[np.uint8], size: int) -> FoundPlants:
        """What a look at the whole photo finds, with `size` pixels a side."""
        looks = self.settings.looks
        height, width = image.shape[:2]
        return find_plants(
            self._foreground(image, size),
            height,
            width,
            looks,
            zoom=size / looks.first_size,
            threshold=self.settings.clustering.foreground_threshold,
        )

    def _foreground(self, image: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        """The foreground's probability (h, w) over a photo's whole square, looked at with `size` pixels a side.

        Past `looks.first_size`, in tiles: a foreground, unlike embeddings, may be put together from several looks.
        """
        whole, stride = whole_square(*image.shape[:2]), self.model.card.stride
        side = min(size, self.settings.looks.first_size)
        foreground = np.zeros((size // stride, size // stride), np.float32)
        for tile, core in look_tiles(size, side):
            square = scaled_square(tile, whole, size)
            rows, cols = square.inside(*image.shape[:2])
            if rows.start >= rows.stop or cols.start >= cols.stop:
                continue  # beyond a photo that is not square
            seen = self.model.embed(cut_square(image, square, side)[None]).foreground
            assert seen is not None  # noqa: S101 the card says so, and loading held it to that
            down, across = (slice(part.start // stride, part.stop // stride) for part in core)
            top, left = tile.top // stride, tile.left // stride
            part = seen[0, down.start - top : down.stop - top, across.start - left : across.stop - left]
            foreground[down, across] = part
        return foreground


def _own(
    view: PlantView, number: int, embeddings: NDArray[np.float32], foreground: NDArray[np.float32] | None
) -> SeenPlant:
    """What the network said of a square that was turned, turned back, less the foreground that is another plant's."""
    embeddings = np.ascontiguousarray(turn_back(embeddings, number, (1, 2)))
    if foreground is not None:
        foreground = turn_back(foreground, number) * own_part(view, len(foreground))
    return SeenPlant(view.square, embeddings, foreground, view.plant)


def check_photo(image: NDArray[np.uint8]) -> None:
    """Raise ImageError where an array is no photo: uint8 (H, W, 3), at least 16 pixels a side."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"a photo is uint8 RGB of shape (H, W, 3), this array is {image.dtype} {image.shape}; "
            "leafwise.read_image reads files of any kind as such"
        )
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise ImageError(
            f"the photo has only {image.shape[1]} x {image.shape[0]} pixels, too few to see a leaf; "
            f"give one of at least {SMALLEST_SIDE} x {SMALLEST_SIDE}"
        )


@lru_cache(maxsize=1)
def _default_segmenter() -> Segmenter:
    return Segmenter.from_pretrained(DEFAULT_MODEL)


def segment(image: NDArray[np.uint8]) -> Segmentation:
    """The leaves of a photo uint8 RGB (H, W, 3), by the shipped model `rosette`, which is loaded once.

    Raises ImageError for any other array.
    """
    return _default_segmenter().segment(image)
