"""Cross-validation: each fold's photos are segmented by a model, and with settings, that never saw them."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leafwise.config import ClusterNetSettings, RunSettings, SegmentSettings, to_dict
from leafwise.datasets import (
    SPLIT_NAME,
    Folds,
    Pair,
    Split,
    learnt_names,
    listed,
    make_folds,
    read_folds,
    seen_in,
    unseen,
    write_folds,
)
from leafwise.errors import DatasetError, OutputError, SettingsError
from leafwise.evaluation.scoring import METRICS, Candidate, kept_scores, without_nan
from leafwise.evaluation.sheets import WORST, draw_sheet, found_cells
from leafwise.experiments.choice import best_candidate, chosen_elsewhere
from leafwise.imaging import make_folder, write_image, write_text
from leafwise.models import load_model
from leafwise.training import (
    SETTINGS_NAME,
    TRAINED_BY,
    Hardware,
    refuse_other_photos,
    refuse_second_run,
    train,
    train_cluster_net,
    what_trains,
)

START_NAME = "start.txt"  # in a cross-validation's folder: where its models started from
ONE_DEVICE = Hardware(devices="1")  # each process of a training on several would run the whole experiment


@dataclass(frozen=True)
class CrossValidation:
    """What a cross-validation found."""

    photos: pd.DataFrame  # one row a held-out photo, its fold's settings chosen on the other folds
    candidates: Sequence[Candidate]  # of the first variant, then of the next
    best: int  # of the candidates, over all folds: what to ship
    variant: str  # of the training, the best over all folds
    scores: pd.DataFrame  # all rows: every held-out photo under every variant and candidate
    shown: Mapping[
        tuple[str, int], tuple[Path, Sequence[Pair]]
    ]  # model and held-out photos, by variant and fold

    @property
    def chosen(self) -> SegmentSettings:
        """The settings to ship."""
        return self.candidates[self.best].settings

    def means(self) -> dict[str, float]:
        """The mean of each metric over all photos, in percent or leaves."""
        return {metric: float(self.photos[metric].mean()) for metric in METRICS}

    def means_by(self, *columns: str) -> dict[str, dict[str, float]]:
        """The means of each variant of the training and pipeline, their settings chosen on other folds.

        `columns` are "variant", "pipeline" or both; empty where there is nothing to compare.
        """
        kinds = [
            (" ".join(str(name) for name in names if name), kind)
            for names, kind in self.scores.groupby([*columns], sort=False)
        ]
        if len(kinds) < 2:
            return {}
        chosen = {name: chosen_elsewhere(kind) for name, kind in kinds}
        return {
            name: {metric: float(photos[metric].mean()) for metric in METRICS}
            for name, photos in chosen.items()
        }

    def by_candidate(self) -> pd.DataFrame:
        """The means of every training under every candidate on all held-out photos, a row each: how flat the choice is.

        What is best here was chosen on the photos that it is scored on; `means` is not.
        """
        rows = []
        for number, photos in self.scores.groupby("number"):
            candidate = self.candidates[photos["number"].iloc[0]]
            settings = {
                "number": number,
                "training": photos["variant"].iloc[0],
                "pipeline": candidate.pipeline,
            }
            settings |= to_dict(candidate.settings.clustering)
            rows.append(settings | {metric: round(photos[metric].mean(), 3) for metric in METRICS})
        return pd.DataFrame(rows)

    def draw_worst(self) -> NDArray[np.uint8]:
        """A sheet of the photos with the lowest SBD, each with its truth and what its own fold's model finds."""
        rows = []
        for row in self.photos.nsmallest(WORST, "sbd").to_dict("records"):
            model, pairs = self.shown[row["variant"], row["fold"]]
            pair = next(pair for pair in pairs if pair.name == row["photo"])
            rows += found_cells([pair], load_model(model), [self.candidates[row["number"]]])
        return draw_sheet(rows)


def write_cross_validation(result: CrossValidation, out: Path) -> None:
    """Write `out`/summary.json, candidates.csv (a row a choice of settings) and worst.png.

    Raises OutputError where that fails.
    """
    chosen = {"training": result.variant, **to_dict(result.chosen)}
    summary = {"means": without_nan(result.means()), "chosen": chosen}
    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    write_text(out / "candidates.csv", result.by_candidate().to_csv(index=False))
    write_image(out / "worst.png", result.draw_worst())


