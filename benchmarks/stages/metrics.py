"""Scores of a 530 x 500 pair of 20 leaves, beside the scores by their definition."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.direct_metrics import direct_scores
from benchmarks.material import Material
from benchmarks.rows import Result, Row
from benchmarks.timing import shortest
from leafwise.metrics import score_labels


def run(_: Material) -> Iterator[Result]:
    """For 1, 5 and 20 leaves."""
    for count in (1, 5, 20):
        truth = draw_leaves(count, seed=1)
        prediction = np.roll(truth, (3, -4), axis=(0, 1))
        fast, slow = shortest(
            [lambda: score_labels(truth, prediction), lambda: direct_scores(truth, prediction)],  # noqa: B023
            repeats=10,
            limit=2,
        )
        yield Row("metrics", f"score_labels, 530 x 500, {count} leaves", fast, "the direct definition", slow)


def draw_leaves(n: int, *, seed: int, height: int = 530, width: int = 500) -> NDArray[np.int32]:
    """n ellipses around the middle, later ones on top: int32 (height, width)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.int32)
    for leaf in range(1, n + 1):
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(40, 160)
        down, right = (
            rows - height / 2 - distance * np.sin(angle),
            columns - width / 2 - distance * np.cos(angle),
        )
        along = down * np.sin(angle) + right * np.cos(angle)
        across = down * np.cos(angle) - right * np.sin(angle)
        labels[(along / 50) ** 2 + (across / 25) ** 2 < 1] = leaf
    return labels
