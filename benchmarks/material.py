"""What is measured on: photos with their label maps, and what the network says of them."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.processes import leafwise_command
from leafwise.datasets import Pair, read_dataset, read_folds
from leafwise.imaging import compact_labels, cut_labels, read_image, read_labels
from leafwise.segmenter import SeenPlant, Segmenter

DRAWN, DRAWN_QUICK = 40, 8  # synthetic plants, where there are no photos
EMBEDDING_SIZE = 16


@dataclass(frozen=True)
class Sample:
    """A photo and its label map, and the model that is to look at it."""

    pair: Pair
    model: str
    fold: int


@dataclass(frozen=True)
class Material:
    """What all stages share."""

    samples: tuple[Sample, ...]
    model: str  # a shipped one's name or a folder; of everything but scores under --crossval
    scratch: Path  # a folder for files, removed in the end
    count: int  # photos that are scored
    quick: bool = False
    is_drawn: bool = False  # the photos are synthetic
    is_held_out: bool = False  # each sample's model never saw it

    def few(self, quick: int, full: int) -> tuple[Sample, ...]:
        """The first samples, fewer where it is to be quick."""
        return self.samples[: quick if self.quick else full]

    def photos(self, count: int) -> list[Path]:
        """The files of the first photos."""
        return [sample.pair.image for sample in self.samples[:count]]


@dataclass(frozen=True)
class Seen:
    """The largest plant of a photo as the network sees it, with its true leaves on the network's grid."""

    plant: SeenPlant
    truth: NDArray[np.int32]  # (h, w), 0 = background, 1..n without gaps


def make_material(
    scratch: Path,
    *,
    photos: Path | None,
    model: str,
    quick: bool,
    count: int | None,
    crossval: Path | None,
) -> Material:
    """The photos of a data set, or as many synthetic plants. Raises LeafwiseError where a folder is not one."""
    folder = photos or _draw(scratch / "drawn", DRAWN_QUICK if quick else DRAWN)
    pairs = [pair for pair in read_dataset(folder) if pair.image.exists() and pair.labels.exists()]
    if crossval is None:
        samples = tuple(Sample(pair, model, place % 4 + 1) for place, pair in enumerate(pairs))
    else:
        folds = read_folds(crossval / "folds.json", pairs)
        held_out = [
            [Sample(pair, str(crossval / f"fold{fold}" / "model"), fold) for pair in split.validation]
            for fold, split in enumerate(folds.splits, 1)
        ]
        samples = tuple(_in_turn([fold for fold in held_out if Path(fold[0].model).is_dir()]))
    return Material(
        samples,
        model,
        scratch,
        count=count or (3 if quick else 12),
        quick=quick,
        is_drawn=photos is None,
        is_held_out=crossval is not None,
    )


def see(samples: Sequence[Sample], *, input_size: int | None = None) -> list[Seen]:
    """The second look's embeddings of photos, at the model's own size or another."""
    return [found for sample in samples if (found := _see(sample, input_size)) is not None]


@lru_cache(maxsize=4)
def segmenter_of(model: str) -> Segmenter:
    """A model, loaded once."""
    return Segmenter.from_pretrained(model)


def with_input_size(segmenter: Segmenter, size: int) -> Segmenter:
    """The same network on squares of another size."""
    settings = segmenter.settings
    looks = replace(settings.looks, input_size=size, first_size=max(size, settings.looks.first_size))
    return Segmenter(segmenter.model, replace(settings, looks=looks))


@lru_cache(maxsize=256)
def _see(sample: Sample, input_size: int | None) -> Seen | None:
    segmenter = segmenter_of(sample.model)
    if input_size is not None:
        segmenter = with_input_size(segmenter, input_size)
    plants = [plant for plant in segmenter.look(read_image(sample.pair.image)) if plant.turn == 0]
    if not plants:
        return None
    plant = max(plants, key=lambda one: one.square.side)
    truth = cut_labels(read_labels(sample.pair.labels), plant.square, plant.embeddings.shape[1])
    return Seen(plant, compact_labels(truth)[0])


def draw_embeddings(
    n_instances: int, *, side: int, noise: float = 0.15
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Embeddings (D, side, side) of touching rectangles as a network that has learned the loss gives them.

    Centers lie far apart, pixels near their own; and the labels 1..n, int32 (side, side).
    """
    rng = np.random.default_rng(0)
    labels = rectangles(n_instances, side)
    centers = rng.normal(0, 2, (n_instances + 1, EMBEDDING_SIZE))
    embeddings = centers[labels] + rng.normal(0, noise, (side, side, EMBEDDING_SIZE))
    return np.ascontiguousarray(embeddings.transpose(2, 0, 1), np.float32), labels


def rectangles(count: int, side: int) -> NDArray[np.int32]:
    """`count` touching rectangles of equal area, nearly: int32 (side, side), 1..count."""
    rows = next(n for n in range(int(count**0.5), 0, -1) if count % n == 0)
    down, right = np.arange(side) * rows // side, np.arange(side) * (count // rows) // side
    return np.asarray(1 + down[:, None] * (count // rows) + right, np.int32)


def _draw(folder: Path, count: int) -> Path:
    command = [leafwise_command(), "synth", "--out", str(folder), "--count", str(count)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def _in_turn(folds: Sequence[Sequence[Sample]]) -> list[Sample]:
    """The first of each fold, then the second of each, and so on."""
    longest = max(map(len, folds), default=0)
    return [fold[place] for place in range(longest) for fold in folds if place < len(fold)]