def cross_validate(
    folds: Folds,
    out: Path,
    variants: Mapping[str, RunSettings],
    candidates: Sequence[Candidate],
    *,
    start: Path | None = None,
    workers: int = 1,
    on_step: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train models for each fold, and score the fold's photos as `leafwise segment` would find their leaves.

    The variant of the training and the candidate that score a fold are the best on the other folds' held-out
    photos, so nothing that is scored was chosen on the photo it is scored on. Every stage is kept in `out`
    (VARIANT/fold1/, ..., photos.csv; a variant named "" is `out` itself) and is skipped when it is done: a run
    that was stopped goes on. Each variant's models look at photos as that variant says (its section `looks`).

    Where a candidate has a ClusterNet in its pipeline, each fold's is trained on the held-out photos of the other
    folds, each as its own fold's model shows it. (Those models have seen the fold's photos; this ClusterNet has not.)

    `start` is the folder of another cross-validation: each fold's training goes on from its model of that fold,
    which must not have seen the photos held out here.

    Raises OutputError where `out` holds models of other settings or another start, DatasetError where a model to
    start from is missing or has seen held-out photos, SettingsError where a ClusterNet has no other fold to learn from,
    two variants are one training, or a candidate knows the truth.
    """
    with_cluster_nets = any("cluster_net" in one.settings.pipeline.refinements for one in candidates)
    if with_cluster_nets and len(folds.splits) < 2:
        raise SettingsError(
            "a fold's ClusterNet learns from the photos of the other folds, and there is one fold alone; "
            "take two or more (--only 2), or a pipeline without cluster_net (--pipelines seeded)"
        )
    if any(one.true_means for one in candidates):
        raise SettingsError(
            "true_means knows the truth, so it would be chosen for it; leave it out, and score it by "
            "`leafwise evaluate --pipelines true_means`"
        )
    _refuse_twins(variants, (*TRAINED_BY, "cluster_net") if with_cluster_nets else TRAINED_BY)
    _refuse_other_start(out, start)
    starts = [start and unseen_start(start, number, split) for number, split in enumerate(folds.splits, 1)]
    if start:
        write_text(out / START_NAME, f"{start.absolute()}\n")
    tables = []
    tried: list[Candidate] = []
    shown = {}  # the model and photos of each fold
    for name, settings in variants.items():
        own = [replace(one, settings=replace(one.settings, looks=settings.looks)) for one in candidates]
        models = []
        for number, split in enumerate(folds.splits, 1):
            on_step(f"{name} fold {number}: {len(split.train)} photos to train on".strip())
            folder = out / name / f"fold{number}"
            models.append(trained_once(split.train, folder, settings, start=starts[number - 1]))
        if with_cluster_nets:
            models = _with_cluster_nets(folds, models, settings.cluster_net, on_step)
        for number, (split, model) in enumerate(zip(folds.splits, models, strict=True), 1):
            on_step(f"{name} fold {number}: {len(split.validation)} photos to score".strip())
            shown[name, number] = model, split.validation
            path = out / name / f"fold{number}" / "scores.csv"
            table = kept_scores(path, split.validation, model, own, workers)
            table["number"] += len(tried)
            tables.append(table.assign(fold=number, variant=name))
        tried += own
    scores = pd.concat(tables, ignore_index=True)
    photos = chosen_elsewhere(scores)
    write_text(
        out / "photos.csv", photos.drop(columns=["settings", "digest"], errors="ignore").to_csv(index=False)
    )
    best = best_candidate(scores)
    return CrossValidation(photos, tried, best, list(variants)[best // len(candidates)], scores, shown)


def trained_once(
    pairs: Sequence[Pair],
    folder: Path,
    settings: RunSettings,
    hardware: Hardware = ONE_DEVICE,
    start: Path | None = None,
) -> Path:
    """The model folder of a run, trained where it is not there yet, or not to its end, from the weights of `start`.

    Raises OutputError where the run that is there has other settings or photos.
    """
    refuse_second_run(folder, settings, TRAINED_BY, resume=True)
    refuse_other_photos(folder, Split(tuple(pairs), ()))
    model = folder / "model"
    if model.is_dir():
        return model
    return train(pairs, [], folder, settings, start=start, resume=True, hardware=hardware)


def unseen_start(start: Path, number: int, split: Split) -> Path:
    """The model of a fold of another cross-validation, in the folder `start`.

    A data set's photos have the same names there, or, where it was the only one, names without the data set's.

    Raises DatasetError where it is not there, or where it has seen photos that are held out here.
    """
    folder = start / f"fold{number}"
    written = folder / SPLIT_NAME
    if not written.is_file() or not (folder / "model").is_dir():
        raise DatasetError(f"{folder}: no trained fold to start from; name a folder of `leafwise crossval`")
    kept = unseen(split.validation, seen_in(written).names)
    leaked = [pair.name for pair in split.validation if pair not in kept]
    if leaked:
        raise DatasetError(
            f"{folder}: its model has seen {leaked[0]}, which is held out here; start from models of the same folds"
        )
    return folder / "model"


def _refuse_twins(variants: Mapping[str, RunSettings], sections: Sequence[str]) -> None:
    """Raise SettingsError where two variants do not differ in what is trained."""
    names: dict[str, str] = {}
    for name, settings in variants.items():
        key = str(what_trains(settings, sections))
        if key in names:
            raise SettingsError(
                f"{names[key]} and {name} are one training; choose clustering settings by --grid, pipelines by "
                "--pipelines, and what changes no weights by --set and the same --out"
            )
        names[key] = name


def _refuse_other_start(out: Path, start: Path | None) -> None:
    """Raise OutputError where the folds in `out` were trained from other models."""
    path = out / START_NAME
    before = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    now = str(start.absolute()) if start else ""
    if before != now and any(out.rglob(f"fold*/{SETTINGS_NAME}")):
        raise OutputError(
            f"{out}: its folds were trained from {before or 'scratch'}; name another folder for others"
        )


def _with_cluster_nets(
    folds: Folds,
    models: Sequence[Path],
    settings: ClusterNetSettings,
    on_step: Callable[[str], None],
) -> list[Path]:
    shown = [(model, split.validation) for model, split in zip(models, folds.splits, strict=True)]
    refined = []
    for number, model in enumerate(models, 1):
        others = [*shown[: number - 1], *shown[number:]]
        on_step(f"fold {number}: ClusterNet, {sum(len(pairs) for _, pairs in others)} photos to train on")
        _forget_other_photos(model.parent, others)
        refined.append(cluster_net_once(others, model, model.parent / "cluster_net", settings))
    return refined


def _forget_other_photos(fold: Path, shown: Sequence[tuple[Path, Sequence[Pair]]]) -> None:
    """Remove a fold's ClusterNet, and its scores, where it learnt from fewer folds than there are now."""
    written = fold / "cluster_net" / SPLIT_NAME
    if written.is_file() and not {pair.name for _, pairs in shown for pair in pairs} <= learnt_names(written):
        (fold / "scores.csv").unlink(missing_ok=True)  # first: a run that is stopped here must not keep it
        shutil.rmtree(fold / "cluster_net")


