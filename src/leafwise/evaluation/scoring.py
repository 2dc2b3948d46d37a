"""Scores of one model on photos with truth, under any number of settings at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import starmap
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leafwise.batch import IN_FLIGHT, Workers
from leafwise.clustering import centers_of, nearest_center
from leafwise.config import ClusteringSettings, LookSettings, PipelineSettings, SegmentSettings
from leafwise.datasets import Pair
from leafwise.imaging import compact_labels, cut_labels, digest_of, read_image, read_labels, write_text
from leafwise.metrics import score_labels
from leafwise.models import ClusterNetwork, Model, load_model
from leafwise.segmenter import SeenPlant, Segmentation, Segmenter, cluster, finish_leaves

AHEAD = 4  # photos for each process that wait for it
METRICS = ("sbd", "fbd", "abs_dic", "dic", "sbd_small", "sbd_medium", "sbd_large")
TRUE_MEANS = (
    "true_means"  # in the place of a clustering: the means of the true leaves (paper, section 6.2, row 7)
)

Seen = list[list[SeenPlant]]  # a photo's plants, in each way in which a candidate looks at it
Row = dict[str, object]


@dataclass(frozen=True)
class Candidate:
    """A pipeline by its name, which may begin with true means, and all that it is used with."""

    pipeline: str
    settings: SegmentSettings

    @property
    def true_means(self) -> bool:
        """Whether the truth takes the place of the clustering."""
        return self.pipeline.split("+")[0] == TRUE_MEANS


def make_candidates(
    pipelines: Sequence[str], clusterings: Sequence[ClusteringSettings], start: SegmentSettings
) -> list[Candidate]:
    """Every pipeline with every one of the clustering settings; true means need no settings, so they come once.

    Raises SettingsError for a pipeline that cannot be.
    """
    candidates = []
    for pipeline in pipelines:
        first, *others = pipeline.split("+")
        true_means = first == TRUE_MEANS
        steps = PipelineSettings("+".join([start.pipeline.clustering, *others]) if true_means else pipeline)
        for clustering in clusterings[:1] if true_means else clusterings:
            candidates.append(Candidate(pipeline, replace(start, pipeline=steps, clustering=clustering)))
    return candidates


def score_photos(
    pairs: Sequence[Pair],
    model: Model,
    candidates: Sequence[Candidate],
    *,
    workers: int = 1,
    on_photo: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """A row of scores for each photo and each candidate, just as `leafwise segment` would find the leaves.

    Columns: photo, number (of the candidate), pipeline, settings, the fields of `ImageScores`, abs_dic.

    Raises ModelError where a candidate needs a ClusterNet and the model has none.
    """
    segmenters = [Segmenter(model, candidate.settings) for candidate in candidates]  # each is checked
    looks = [_looks_of(candidate.settings) for candidate in candidates]
    kinds = list(dict.fromkeys(looks))
    looking = [segmenters[looks.index(kind)] for kind in kinds]
    score = partial(
        _score_photo,
        candidates=list(candidates),
        kinds=[kinds.index(one) for one in looks],
        network=model.cluster_network,
    )
    photos = (read_image(pair.image) for pair in pairs)
    seen = ([one.look(photo) for one in looking] for photo in photos)
    tables = []
    for rows in _in_processes(score, zip(pairs, seen, strict=True), workers):
        tables += rows
        on_photo()
    return pd.DataFrame(tables)


def _looks_of(settings: SegmentSettings) -> tuple[LookSettings, float, ClusteringSettings | None]:
    """What decides how a photo is looked at, which is the same for most candidates.

    With several turns the clustering belongs to it: whether two of them agree.
    """
    clustering = settings.clustering
    return settings.looks, clustering.foreground_threshold, clustering if settings.looks.turns > 1 else None


def _in_processes(
    score: Callable[[Pair, Seen], list[Row]], photos: Iterable[tuple[Pair, Seen]], workers: int
) -> Iterator[list[Row]]:
    """The rows of each photo, in their order, while the networks see those that follow, up to `IN_FLIGHT` bytes."""
    if workers == 1:
        yield from starmap(score, photos)
        return
    with Workers(workers) as pool:
        waiting: deque[tuple[Future[list[Row]], int]] = deque()
        for pair, seen in photos:
            size = sum(plant.embeddings.nbytes for plants in seen for plant in plants)
            waiting.append((pool.submit(score, pair, seen), size))
            while len(waiting) > AHEAD * workers or sum(size for _, size in waiting) > IN_FLIGHT:
                yield waiting.popleft()[0].result()
        for future, _ in waiting:
            yield future.result()


def kept_scores(
    path: Path, pairs: Sequence[Pair], model: Path, candidates: Sequence[Candidate], workers: int = 1
) -> pd.DataFrame:
    """`score_photos` of a model folder, kept in a file; what is there of the same candidates and photos stays."""
    digests = {pair.name: digest_of(pair.image) + digest_of(pair.labels) for pair in pairs}
    if path.is_file():
        table = pd.read_csv(path, dtype={"photo": str})
        same = list(table["settings"].unique()) == [str(candidate) for candidate in candidates]
        if same and "digest" in table and dict(zip(table["photo"], table["digest"], strict=True)) == digests:
            return table
    table = score_photos(pairs, load_model(model), candidates, workers=workers)
    table["digest"] = table["photo"].map(digests)  # a label map may be put right
    write_text(path, table.to_csv(index=False))
    return table


def without_nan(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """A row with None where a value is nan, as JSON has it."""
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in row.items()}


def leaves_of(
    seen: Sequence[SeenPlant],
    truth: NDArray[np.int32],
    candidate: Candidate,
    network: ClusterNetwork | None,
    starts: dict[object, list[NDArray[np.int32]]] | None = None,
) -> Segmentation:
    """The leaves of a photo by a candidate; `starts` keeps the clusterings that several of them share."""
    settings = candidate.settings
    starts = {} if starts is None else starts
    key = candidate.pipeline if candidate.true_means else (settings.pipeline.clustering, settings.clustering)
    if key not in starts:
        first = partial(true_labels, truth=truth) if candidate.true_means else cluster
        starts[key] = [first(plant, settings) for plant in seen]
    height, width = truth.shape
    return finish_leaves(seen, starts[key], height, width, settings, network)


def true_labels(plant: SeenPlant, settings: SegmentSettings, truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """The true leaves int32 (H, W) on a plant's grid (h, w), without gaps, on its foreground where it has one.

    Later steps find their means in these labels. Where they would take over the labels themselves, the truth would be
    scored against itself: there each pixel goes to the nearest of the means, that of the background among them where
    the network knows no foreground.
    """
    labels = cut_labels(truth, plant.square, plant.embeddings.shape[1])
    inside = plant.inside(settings.clustering.foreground_threshold)
    labels = compact_labels(labels if inside is None else labels * inside)[0]
    refinements = settings.pipeline.refinements
    takes_over = refinements[:1] == ("mrf",) or (inside is None and not refinements)
    return _to_nearest_mean(plant.embeddings, labels, inside) if takes_over and labels.any() else labels


def _to_nearest_mean(
    embeddings: NDArray[np.float32], labels: NDArray[np.int32], inside: NDArray[np.bool_] | None
) -> NDArray[np.int32]:
    """Each pixel inside to the mean embedding (D,) that is nearest: (D, h, w), labels (h, w) -> labels (h, w)."""
    everywhere = np.ones(labels.shape, bool)
    members, shown = (everywhere, everywhere) if inside is None else (labels > 0, inside)
    values, numbers = np.unique(labels[members], return_inverse=True)
    centers = centers_of(embeddings[:, members].T, numbers.astype(np.int32))
    found = np.zeros_like(labels)
    found[shown] = values[nearest_center(embeddings[:, shown].T, centers)]
    return compact_labels(found)[0]


def _score_photo(
    pair: Pair,
    seen: Seen,
    candidates: list[Candidate],
    kinds: list[int],
    network: ClusterNetwork | None,
) -> list[Row]:
    """`kinds` says for each candidate which of the ways in which the photo was `seen` is its own."""
    truth = read_labels(pair.labels)
    rows: list[Row] = []
    starts: list[dict[object, list[NDArray[np.int32]]]] = [{} for _ in seen]
    for number, (candidate, kind) in enumerate(zip(candidates, kinds, strict=True)):
        scores = score_labels(truth, leaves_of(seen[kind], truth, candidate, network, starts[kind]).labels)
        row = {
            "photo": pair.name,
            "number": number,
            "pipeline": candidate.pipeline,
            "settings": str(candidate),
        }
        rows.append(row | asdict(scores) | {"abs_dic": abs(scores.dic)})
    return rows
