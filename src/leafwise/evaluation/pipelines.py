"""One model on one data set with truth, under several pipelines."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leafwise.config import PAPER_PIPELINES, SegmentSettings, to_dict
from leafwise.datasets import SPLIT_NAME, Pair, seen_in, unseen
from leafwise.errors import DatasetError
from leafwise.evaluation.scoring import (
    METRICS,
    TRUE_MEANS,
    Candidate,
    make_candidates,
    score_photos,
    without_nan,
)
from leafwise.evaluation.sheets import WORST, draw_found
from leafwise.imaging import make_folder, write_image, write_text
from leafwise.models import Model, reference_to, shipped_models
from leafwise.segmenter import Segmenter


@dataclass(frozen=True)
class Evaluation:
    """Scores of every photo under every pipeline."""

    photos: pd.DataFrame  # a row for each photo and pipeline, see `score_photos`
    candidates: list[Candidate]

    def means(self) -> pd.DataFrame:
        """A row for each pipeline: the mean of each metric over the photos that have it, and how many photos."""
        kinds = self.photos.groupby("pipeline", sort=False)
        return kinds[list(METRICS)].mean().assign(photos=kinds.size())

    def worst(self, count: int = WORST) -> list[int]:
        """Places of the photos with the lowest SBD under the first pipeline, the lowest first."""
        sbd = self.photos.loc[self.photos["number"] == 0, "sbd"].reset_index(drop=True)
        return [int(place) for place in sbd.sort_values(kind="stable").index[:count]]


def unseen_by(
    model: Path, pairs: Sequence[Pair], *, on_doubt: Callable[[str], None] = lambda _: None
) -> list[Pair]:
    """The pairs that a model folder's training has not seen, as the split.json beside the folder says.

    Where it went on from a model of which that is not known, `on_doubt` is handed a line that says so.

    Raises DatasetError where there is no such file, or no pair is left.
    """
    written = model.parent / SPLIT_NAME
    if model in shipped_models():
        raise DatasetError(
            f"{model.name} comes with leafwise, which photos it has seen is not known by name; "
            f"`leafwise models {model.name}` says what it was trained on"
        )
    if not written.is_file():
        raise DatasetError(
            f"{written}: not there, so what the model has seen is not known; name the folder that its training wrote"
        )
    seen = seen_in(written)
    left = unseen(pairs, seen.names)
    if not left:
        raise DatasetError(f"{written}: the model has seen all {len(pairs)} photos; give it others")
    if seen.unknown:
        on_doubt(f"{written}: its training went on from {seen.unknown}, and what that has seen is not known")
    return left


def usual_pipelines(model: Model, settings: SegmentSettings) -> list[str]:
    """The pipeline of `settings`, and, where the model has a ClusterNet, the paper's seven with its clustering."""
    own = settings.pipeline
    if model.cluster_network is None:
        return [own.steps]
    paper = [own.clustering + steps.removeprefix("hdbscan") for steps in PAPER_PIPELINES]
    return list(dict.fromkeys([own.steps, *paper, f"{TRUE_MEANS}+cluster_net"]))


def evaluate(
    pairs: Sequence[Pair],
    model: Model,
    pipelines: Sequence[str],
    settings: SegmentSettings,
    *,
    workers: int = 1,
    on_photo: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Score a model's leaves on photos with truth, under each pipeline with the same other settings.

    With `workers` > 1 the photos are scored in that many processes; `on_photo` is called after each of them.

    Raises SettingsError for a pipeline that cannot be, ModelError for one that the model cannot take.
    """
    candidates = make_candidates(list(dict.fromkeys(pipelines)), [settings.clustering], settings)
    for candidate in candidates:
        Segmenter(model, candidate.settings)  # refuses what the model cannot take
    return Evaluation(score_photos(pairs, model, candidates, workers=workers, on_photo=on_photo), candidates)


def write_evaluation(evaluation: Evaluation, out: Path, pairs: Sequence[Pair], model: Model) -> None:
    """Write `out`/photos.csv, summary.json and worst.png: the worst photos with their truth and what was found.

    `pairs` and `model` are those that were evaluated. Raises OutputError where that fails.
    """
    make_folder(out)
    means = evaluation.means()
    first = evaluation.candidates[0]
    shown = [pairs[place] for place in evaluation.worst()]
    summary = {
        "model": reference_to(model.folder),
        "photos": len(pairs),
        "pipelines": {name: without_nan(row) for name, row in means.to_dict("index").items()},
        "worst": [pair.name for pair in shown],
        "settings": to_dict(first.settings),
    }
    write_text(out / "photos.csv", evaluation.photos.drop(columns="settings").to_csv(index=False))
    write_text(out / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    write_image(out / "worst.png", draw_found(shown, model, [first]))
