"""A pipeline's steps on the network's grid: a clustering, then refinements."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leafwise.clustering import CLUSTERINGS
from leafwise.config import SegmentSettings
from leafwise.errors import ModelError
from leafwise.imaging import compact_labels
from leafwise.models import ClusterNetwork
from leafwise.refine import denoise, mask_sizes, merge_masks, segment_likelihood
from leafwise.segmenter.seen import SeenPlant


class Masks(NamedTuple):
    """ClusterNet's masks of a plant's leaves on the network's grid; probabilities in [0, 1]."""

    leaves: NDArray[np.float32]  # (n, h, w)
    sizes: NDArray[np.int64]  # (n,), pixels over the threshold
    background: NDArray[np.float32] | None  # (h, w), where the background is a segment of its own


class Leaves(NamedTuple):
    """A plant's leaves on the network's grid."""

    labels: NDArray[np.int32]  # (h, w), 0 = background, 1..n without gaps
    masks: Masks | None = None  # what the labels were merged from, where the last step was ClusterNet


class Segments(NamedTuple):
    """What ClusterNet was given and gave on the network's grid; the first is the background where it is a segment."""

    likelihood: NDArray[np.float32]  # (k, h, w), in [0, 1]
    masks: NDArray[np.float32]  # (k, h, w), probabilities in [0, 1]


class Stage(NamedTuple):
    """How things stand after a step of the pipeline."""

    step: str  # its name in the pipeline
    leaves: Leaves
    segments: Segments | None = None  # of the step cluster_net, where it had segments to work on


def cluster(plant: SeenPlant, settings: SegmentSettings) -> NDArray[np.int32]:
    """The first step: a plant's embeddings to labels int32 (h, w), 0 = background, 1..n without gaps."""
    inside = plant.inside(settings.clustering.foreground_threshold)
    return CLUSTERINGS[settings.pipeline.clustering](plant.embeddings, inside, settings.clustering)


def refine(
    plant: SeenPlant,
    labels: NDArray[np.int32],
    settings: SegmentSettings,
    network: ClusterNetwork | None = None,
) -> Leaves:
    """The steps after it, in their order, on labels int32 (h, w); `network` is for the step cluster_net."""
    leaves = Leaves(labels)
    for stage in refine_stages(plant, labels, settings, network):
        leaves = stage.leaves
    return leaves


def refine_stages(
    plant: SeenPlant,
    labels: NDArray[np.int32],
    settings: SegmentSettings,
    network: ClusterNetwork | None = None,
) -> Iterator[Stage]:
    """`refine`, step by step. Raises ModelError for the step cluster_net without a network."""
    leaves = Leaves(labels)
    for step in settings.pipeline.refinements:
        segments = None
        if step == "mrf":
            leaves = Leaves(denoise(leaves.labels, settings.refine))
        elif network is None:
            raise ModelError(
                "the step cluster_net needs a model with a ClusterNet; leave it out, or train one"
            )
        elif leaves.labels.any():
            segments = _by_cluster_net(plant, leaves.labels, settings, network)
            leaves = _merged(plant, leaves.labels, segments.masks, settings)
        yield Stage(step, leaves, segments)


def _by_cluster_net(
    plant: SeenPlant, labels: NDArray[np.int32], settings: SegmentSettings, network: ClusterNetwork
) -> Segments:
    """ClusterNet on the likelihood image of each segment (paper, section 3.4).

    Without a foreground head the background is a segment of its own (paper, section 8).
    """
    inside = plant.inside(settings.clustering.foreground_threshold)
    likelihood = segment_likelihood(plant.embeddings, labels, inside)
    return Segments(likelihood, network.masks(likelihood))


def _merged(
    plant: SeenPlant, labels: NDArray[np.int32], masks: NDArray[np.float32], settings: SegmentSettings
) -> Leaves:
    """The masks of the segments of `labels` merged; the labels as they are where nothing is left of any."""
    inside = plant.inside(settings.clustering.foreground_threshold)
    masks, background = (masks, None) if inside is not None else (masks[1:], masks[0])
    sizes = mask_sizes(masks, settings.refine.mask_threshold)
    real = sizes > 0  # of a ghost's image nothing is left
    if not real.any():
        return Leaves(labels)
    found = Masks(masks[real], sizes[real], background)
    merged = merge_masks(found.leaves, found.sizes, settings.refine, background=background, inside=inside)
    return Leaves(compact_labels(merged)[0], found)