def cluster_net_once(
    shown: Sequence[tuple[Path, Sequence[Pair]]],
    model: Path,
    folder: Path,
    settings: ClusterNetSettings,
    hardware: Hardware = ONE_DEVICE,
) -> Path:
    """A model's folder with its ClusterNet, trained where it is not there yet, on photos as models show them.

    Raises OutputError where the run that is there has other settings.
    """
    refuse_second_run(folder, RunSettings(cluster_net=settings), ("cluster_net",), resume=True)
    if (folder / "model").is_dir():
        return folder / "model"
    return train_cluster_net([], model, folder, settings, others=shown, resume=True, hardware=hardware)


def prepare_folds(
    pairs: Sequence[Pair], out: Path, *, n_folds: int, seed: int, by_group: bool = False
) -> Folds:
    """The folds of a cross-validation: those written down in `out`/folds.json, or new ones, which are written.

    Raises DatasetError where the file speaks of other pairs, holds one out twice, or has another number of folds, or
    others by group.
    """
    path = out / "folds.json"
    if not path.is_file():
        make_folder(out)
        write_folds(path, make_folds(pairs, n_folds=n_folds, seed=seed, by_group=by_group))
    folds = read_folds(path, pairs)
    held_out = Counter(pair.name for split in folds.splits for pair in split.validation)
    left_out = sorted({pair.name for pair in pairs} - held_out.keys())
    if left_out:
        raise DatasetError(f"{path}: says nothing of {listed(left_out)}; name another folder")
    twice = sorted(name for name, times in held_out.items() if times > 1)
    if twice:
        raise DatasetError(f"{path}: held out in two folds: {listed(twice)}; hold each photo out once")
    if folds.by_group != by_group:
        how = "by group" if folds.by_group else "not by group"
        raise DatasetError(f"{path}: its folds are {how}; name another folder for others")
    if len(folds.splits) != n_folds:
        raise DatasetError(f"{path}: {len(folds.splits)} folds, {n_folds} are asked for; name another folder")
    return folds
