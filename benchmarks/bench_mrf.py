"""Time the MRF of `leafwise.refine` on a 224 x 224 map of 20 leaves, beside plain loops over single pixels.

python benchmarks/bench_mrf.py            # times, and how near ICM comes to the exact minimum; under a minute
python benchmarks/bench_mrf.py DATASET    # and what both are worth on a data set's label maps, disturbed
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from time import perf_counter

import numpy as np
from bench_metrics import draw_leaves
from numpy.typing import NDArray

from leafwise.config import RefineSettings
from leafwise.datasets import read_dataset
from leafwise.imaging import read_labels
from leafwise.metrics import compact_labels, score_labels
from leafwise.refine import SOLVERS, denoise, ising_energy

SIDE = 224  # pixels, of the maps
SETTINGS = RefineSettings()
RATIO = Fraction(SETTINGS.mrf_data_weight / SETTINGS.mrf_smoothness_weight).limit_denominator(1000)
WEAK_SMOOTHNESS = 4.0  # a second one, near which the exact minimum scores best
STRENGTHS = {
    "none": (0.0, 0.0),
    "weak": (0.5, 0.01),
    "middle": (0.7, 0.02),
    "strong": (1.0, 0.05),
}  # see `disturb`


def nearest(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels (h, w), every pixel picked for (SIDE, SIDE), numbered 1..n without gaps."""
    rows, columns = (((np.arange(SIDE) + 0.5) * length / SIDE).astype(int) for length in labels.shape)
    return compact_labels(labels[rows[:, None], columns])[0]


