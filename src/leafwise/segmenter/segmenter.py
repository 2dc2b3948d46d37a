"""Segmenter: a model and its settings, ready for photos."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
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
    look_sizes,
    nearer_size,
    nearness,
    own_part,
    scaled_square,
    shows_all,
    tile_photo,
)
from leafwise.segmenter.votes import agree

DEFAULT_MODEL = "rosette"
TURNS = (0, 2, 5, 7, 1, 4, 3)  # of `imaging.turn`: as it is, upside down, mirrored along its diagonals ...
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
        seen = self.look_at(image, self.find(image))
        return find_leaves(seen, height, width, self.settings, self.model.cluster_network)

    def find(self, image: NDArray[np.uint8]) -> list[PlantView]:
        """The first look at a photo uint8 (H, W, 3): where its plants are, in one view each or in several.

        At a glance, where it shows all; else in a nearer look, or more from nearer and nearer.
        """
        looks = self.settings.looks
        image = as_seen(image, looks)
        height, width = image.shape[:2]
        whole = whole_square(height, width)
        if not self.model.card.net.foreground_head:  # nothing says where the plant is: one look at the photo
            grid = looks.input_size // self.model.card.stride
            return [PlantView(whole, np.ones((grid, grid), bool))]
        if looks.in_tiles:
            return tile_photo(height, width, looks.tile_side)
        size, nearest = look_sizes(whole, looks)
        if 0 < looks.glance_size < size:
            found = self._find_plants(image, looks.glance_size)
            if shows_all(found, whole):
                return found.views
        views: list[PlantView] = []
        was_near = False
        while True:
            found = self._find_plants(image, size)
            views = found.views or views
            near = nearness(views, whole, size, looks)
            if size == nearest or was_near or (near >= 1 and found.n_doubted == 0):
                return views
            if not views and size >= whole.side / 2:
                return []  # what is not seen at half the photo's sharpness is too small to have leaves
            was_near = near >= 1  # once more from nearer: what is in doubt may be a plant that was too small
            size = min(nearer_size(size, near, found.n_doubted), nearest)

    def look_at(self, image: NDArray[np.uint8], views: Sequence[PlantView]) -> Iterator[SeenPlant]:
        """The second look, at views of a photo uint8 (H, W, 3), as they are asked for: a large one may have many.

        A view's turns follow each other, the first is the view as it is. There is one where the first two agree, and
        `looks.turns` where they do not.
        """
        image, turns = as_seen(image, self.settings.looks), TURNS[: self.settings.looks.turns]
        seen = self._see(self._turned_squares(image, views, turns[:2]))
        for view in views:
            first = next(seen)
            yield first
            if len(turns) > 1 and not agree(first, second := next(seen), self.settings):
                yield second
                yield from self._see(self._turned_squares(image, [view], turns[2:]))

    def _see(self, squares: Iterable[tuple[PlantView, int, NDArray[np.uint8]]]) -> Iterator[SeenPlant]:
        """What the network says of squares (s, s, 3) of views, each with the number of its turn."""
        squares = iter(squares)
        while chunk := list(islice(squares, BATCH)):
            embeddings, foreground = self.model.embed(np.stack([square for *_, square in chunk]))
            for i, (view, number, _) in enumerate(chunk):
                yield _own(view, number, embeddings[i], None if foreground is None else foreground[i])

    def _turned_squares(
        self, image: NDArray[np.uint8], views: Sequence[PlantView], turns: Sequence[int]
    ) -> Iterator[tuple[PlantView, int, NDArray[np.uint8]]]:
        """Each view's square as the network sees it, (s, s, 3), in turn after turn, with the turn's number."""
        for view in views:
            square = cut_square(image, view.square, self.settings.looks.input_size)
            for number in turns:
                yield view, number, turn(square, number)

    def look(self, image: NDArray[np.uint8]) -> list[SeenPlant]:
        """Both looks at a photo uint8 (H, W, 3)."""
        return list(self.look_at(image, self.find(image)))

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
        foreground = np.zeros((size // stride, size // stride), np.float32)
        for tile, core in look_tiles(size, self.settings.looks.first_size):
            square = scaled_square(tile, whole, size)
            rows, cols = square.inside(*image.shape[:2])
            if rows.start >= rows.stop or cols.start >= cols.stop:
                continue  # beyond a photo that is not square
            seen = self.model.embed(cut_square(image, square, tile.side)[None]).foreground
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
    embeddings = turn_back(embeddings, number, (1, 2)).copy()  # not to keep those of the whole batch
    if foreground is not None:
        foreground = turn_back(foreground, number) * own_part(view, len(foreground))
    return SeenPlant(view.square, embeddings, foreground, view.plant, number)


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
