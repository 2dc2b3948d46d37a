"""The paper's figures 5 and 6, drawn anew: plants under all pipelines, and a ghost that the background takes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leafwise.datasets import Pair
from leafwise.evaluation.scoring import Candidate
from leafwise.evaluation.sheets import Cell, draw_found, draw_sheet, numbered_like
from leafwise.imaging import as_seen, compact_labels, cut_labels, cut_square, read_image, read_labels
from leafwise.models import ClusterNetwork, load_model
from leafwise.refine import merge_masks
from leafwise.segmenter import SeenPlant, Segmenter, cluster
from leafwise.segmenter.pipeline import refine


@dataclass(frozen=True)
class GhostExample:
    """A photo on which ClusterNet's masks take background for leaves, unless the background is a segment too."""

    sheet: NDArray[np.uint8]  # (H, W, 3): photo, truth, clusters, merged without and with the background
    photo: str
    without: float  # percent of the true background that becomes leaf
    with_background: float  # the same, with the background's segment applied last


def draw_figure5(model: Path, pairs: Sequence[Pair], candidates: Sequence[Candidate]) -> NDArray[np.uint8]:
    """Photo, truth and the leaves by each candidate, with their SBD: uint8 (H, W, 3), a row for each pair."""
    return draw_found(pairs, load_model(model), candidates)


def draw_figure6(model: Path, pairs: Sequence[Pair], candidate: Candidate) -> GhostExample | None:
    """The photo on which most background becomes leaf where the masks are merged without the background's own.

    Section 8 of the paper. All is drawn on the grid of the network, on which the masks are. `candidate` is a
    clustering and then ClusterNet; the model has no foreground head.

    Returns None where ClusterNet left no mask on any of the photos.
    """
    loaded = load_model(model)
    network = loaded.cluster_network
    segmenter = Segmenter(loaded, candidate.settings)
    worst: GhostExample | None = None
    for pair in pairs:
        photo, truth = read_image(pair.image), read_labels(pair.labels)
        for plant in (seen for seen in segmenter.look(photo) if seen.turn == 0):
            merged = _merged(plant, candidate, network)
            if merged is None:
                continue
            shown = as_seen(photo, segmenter.settings.looks)
            example = _example(pair.name, shown, truth, plant, merged)
            if worst is None or example.without > worst.without:
                worst = example
    return worst


def spread_over(scores: pd.Series, count: int) -> list[int]:
    """Places of `count` scores that are evenly spaced in the order from best to worst; all of them if there are fewer.

    >>> spread_over(pd.Series([90.0, 10, 50, 70, 30, 20]), 3)
    [3, 4, 1]
    """
    count = min(count, len(scores))
    order = np.argsort(-scores.to_numpy(), kind="stable")
    return [int(order[int((i + 0.5) * len(scores) / count)]) for i in range(count)]


@dataclass(frozen=True)
class _Merged:
    """Labels int32 (h, w) on the grid of the network."""

    clusters: NDArray[np.int32]
    without: NDArray[np.int32]
    with_background: NDArray[np.int32]


def _merged(plant: SeenPlant, candidate: Candidate, network: ClusterNetwork | None) -> _Merged | None:
    clusters = cluster(plant, candidate.settings)
    leaves = refine(plant, clusters, candidate.settings, network)
    if leaves.masks is None:
        return None
    bare = merge_masks(leaves.masks.leaves, leaves.masks.sizes, candidate.settings.refine)
    return _Merged(clusters, compact_labels(bare)[0], leaves.labels)


def _example(
    name: str, photo: NDArray[np.uint8], truth: NDArray[np.int32], plant: SeenPlant, merged: _Merged
) -> GhostExample:
    size = merged.clusters.shape[0]
    on_photo = cut_labels(np.ones_like(truth), plant.square, size) > 0
    part = np.ix_(on_photo.any(1), on_photo.any(0))
    true = compact_labels(cut_labels(truth, plant.square, size)[part])[0]
    seen = cut_square(photo, plant.square, size)[part]
    maps = [labels[part] for labels in (merged.clusters, merged.without, merged.with_background)]
    ghosts = [_share(labels > 0, true == 0) for labels in maps]
    titles = ("clusters", "merged without background", "merged with background")
    cells = [Cell(name, seen), Cell(f"truth, {true.max()} leaves", true)]
    for title, labels, ghost in zip(titles, maps, ghosts, strict=True):
        cells.append(Cell(f"{title}: {ghost:.1f} % false", numbered_like(true, labels)))
    return GhostExample(draw_sheet([cells]), name, ghosts[1], ghosts[2])


def _share(false: NDArray[np.bool_], background: NDArray[np.bool_]) -> float:
    """Percent of the background that is taken for leaf."""
    taken, whole = int((false & background).sum()), int(background.sum())
    return 100 * taken / max(whole, 1)
