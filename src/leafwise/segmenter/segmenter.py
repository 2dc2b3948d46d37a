"""Segmenter: a model and its settings, ready for photos."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from leafwise.config import SegmentSettings
from leafwise.errors import ImageError, ModelError
from leafwise.imaging import cut_square, whole_square
from leafwise.models import Model, load_model
from leafwise.segmenter.leaves import Segmentation, find_leaves
from leafwise.segmenter.seen import SeenPlant
from leafwise.segmenter.views import PlantView, find_plants, own_part

DEFAULT_MODEL = "rosette"
BATCH = 8  # squares through the network at a time: bounds the memory of a tray
Embedding = tuple[NDArray[np.float32], NDArray[np.float32] | None]  # of one square, see models.Embedded
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
        seen = self.look([image])[0]
        return find_leaves(seen, height, width, self.settings, self.model.cluster_network)

    def look(self, images: Sequence[NDArray[np.uint8]]) -> list[list[SeenPlant]]:
        """Both looks at some photos uint8 (H, W, 3), pooled into batches: each photo's plants."""
        views = self._first_look(images)
        size = self.settings.looks.input_size
        squares = [
            cut_square(image, view.square, size)
            for image, found in zip(images, views, strict=True)
            for view in found
        ]
        if not squares:
            return [[] for _ in images]
        chunks = (squares[i : i + BATCH] for i in range(0, len(squares), BATCH))
        embedded = (seen for chunk in chunks for seen in self._second_look(chunk))
        return [[_own(view, *next(embedded)) for view in found] for found in views]

    def _second_look(self, squares: Sequence[NDArray[np.uint8]]) -> Iterator[Embedding]:
        embeddings, foreground = self.model.embed(np.stack(squares))
        for i in range(len(squares)):
            yield embeddings[i], None if foreground is None else foreground[i]

    def _first_look(self, images: Sequence[NDArray[np.uint8]]) -> list[list[PlantView]]:
        looks = self.settings.looks
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        wholes = [whole_square(height, width) for height, width in sizes]
        if not self.model.card.net.foreground_head:  # nothing says where the plant is: one look at the photo
            grid = looks.input_size // self.model.card.stride
            return [[PlantView(whole, np.ones((grid, grid), bool))] for whole in wholes]
        threshold = self.settings.clustering.foreground_threshold
        views = []
        for image, whole, (height, width) in zip(images, wholes, sizes, strict=True):
            size = min(max(whole.side // 32 * 32, looks.input_size), looks.first_size)
            chance = self.model.embed(cut_square(image, whole, size)[None]).foreground
            assert chance is not None  # noqa: S101 the card says so, and loading held it to that
            views.append(find_plants(chance[0] > threshold, height, width, looks))
        return views


def _own(
    view: PlantView, embeddings: NDArray[np.float32], foreground: NDArray[np.float32] | None
) -> SeenPlant:
    """What the network said of a square, less the foreground that is another plant's."""
    if foreground is not None:
        foreground = foreground * own_part(view, len(foreground))
    return SeenPlant(view.square, embeddings, foreground)


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
