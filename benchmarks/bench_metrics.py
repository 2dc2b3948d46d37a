"""Time score_labels on a 530 x 500 pair of 20 leaves, beside the scores by their definition.

Run: python benchmarks/bench_metrics.py
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from direct_metrics import direct_scores
from numpy.typing import NDArray

from leafwise.metrics import score_labels


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


def best_time_ms(function: Callable[..., object], *arrays: NDArray[np.int32], repeats: int) -> float:
    """Shortest of several runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function(*arrays)
        times.append(perf_counter() - start)
    return 1000 * min(times)


def main() -> None:
    """Print both times and their ratio."""
    truth = draw_leaves(20, seed=1)
    prediction = np.roll(truth, (3, -4), axis=(0, 1))
    fast = best_time_ms(score_labels, truth, prediction, repeats=50)
    slow = best_time_ms(direct_scores, truth, prediction, repeats=3)
    print(f"score_labels {fast:.1f} ms, by definition {slow:.0f} ms: {slow / fast:.0f} times faster")


if __name__ == "__main__":
    main()
