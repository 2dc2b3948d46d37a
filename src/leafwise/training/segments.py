"""ClusterNet's training set: likelihood images of segments, and the mask that each should give (paper, section 5.2)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from leafwise.clustering import CLUSTERINGS
from leafwise.config import ClusterNetSettings
from leafwise.imaging import compact_labels, cut_labels, cut_square, whole_square
from leafwise.metrics import contingency_table
from leafwise.models import Model
from leafwise.refine import segment_likelihood
from leafwise.training.photos import Photo

SHARPNESS = 8  # of the likelihood, as a power of it: what is not close to the segment counts for nothing


class Segments(NamedTuple):
    """Segments of one photo or of many, on the network's grid."""

    likelihood: NDArray[np.float16]  # (n, h, w) in [0, 1]; half the memory, and finer than the net needs
    masks: NDArray[np.bool_]  # (n, h, w), empty for a ghost


def make_segments(
    photos: Sequence[Photo],
    model: Model,
    settings: ClusterNetSettings,
    on_photo: Callable[[], None] = lambda: None,
) -> Segments:
    """The segments of photos as a model's embeddings show them, all of one size.

    With `settings.means` "leaves" each true leaf is a segment, by its true mean, as in the paper. With "clusters"
    the segments are those that the model's own clustering finds, ghosts and, where it is a segment of its own,
    the background included, as the paper's further work asks (section 9); "both" has both.

    With a `settings.window` only that square around each segment is kept: the network is the same everywhere in an
    image, and most of an image says nothing of a segment.
    """
    parts = []
    for photo in photos:
        parts += [_windows(part, settings.window) for part in _segments_of(photo, model, settings.means)]
        on_photo()
    return Segments(*(np.concatenate(kind) for kind in zip(*parts, strict=True)))


def _segments_of(photo: Photo, model: Model, means: str) -> list[Segments]:
    card = model.card
    square = photo.square if card.net.foreground_head else whole_square(*photo.labels.shape)
    embedded = model.embed(cut_square(photo.image, square, card.looks.input_size)[None])
    embeddings, inside = embedded.embeddings[0], None
    if embedded.foreground is not None:
        inside = embedded.foreground[0] > card.clustering.foreground_threshold
    truth = cut_labels(photo.labels, square, embeddings.shape[1])
    found = []
    if means in ("leaves", "both"):
        labels = compact_labels(truth if inside is None else truth * inside)[0]
        likelihood = segment_likelihood(embeddings, labels, inside)
        leaves = likelihood if inside is not None else likelihood[1:]  # the paper trains on leaves alone
        found.append(Segments(leaves.astype(np.float16), labels == _numbers(1, len(leaves))))
    if means in ("clusters", "both"):
        labels = CLUSTERINGS[card.pipeline.clustering](embeddings, inside, card.clustering)
        likelihood = segment_likelihood(embeddings, labels, inside)
        owners = owners_of(labels, truth)
        owners = owners[len(owners) - len(likelihood) :]  # without the background where it is no segment
        found.append(Segments(likelihood.astype(np.float16), truth == owners[:, None, None]))
    return found


def _windows(segments: Segments, side: int) -> Segments:
    """A square of each segment's images around where its likelihood is high, moved as far as the edges ask."""
    height, width = segments.masks.shape[1:]
    if side == 0 or side >= min(height, width):
        return segments
    likelihood, masks = np.empty((0, side, side), np.float16), np.empty((0, side, side), np.bool_)
    corners = [_corner(image, side) for image in segments.likelihood]
    if corners:
        windows = [(slice(top, top + side), slice(left, left + side)) for top, left in corners]
        likelihood = np.stack([image[w] for image, w in zip(segments.likelihood, windows, strict=True)])
        masks = np.stack([mask[w] for mask, w in zip(segments.masks, windows, strict=True)])
    return Segments(likelihood, masks)


def _corner(likelihood: NDArray[np.float16], side: int) -> tuple[int, int]:
    """The upper left corner of a segment's window: its middle where the likelihood (h, w) is high."""
    weights = likelihood.astype(np.float32) ** SHARPNESS
    if not weights.any():  # of two pixels, each is the farthest from their mean
        weights += 1
    height, width = weights.shape
    row, col = (
        float(np.average(np.arange(len(line)), weights=line)) for line in (weights.sum(1), weights.sum(0))
    )
    return int(np.clip(row - side / 2, 0, height - side)), int(np.clip(col - side / 2, 0, width - side))


def owners_of(labels: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """The true leaf that each segment stands for, int32 (n + 1,); -1 for a ghost, [0] = 0 for the background.

    A segment stands for the leaf that most of it lies on, if neither another segment nor the background has more of it.

    Args:
        labels: what a clustering has found, int32 (h, w), 1..n without gaps.
        truth: int32 (h, w), may have gaps.

    >>> owners_of(np.array([[1, 1, 2, 3, 0]], np.int32), np.array([[7, 7, 7, 0, 0]], np.int32))
    array([ 0,  7, -1, -1], dtype=int32)
    """
    table = contingency_table(truth, labels)  # (leaves + 1, segments + 1)
    numbers = compact_labels(truth)[1]
    leaves = table.argmax(0)
    mine = table[leaves].argmax(1) == np.arange(table.shape[1])
    owners = np.where(mine & (leaves > 0), numbers[leaves], -1).astype(np.int32)
    owners[0] = 0
    return owners


def _numbers(first: int, count: int) -> NDArray[np.int32]:
    return np.arange(first, first + count, dtype=np.int32)[:, None, None]


class SegmentSet(Dataset[tuple[Tensor, Tensor]]):
    """Segments, one by one: likelihood image float32 (1, h, w), mask float32 (h, w)."""

    def __init__(self, segments: Segments) -> None:
        self.segments = segments

    def __len__(self) -> int:
        return len(self.segments.masks)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Likelihood image and mask of a segment."""
        likelihood, mask = self.segments.likelihood[index], self.segments.masks[index]
        return torch.from_numpy(likelihood).float()[None], torch.from_numpy(mask).float()
