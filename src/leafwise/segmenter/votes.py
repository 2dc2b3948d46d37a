"""A plant that was seen turned and mirrored, too: the leaves on which most of these looks agree.

A network's embeddings of a leaf differ from look to look, and side by side they gain nothing. Labels can be compared.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from leafwise.metrics import compact_labels, contingency_table

AGREEMENT = (
    0.5  # intersection over union with the best leaf of each other look, their mean, from which a leaf is one
)
SAME = 0.5  # share of the smaller of two leaves, above which they are not two
STRIP = 1 << 20  # pixels voted on at a time: bounds the memory of large plants


def vote(looks: Sequence[NDArray[np.integer]]) -> NDArray[np.int32]:
    """The leaves of one plant out of several label maps, integers (h, w), 0 = background: int32 (h, w), 1..n.

    Leaves that the others see too come first: each look's leaves are ranked by their intersection over union with the
    best leaf of every other look. One is left out where it shares more than half of itself, or of the other, with
    one that is in already, or where the looks agree on it too little; the best is in at any rate. Then each leaf of a
    look votes for the one that is in and fits it best. A pixel is of the plant where most looks say so, and of
    the leaf with most votes there; the first look's counts where there are as many for another.

    >>> vote([np.array([[1, 1, 2, 2]]), np.array([[2, 2, 1, 0]]), np.array([[1, 1, 1, 1]])])
    array([[1, 1, 2, 2]], dtype=int32)
    """
    maps = [compact_labels(labels)[0] for labels in looks]
    if len(maps) == 1 or not any(labels.any() for labels in maps):
        return maps[0]
    counts = [int(labels.max()) for labels in maps]
    look_of = np.repeat(np.arange(len(maps)), counts)
    shared = _shared_pixels(maps, look_of)
    areas = np.diagonal(shared)
    likeness = shared / (areas[:, None] + areas - shared)
    agreement = sum(likeness[:, look_of == look].max(1, initial=0) for look in range(len(maps)))
    kept = _agreed((agreement - 1) / (len(maps) - 1), shared)
    likeness = likeness[:, kept]
    votes = np.where(likeness.any(1), likeness.argmax(1) + 1, 0)  # of each look's leaves, one after another
    return _count_votes(maps, [np.append(0, votes[look_of == look]) for look in range(len(maps))])


def _shared_pixels(maps: Sequence[NDArray[np.int32]], look_of: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many pixels each leaf of any look shares with each other, (n, n) for n leaves in all."""
    shared = np.zeros((len(look_of), len(look_of)), np.int64)
    for one, other in combinations(range(len(maps)), 2):
        table = contingency_table(maps[one], maps[other])[1:, 1:]
        rows, cols = look_of == one, look_of == other
        shared[np.ix_(rows, cols)] = table
        shared[np.ix_(cols, rows)] = table.T
    np.fill_diagonal(shared, np.concatenate([np.bincount(labels.ravel())[1:] for labels in maps]))
    return shared


def _agreed(agreement: NDArray[np.float64], shared: NDArray[np.int64]) -> list[int]:
    """The leaves that are in, by their agreement (n,) and the pixels they share (n, n), the best first."""
    areas = np.diagonal(shared)
    kept: list[int] = []
    for leaf in np.argsort(-agreement, kind="stable").tolist():
        if kept and agreement[leaf] < AGREEMENT:
            break
        if not (shared[leaf, kept] > SAME * np.minimum(areas[leaf], areas[kept])).any():
            kept.append(leaf)
    return kept


def _count_votes(maps: Sequence[NDArray[np.int32]], votes: Sequence[NDArray[np.intp]]) -> NDArray[np.int32]:
    """Each pixel's leaf, int32 (h, w), from every look's leaves and what each of these votes for, (n + 1,)."""
    height, width = maps[0].shape
    elected = np.zeros((height, width), np.int32)
    step = max(STRIP // max(width, 1), 1)
    for start in range(0, height, step):
        strip = slice(start, start + step)
        ballots = np.stack([own[labels[strip]] for labels, own in zip(maps, votes, strict=True)])
        alike = np.stack([(ballots == ballot).sum(0) * (ballot > 0) for ballot in ballots])
        winner = np.take_along_axis(ballots, alike.argmax(0)[None], 0)[0]
        is_plant = 2 * sum((labels[strip] > 0).astype(int) for labels in maps) > len(maps)
        elected[strip] = winner * is_plant
    return compact_labels(elected)[0]
