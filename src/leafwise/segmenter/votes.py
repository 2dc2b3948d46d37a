"""A plant that was seen turned and mirrored, too: the leaves on which most of these looks agree.

A network's embeddings of a leaf differ from look to look, and side by side they gain nothing. Labels can be compared.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from leafwise.config import PipelineSettings, SegmentSettings
from leafwise.imaging import compact_labels
from leafwise.metrics import count_pairs, score_labels
from leafwise.segmenter.pipeline import cluster
from leafwise.segmenter.seen import SeenPlant

LEAST_AGREEMENT = 0.5  # of the maps on a leaf: intersection over union with each other map's best, their mean
SAME = 0.5  # share of the smaller of two leaves, above which they are not two
STRIP = 1 << 18  # pixels voted on at a time: bounds the memory of large plants
QUICK = PipelineSettings("seeded")


def agree(one: SeenPlant, other: SeenPlant, settings: SegmentSettings) -> bool:
    """Whether two looks at one square have the same leaves, with an SBD of `looks.agreement` at least.

    The leaves are those of the quick clustering, whichever the pipeline has.
    """
    quick = replace(settings, pipeline=QUICK)
    return score_labels(cluster(one, quick), cluster(other, quick)).sbd >= 100 * settings.looks.agreement


def vote(maps: Sequence[NDArray[np.integer]]) -> NDArray[np.int32]:
    """The leaves of one plant out of several label maps, integers (h, w), 0 = background: int32 (h, w), 1..n.

    Leaves that the others see too come first: each map's leaves are ranked by their intersection over union with the
    best leaf of every other map. One is left out where it shares more than half of itself, or of the other, with
    one that is in already, or where the maps agree on it too little; the best is in at any rate. Then each leaf of a
    map votes for the one that is in and fits it best, if they share anything. A pixel is of the plant where most maps
    say so, and of the leaf with most votes there; the first map's counts where there are as many for another. Where
    no map votes, as each has cut the plant in its own way, the first map's leaves stay.

    >>> vote([np.array([[1, 1, 2, 2]]), np.array([[2, 2, 1, 0]]), np.array([[1, 1, 1, 1]])])
    array([[1, 1, 2, 2]], dtype=int32)
    """
    compact = [compact_labels(labels)[0] for labels in maps]
    if len(compact) == 1 or not any(labels.any() for labels in compact):
        return compact[0]
    numbers = range(len(compact))
    map_of = np.repeat(numbers, [int(labels.max()) for labels in compact])  # of each leaf of all maps
    shared = _shared_pixels(compact, map_of)
    areas = np.diagonal(shared)
    likeness = shared / (areas[:, None] + areas - shared)
    agreement = sum(likeness[:, map_of == i].max(1, initial=0) for i in numbers)
    kept = _agreed((agreement - 1) / (len(compact) - 1), shared)
    likeness = likeness[:, kept]
    votes = np.where(likeness.any(1), likeness.argmax(1) + 1, 0)
    return _count_votes(compact, [np.append(0, votes[map_of == i]) for i in numbers], len(kept))


def _shared_pixels(maps: Sequence[NDArray[np.int32]], map_of: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many pixels each leaf of any map shares with each, (n, n) for n leaves in all; with itself, its area."""
    shared = np.zeros((len(map_of), len(map_of)), np.int64)
    for one, other in combinations_with_replacement(range(len(maps)), 2):
        rows, cols = map_of == one, map_of == other
        shape = int(rows.sum()) + 1, int(cols.sum()) + 1
        both = count_pairs(maps[one], maps[other], shape)[1:, 1:]
        shared[np.ix_(rows, cols)] = both
        shared[np.ix_(cols, rows)] = both.T
    return shared


def _agreed(agreement: NDArray[np.float64], shared: NDArray[np.int64]) -> list[int]:
    """The leaves that are in, by their agreement (n,) and the pixels they share (n, n), the best first."""
    areas = np.diagonal(shared)
    kept: list[int] = []
    for leaf in np.argsort(-agreement, kind="stable").tolist():
        if kept and agreement[leaf] < LEAST_AGREEMENT:
            break
        if not (shared[leaf, kept] > SAME * np.minimum(areas[leaf], areas[kept])).any():
            kept.append(leaf)
    return kept


def _count_votes(
    maps: Sequence[NDArray[np.int32]], votes: Sequence[NDArray[np.intp]], n_kept: int
) -> NDArray[np.int32]:
    """Each pixel's leaf, int32 (h, w): `votes` are what each map's leaves vote for, 1..n_kept or 0, each (n + 1,)."""
    height, width = maps[0].shape
    elected = np.zeros((height, width), np.int32)
    step = max(STRIP // max(width, 1), 1)
    for start in range(0, height, step):
        strip = slice(start, start + step)
        ballots = np.stack([own[labels[strip]] for labels, own in zip(maps, votes, strict=True)])
        alike = np.stack([(ballots == ballot).sum(0) * (ballot > 0) for ballot in ballots])
        winner = np.take_along_axis(ballots, alike.argmax(0)[None], 0)[0]
        first = maps[0][strip]
        winner = np.where((winner == 0) & (first > 0), n_kept + first, winner)
        is_plant = 2 * sum((labels[strip] > 0).astype(int) for labels in maps) > len(maps)
        elected[strip] = winner * is_plant
    return compact_labels(elected)[0]
