"""The clusterings on the same real embeddings, beside HDBSCAN and mean shift: time, SBD, adjusted Rand index."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.material import Material, Sample, Seen, see, segmenter_of
from benchmarks.rows import Note, Result, Row
from benchmarks.timing import seconds_of, shortest
from leafwise.clustering import CLUSTERINGS
from leafwise.config import PipelineSettings, SegmentSettings
from leafwise.errors import LeafwiseError
from leafwise.metrics import score_labels
from leafwise.models import load_model
from leafwise.segmenter import cluster

BASELINE = "hdbscan"
LONG = 1.0  # seconds; what takes longer is timed once a photo
MEAN_SHIFT = "scikit-learn's MeanShift"


Function = Callable[[Seen, SegmentSettings], NDArray[np.int32]]


@dataclass(frozen=True)
class Measured:
    """One clustering over some photos."""

    seconds: float  # mean over the photos
    scores: dict[str, float]  # sbd, abs_dic and ari, means


def run(material: Material) -> Iterator[Result]:
    """Each clustering on the foreground, then on all pixels, then with the setting that other photos choose."""
    samples = material.samples[: material.count]
    seen = see(samples)
    settings = segmenter_of(material.model).settings
    yield _what_photos(material, seen)
    with threadpool_limits(1):  # as in the processes of a batch
        yield from _on_foreground(material, seen, settings)
        if not material.quick:
            yield from _on_all_pixels(seen[:2], settings)
    if not material.quick:
        yield from _chosen(samples, settings)


def labels_by(name: str, seen: Seen, settings: SegmentSettings) -> NDArray[np.int32]:
    """The labels (h, w) that one of leafwise's clusterings finds on the network's grid."""
    return cluster(seen.plant, replace(settings, pipeline=PipelineSettings(name)))


def _on_foreground(material: Material, seen: Sequence[Seen], settings: SegmentSettings) -> Iterator[Result]:
    functions: dict[str, Function] = {name: partial(labels_by, name) for name in CLUSTERINGS}
    functions[MEAN_SHIFT] = mean_shift
    measured: dict[str, Measured] = {}
    for name, function in functions.items():
        try:
            measured[name] = _measure(function, seen, settings, repeats=1 if material.quick else 3)
        except LeafwiseError as error:
            yield Note("clustering", f"{name} is not measured: {error}")
    pairs = [(name, BASELINE) for name in measured if name != BASELINE]
    for name, other in [*pairs, (settings.pipeline.clustering, MEAN_SHIFT), (BASELINE, "")]:
        own = measured[name]
        seconds = measured[other].seconds if other else None
        beside = f"{other}, foreground" if other else ""
        yield Row("clustering", f"{name}, foreground", own.seconds, beside, seconds, extras={**own.scores})


def _on_all_pixels(seen: Sequence[Seen], settings: SegmentSettings) -> Iterator[Result]:
    everywhere = [replace(one, plant=replace(one.plant, foreground=None)) for one in seen]
    slow = [seconds_of(partial(labels_by, BASELINE, one, settings)) for one in everywhere]
    side = seen[0].truth.shape[0]
    alternative = f"{BASELINE} on all {side} x {side} pixels"
    own = settings.pipeline.clustering
    mine = _measure(partial(labels_by, own), seen, settings, repeats=3)
    photos: dict[str, float | int | str] = {"photos": len(seen)}
    yield Row(
        "clustering", f"{own}, foreground", mine.seconds, alternative, float(np.mean(slow)), extras=photos
    )


def _measure(
    function: Function,
    seen: Sequence[Seen],
    settings: SegmentSettings,
    repeats: int,
) -> Measured:
    from sklearn.metrics import adjusted_rand_score

    times, scores = [], []
    function(seen[0], settings)  # what is imported or compiled once
    for one in seen:
        start = perf_counter()
        labels = function(one, settings)
        seconds = perf_counter() - start
        if seconds < LONG:
            seconds = min(seconds, *shortest([partial(function, one, settings)], repeats=repeats))
        times.append(seconds)
        found = score_labels(one.truth, labels)
        rand = adjusted_rand_score(one.truth.ravel(), labels.ravel())
        scores.append((found.sbd, abs(found.dic), rand))
    sbd, abs_dic, ari = np.mean(scores, axis=0)
    return Measured(float(np.mean(times)), {"sbd": float(sbd), "abs_dic": float(abs_dic), "ari": float(ari)})


def mean_shift(seen: Seen, settings: SegmentSettings) -> NDArray[np.int32]:
    """Mean shift of scikit-learn on the foreground, as wide as a seed is, from the well filled cells of a grid."""
    from sklearn.cluster import MeanShift

    own = settings.clustering
    inside = seen.plant.inside(own.foreground_threshold)
    inside = np.ones(seen.truth.shape, bool) if inside is None else inside
    points = seen.plant.embeddings[:, inside].T
    shifter = MeanShift(bandwidth=own.seed_radius, bin_seeding=True, min_bin_freq=own.min_cluster_size)
    labels = np.zeros(seen.truth.shape, np.int32)
    labels[inside] = shifter.fit(points).labels_ + 1
    return labels


def _what_photos(material: Material, seen: Sequence[Seen]) -> Note:
    kind = "synthetic plants" if material.is_drawn else "photos"
    who = "that their model never saw" if material.is_held_out else "that the model may have been trained on"
    pixels = int(
        np.mean([(one.plant.foreground > 0.5).sum() for one in seen if one.plant.foreground is not None])
    )
    side = seen[0].truth.shape[0]
    return Note(
        "clustering",
        f"{len(seen)} {kind} {who}, embeddings on a grid of {side} x {side}, "
        f"{pixels} of its pixels foreground in the mean; scores on that grid, "
        "times on one core, as in the processes of a batch (fast_hdbscan: on all).",
    )


def _chosen(samples: Sequence[Sample], settings: SegmentSettings) -> Iterator[Result]:
    """Scores of whole photos, each under the setting of `experiments.grid.GRIDS` that is best on other folds."""
    if not find_spec("torch"):
        yield Note("clustering", "The choice of settings needs the extra train: pip install '.[train]'.")
        return
    import pandas as pd

    from leafwise.config import RunSettings
    from leafwise.evaluation import score_photos
    from leafwise.experiments import grid_candidates
    from leafwise.experiments.choice import chosen_elsewhere
    from leafwise.experiments.grid import GRIDS

    card = load_model(samples[0].model).card
    start = RunSettings(
        card.looks,
        card.net,
        card.loss,
        pipeline=settings.pipeline,
        clustering=settings.clustering,
        refine=settings.refine,
    )
    names = [name for name in CLUSTERINGS if name in GRIDS]
    means: dict[str, dict[str, float]] = {}
    for name in sorted(names, key=lambda name: name != BASELINE):
        candidates = grid_candidates(start, [name])
        tables = []
        for model in dict.fromkeys(sample.model for sample in samples):
            own = [sample for sample in samples if sample.model == model]
            folds = {sample.pair.name: sample.fold for sample in own}
            try:
                table = score_photos(
                    [sample.pair for sample in own],
                    load_model(model),
                    candidates,
                    workers=os.cpu_count() or 1,
                )
            except LeafwiseError as error:
                yield Note("clustering", f"{name}: {error}")
                break
            tables.append(table.assign(fold=table["photo"].map(folds)))
        if not tables:
            continue
        chosen = chosen_elsewhere(pd.concat(tables, ignore_index=True))
        means[name] = {key: float(chosen[key].mean()) for key in ("sbd", "abs_dic")}
        extras: dict[str, float | int | str] = {**means[name], "photos": len(chosen)}
        if name != BASELINE and BASELINE in means:
            gains = {key: means[name][key] - means[BASELINE][key] for key in ("sbd", "abs_dic")}
            extras |= {f"{key}_more": gain for key, gain in gains.items()}
        where = "other folds" if chosen["fold"].nunique() > 1 else "these photos"
        yield Row(
            "clustering",
            f"{name}, whole photos, best of {len(candidates)} settings on {where}",
            extras=extras,
        )
