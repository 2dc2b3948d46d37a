"""The Markov random field on a map of 20 leaves, beside plain loops; how near it comes to the exact minimum.

In a full run it is said, too, what both solvers are worth on true label maps with the faults of a clustering.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from benchmarks.direct_mrf import observed, plain_random, plain_sweeps
from benchmarks.material import Material
from benchmarks.rows import Note, Result, Row
from benchmarks.stages.metrics import draw_leaves
from benchmarks.timing import seconds_of, shortest
from leafwise.config import RefineSettings
from leafwise.imaging import compact_labels, read_labels
from leafwise.metrics import score_labels
from leafwise.refine import SOLVERS, denoise, ising_energy

SIDE = 224  # pixels, of the maps
SETTINGS = RefineSettings()
RATIO = Fraction(SETTINGS.mrf_data_weight / SETTINGS.mrf_smoothness_weight).limit_denominator(1000)
STRENGTHS = {  # see `disturb`
    "weak": (0.5, 0.01),
    "middle": (0.7, 0.02),
    "strong": (1.0, 0.05),
}


def run(material: Material) -> Iterator[Result]:
    """Times at the full size and reduced by 2 as the authors have it; then what it is worth."""
    labels = disturb(nearest(draw_leaves(20, seed=1)), *STRENGTHS["middle"], np.random.default_rng(0))
    yield from _times(labels, f"{SIDE} x {SIDE}")
    if not material.quick:
        yield from _times(compact_labels(labels[::2, ::2])[0], "reduced by 2")
        yield from _worth(material)


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
    return np.asarray(disturbed)


def _times(labels: NDArray[np.int32], title: str) -> Iterator[Result]:
    segments = range(1, labels.max() + 1)
    icm, cut = SOLVERS["icm"], SOLVERS["min_cut"]
    few = 1 + len(segments) // 5
    icm_time, cut_time, sweeps_time = shortest(
        [
            lambda: icm(labels, RATIO),
            lambda: cut(labels, RATIO),
            lambda: [plain_sweeps(labels, segment, SETTINGS) for segment in segments],
        ],
        repeats=5,
    )
    random_time = seconds_of(lambda: [plain_random(labels, segment, SETTINGS) for segment in segments[:few]])
    local, exact = icm(labels, RATIO), cut(labels, RATIO)
    if any((_changed(labels, k, local) != plain_sweeps(labels, k, SETTINGS)).any() for k in segments):
        raise RuntimeError("icm and the plain loop of the same updates differ")
    before, above, least = (
        sum(ising_energy(_changed(labels, k, c), observed(labels, k), SETTINGS) for k in segments)
        for c in (local[:, :0], local, exact)
    )
    case = f"icm, {len(segments)} segments, {title}"
    yield Row("mrf", case, icm_time, "a plain ICM loop, the same updates", sweeps_time)
    extrapolated = random_time * len(segments) / few
    yield Row("mrf", case, icm_time, "the authors' 10 h w random updates", extrapolated)
    yield Row("mrf", case, icm_time, "min_cut, the exact minimum", cut_time)
    yield Note(
        "mrf",
        f"{case}: its energy is {100 * (above - least) / abs(least):.3f} % above the exact minimum, "
        f"{100 * (before - above) / (before - least):.1f} % of what there is to gain. "
        f"The random updates are extrapolated from {few} segments.",
    )


def _changed(labels: NDArray[np.int32], segment: int, changes: NDArray[np.int64]) -> NDArray[np.int8]:
    """The states of a segment after a solver's changes: int8 (h, w)."""
    states = observed(labels, segment)
    states.reshape(-1)[changes[1][changes[0] == segment]] *= -1
    return states


def _worth(material: Material) -> Iterator[Result]:
    """Mean SBD and FBD of true label maps, disturbed, and denoised in several ways."""
    truths = [nearest(read_labels(sample.pair.labels)) for sample in material.samples[: material.count]]
    choices = {"disturbed": None} | {
        f"{solver}, reduced by {reduction}": RefineSettings(mrf_solver=solver, mrf_reduction=reduction)
        for solver in ("icm", "min_cut")
        for reduction in (1, 2)
    }
    for strength, (jitter, share) in STRENGTHS.items():
        noisy = [disturb(t, jitter, share, np.random.default_rng(seed)) for seed, t in enumerate(truths)]
        for name, settings in choices.items():
            found = noisy if settings is None else [denoise(labels, settings) for labels in noisy]
            scores = [score_labels(truth, labels) for truth, labels in zip(truths, found, strict=True)]
            means = {key: float(np.mean([getattr(score, key) for score in scores])) for key in ("sbd", "fbd")}
            yield Row("mrf", f"{len(truths)} true maps, {strength} faults: {name}", extras={**means})
