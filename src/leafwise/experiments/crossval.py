"""Cross-validation: each fold's photos are segmented by a model, and with settings, that never saw them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from leafwise.batch import Workers
from leafwise.config import ClusteringSettings, RunSettings, SegmentSettings
from leafwise.datasets import Folds, Pair, Split, make_folds, read_folds, write_folds
from leafwise.errors import DatasetError
from leafwise.imaging import make_folder, read_image, read_labels, write_text
from leafwise.metrics import score_labels
from leafwise.segmenter import Segmenter, find_leaves
from leafwise.segmenter.leaves import SeenPlant
from leafwise.training import Hardware, train

METRICS = ("sbd", "fbd", "abs_dic", "dic", "sbd_small", "sbd_medium", "sbd_large")
TIE = 1e-9


@dataclass(frozen=True)
class CrossValidation:
    """What a cross-validation found."""

    photos: pd.DataFrame  # one row a held-out photo, its fold's settings chosen on the other folds
    chosen: ClusteringSettings  # best over all folds: what to ship
    folder: Path

    def means(self) -> dict[str, float]:
        """The mean of each metric over all photos, in percent or leaves."""
        return {metric: float(self.photos[metric].mean()) for metric in METRICS}


def cross_validate(
    folds: Folds,
    out: Path,
    settings: RunSettings,
    grid: Sequence[ClusteringSettings],
    *,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
    workers: int = 1,
    on_step: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train a model for each fold, and score the fold's photos as `leafwise segment` would find their leaves.

    The clustering settings that score a fold are the best of `grid` on the other folds' held-out photos, so
    nothing that is scored was chosen on the photo it is scored on. Every stage is kept in `out` (fold1/, ...,
    photos.csv) and is skipped when it is done: a run that was stopped goes on.
    """
    tables = []
    for number, split in enumerate(folds.splits, 1):
        folder = out / f"fold{number}"
        on_step(f"fold {number} of {len(folds.splits)}: {len(split.train)} photos to train on")
        model = folder / "model"
        if not model.is_dir():
            model = train(split.train, [], folder, settings, resume=True, hardware=hardware)
        on_step(
            f"fold {number} of {len(folds.splits)}: {len(split.validation)} photos to score, {len(grid)} settings"
        )
        table = _scores(split, model, folder / "scores.csv", grid, workers)
        tables.append(table.assign(fold=number))
    scores = pd.concat(tables, ignore_index=True)
    photos = pd.concat([_held_out(scores, fold) for fold in scores["fold"].unique()], ignore_index=True)
    write_text(out / "photos.csv", photos.to_csv(index=False))
    return CrossValidation(photos, grid[_best(scores)], out)


def prepare_folds(
    pairs: Sequence[Pair], out: Path, *, n_folds: int, seed: int, by_group: bool = False
) -> Folds:
    """The folds of a cross-validation: those written down in `out`/folds.json, or new ones, which are written.

    Raises DatasetError where the file speaks of other pairs, or of another number of folds.
    """
    path = out / "folds.json"
    if not path.is_file():
        make_folder(out)
        write_folds(path, make_folds(pairs, n_folds=n_folds, seed=seed, by_group=by_group))
    folds = read_folds(path, pairs)
    if len(folds.splits) != n_folds:
        raise DatasetError(f"{path}: {len(folds.splits)} folds, {n_folds} are asked for; name another folder")
    return folds


def _scores(
    split: Split, model: Path, path: Path, grid: Sequence[ClusteringSettings], workers: int
) -> pd.DataFrame:
    """A row for each held-out photo and each of the grid's settings."""
    wanted = [str(settings) for settings in grid]
    if path.is_file():
        table = pd.read_csv(path)
        if list(table["settings"].unique()) == wanted:
            return table
    segmenter = Segmenter.from_pretrained(model)
    segmenter = Segmenter(segmenter.model, SegmentSettings(segmenter.model.card.looks, grid[0]))
    seen = (segmenter.look([read_image(pair.image)])[0] for pair in split.validation)
    with Workers(workers) as pool:
        rows = pool.map(partial(_score_photo, grid=list(grid)), split.validation, seen)
        table = pd.DataFrame([row for photo in rows for row in photo])
    write_text(path, table.to_csv(index=False))
    return table


def _score_photo(
    pair: Pair, seen: list[SeenPlant], grid: list[ClusteringSettings]
) -> list[dict[str, object]]:
    truth = read_labels(pair.labels)
    height, width = truth.shape
    rows = []
    for number, settings in enumerate(grid):
        scores = score_labels(truth, find_leaves(seen, height, width, settings).labels)
        row: dict[str, object] = {"photo": pair.name, "number": number, "settings": str(settings)}
        rows.append(row | asdict(scores) | {"abs_dic": abs(scores.dic)})
    return rows


def _held_out(scores: pd.DataFrame, fold: int) -> pd.DataFrame:
    """The rows of one fold under the settings that are best on the others."""
    others = scores[scores["fold"] != fold]
    best = _best(others if len(others) else scores)
    return scores[(scores["fold"] == fold) & (scores["number"] == best)]


def _best(scores: pd.DataFrame) -> int:
    """The number of the settings with the best mean of SBD - |DiC|; the first of equals.

    A leaf miscounted weighs as much as a point of SBD: by SBD alone, small leaves are given up too easily.
    """
    means = (scores["sbd"] - scores["abs_dic"]).groupby(scores["number"]).mean()
    return int(means.index[np.flatnonzero(means >= means.max() - TIE)[0]])