def disturb(
    labels: NDArray[np.int32], jitter: float, share: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Labels (h, w) with the faults of a clustering.

    Ragged borders: each pixel shows the label of a place `jitter` pixels (standard deviation) away. Holes and
    specks: discs, 0.5 to 2 pixels in radius and about 5 in area, in all `share` of the leaves' area each; holes
    lie in leaves and are background, specks lie in leaves and up to 3 pixels beside and are of any leaf.
    """
    rows, columns = np.indices(labels.shape)
    shown = [
        np.clip(np.rint(place + rng.normal(0, jitter, labels.shape)), 0, length - 1).astype(int)
        for place, length in zip((rows, columns), labels.shape, strict=True)
    ]
    disturbed = labels[tuple(shown)]
    leaves = np.argwhere(labels > 0)
    for is_speck in np.arange(2 * int(share * len(leaves) / 5)) % 2:
        row, column = rng.choice(leaves) + is_speck * rng.integers(-3, 4, 2)
        disc = np.hypot(rows - row, columns - column) <= rng.uniform(0.5, 2)
        disturbed[disc] = is_speck * rng.integers(1, labels.max() + 1)
    return disturbed


def best_time_ms(function: Callable[[], object], repeats: int) -> float:
    """Shortest of several runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return 1000 * min(times)


def observed(labels: NDArray[np.int32], segment: int) -> NDArray[np.int8]:
    """+1 in a segment, -1 elsewhere: int8 (h, w)."""
    return np.where(labels == segment, 1, -1).astype(np.int8)


def changed(labels: NDArray[np.int32], segment: int, changes: NDArray[np.int64]) -> NDArray[np.int8]:
    """The states of a segment after a solver's changes: int8 (h, w)."""
    states = observed(labels, segment)
    states.reshape(-1)[changes[1][changes[0] == segment]] *= -1
    return states


def in_a_frame(values: NDArray[np.int8]) -> list[list[int]]:
    """Lists of rows, with zeros around: what plain Python is fastest with."""
    return np.pad(values, 1).tolist()


def plain_sweeps(labels: NDArray[np.int32], segment: int) -> NDArray[np.int8]:
    """What `icm` does with one segment, one pixel after the other."""
    start = in_a_frame(observed(labels, segment))
    states = [row[:] for row in start]
    data, smoothness = SETTINGS.mrf_data_weight, SETTINGS.mrf_smoothness_weight
    any_changed = True
    while any_changed:
        any_changed = False
        for parity in (0, 1):
            for row in range(1, labels.shape[0] + 1):
                above, here, below, seen = states[row - 1], states[row], states[row + 1], start[row]
                for column in range(1 + (row + 1 + parity) % 2, labels.shape[1] + 1, 2):
                    near = above[column] + below[column] + here[column - 1] + here[column + 1]
                    if (data * seen[column] + smoothness * near) * here[column] < 0:
                        here[column] = -here[column]
                        any_changed = True
    return np.array(states, np.int8)[1:-1, 1:-1]


def plain_random(labels: NDArray[np.int32], segment: int) -> NDArray[np.int8]:
    """The authors' variant: 10 * h * w updates of single pixels drawn at random."""
    height, width = labels.shape
    start = in_a_frame(observed(labels, segment))
    states = [row[:] for row in start]
    data, smoothness = SETTINGS.mrf_data_weight, SETTINGS.mrf_smoothness_weight
    draw = Random(0).random
    for _ in range(10 * height * width):
        row, column = 1 + int(draw() * height), 1 + int(draw() * width)
        here = states[row]
        near = states[row - 1][column] + states[row + 1][column] + here[column - 1] + here[column + 1]
        if (data * start[row][column] + smoothness * near) * here[column] < 0:
            here[column] = -here[column]
    return np.array(states, np.int8)[1:-1, 1:-1]


def print_times(labels: NDArray[np.int32], title: str) -> None:
    """Both solvers and both plain loops, all segments of one map, and the energy that is reached."""
    segments = range(1, labels.max() + 1)
    icm_ms, cut_ms = (
        best_time_ms(lambda solve=solve: solve(labels, RATIO), repeats)  # type: ignore[misc]
        for solve, repeats in ((SOLVERS["icm"], 50), (SOLVERS["min_cut"], 3))
    )
    local, exact = (SOLVERS[name](labels, RATIO) for name in ("icm", "min_cut"))
    swept = [plain_sweeps(labels, segment) for segment in segments]
    swept_ms = best_time_ms(lambda: [plain_sweeps(labels, segment) for segment in segments], repeats=2)
    if any((changed(labels, k, local) != states).any() for k, states in zip(segments, swept, strict=True)):
        raise SystemExit("icm and the plain loop of the same updates differ")
    few = 1 + len(segments) // 5
    start = perf_counter()
    for segment in segments[:few]:
        plain_random(labels, segment)
    random_ms = 1000 * (perf_counter() - start) * len(segments) / few
    before, above, least = (
        sum(ising_energy(changed(labels, k, c), observed(labels, k), SETTINGS) for k in segments)
        for c in (local[:, :0], local, exact)
    )
    height, width = labels.shape
    print(
        f"{title}: {height} x {width}, {len(segments)} segments, data {SETTINGS.mrf_data_weight:g}, ", end=""
    )
    print(f"smoothness {SETTINGS.mrf_smoothness_weight:g}")
    print(f"  icm                                 {icm_ms:9.2f} ms")
    print(f"  min_cut                             {cut_ms:9.1f} ms")
    print(f"  plain loop, the same updates as icm {swept_ms:9.0f} ms: {swept_ms / icm_ms:6.0f} times icm")
    print(
        f"  plain loop, 10 h w random updates   {random_ms:9.0f} ms: {random_ms / icm_ms:6.0f} times icm",
        end="",
    )
    print(f" (from {few} of {len(segments)} segments)")
    print(f"  energy of icm: {100 * (above - least) / abs(least):.3f} % above the exact minimum; ", end="")
    print(f"{100 * (before - above) / (before - least):.1f} % of what there is to gain")


def print_worth(folder: Path) -> None:
    """Mean SBD and FBD of a data set's label maps: disturbed, and denoised in several ways."""
    truths = [nearest(read_labels(pair.labels)) for pair in read_dataset(folder)]
    choices = [
        replace(SETTINGS, mrf_solver=solver, mrf_reduction=reduction, mrf_smoothness_weight=smoothness)
        for solver in SOLVERS
        for reduction in (1, 2)
        for smoothness in (SETTINGS.mrf_smoothness_weight, WEAK_SMOOTHNESS)
    ]
    print(
        f"mean SBD / FBD of {len(truths)} label maps of {folder}, {SIDE} x {SIDE}, disturbed (seed: place in the list)"
    )
    print("solver   reduction smoothness " + "".join(f"{name:>16}" for name in STRENGTHS))
    noisy = [
        [disturb(truth, *strength, np.random.default_rng(seed)) for seed, truth in enumerate(truths)]
        for strength in STRENGTHS.values()
    ]
    print_means("none" + " " * 26, truths, noisy)
    for settings in choices:
        name = f"{settings.mrf_solver:<8} {settings.mrf_reduction:9} {settings.mrf_smoothness_weight:10g}  "
        print_means(name, truths, [[denoise(labels, settings) for labels in maps] for maps in noisy])


def print_means(name: str, truths: list[NDArray[np.int32]], strengths: list[list[NDArray[np.int32]]]) -> None:
    """One row of the table."""
    print(name, end="")
    for maps in strengths:
        scores = [score_labels(truth, labels) for truth, labels in zip(truths, maps, strict=True)]
        sbd, fbd = (np.mean([getattr(score, field) for score in scores]) for field in ("sbd", "fbd"))
        print(f"   {sbd:5.2f} / {fbd:5.2f}", end="")
    print(flush=True)


def main() -> None:
    """Print the times, and with a data set the scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", nargs="?", type=Path)
    folder = parser.parse_args().dataset
    labels = disturb(nearest(draw_leaves(20, seed=1)), *STRENGTHS["middle"], np.random.default_rng(0))
    print_times(labels, "full size")
    print_times(compact_labels(labels[::2, ::2])[0], "reduced by 2")
    if folder is not None:
        print_worth(folder)


if __name__ == "__main__":
    main()
