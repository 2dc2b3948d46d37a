"""Cross-validation: each fold's photos are segmented by a model, and with settings, that never saw them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leafwise.config import RunSettings, SegmentSettings, from_dict, read_toml
from leafwise.datasets import Folds, Pair, make_folds, read_folds, write_folds
from leafwise.errors import DatasetError, OutputError
from leafwise.experiments.choice import best_candidate, chosen_elsewhere
from leafwise.experiments.scoring import METRICS, Candidate, kept_scores
from leafwise.imaging import make_folder, write_text
from leafwise.training import SETTINGS_NAME, Hardware, train

TRAINED_BY = ("looks", "net", "loss", "augment", "training")  # sections that the weights depend on


@dataclass(frozen=True)
class CrossValidation:
    """What a cross-validation found."""

    photos: pd.DataFrame  # one row a held-out photo, its fold's settings chosen on the other folds
    chosen: SegmentSettings  # best over all folds: what to ship
    variant: str  # of the training, the best over all folds
    scores: pd.DataFrame  # all rows: every held-out photo under every variant and candidate

    def means(self) -> dict[str, float]:
        """The mean of each metric over all photos, in percent or leaves."""
        return {metric: float(self.photos[metric].mean()) for metric in METRICS}

    def variant_means(self) -> dict[str, float]:
        """The mean SBD of each variant of the training, where there are several, its settings chosen on other folds."""
        kinds = self.scores.groupby("variant", sort=False)
        return {str(name): float(chosen_elsewhere(kind)["sbd"].mean()) for name, kind in kinds if name}


def cross_validate(
    folds: Folds,
    out: Path,
    variants: Mapping[str, RunSettings],
    candidates: Sequence[Candidate],
    *,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
    workers: int = 1,
    on_step: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train models for each fold, and score the fold's photos as `leafwise segment` would find their leaves.

    The variant of the training and the candidate that score a fold are the best on the other folds' held-out
    photos, so nothing that is scored was chosen on the photo it is scored on. Every stage is kept in `out`
    (VARIANT/fold1/, ..., photos.csv; a variant named "" is `out` itself) and is skipped when it is done: a run
    that was stopped goes on.

    Raises OutputError where `out` holds models of other settings.
    """
    tables = []
    for position, (name, settings) in enumerate(variants.items()):
        for number, split in enumerate(folds.splits, 1):
            folder = out / name / f"fold{number}"
            fold = f"{name} fold {number} of {len(folds.splits)}".strip()
            on_step(f"{fold}: {len(split.train)} photos to train on")
            model = trained_once(split.train, folder, settings, hardware)
            on_step(f"{fold}: {len(split.validation)} photos to score, {len(candidates)} settings")
            table = kept_scores(folder / "scores.csv", split.validation, model, candidates, workers)
            table["number"] += position * len(candidates)
            tables.append(table.assign(fold=number, variant=name))
    scores = pd.concat(tables, ignore_index=True)
    photos = chosen_elsewhere(scores)
    write_text(out / "photos.csv", photos.to_csv(index=False))
    variant, candidate = divmod(best_candidate(scores), len(candidates))
    return CrossValidation(photos, candidates[candidate].settings, list(variants)[variant], scores)


def trained_once(
    pairs: Sequence[Pair],
    folder: Path,
    settings: RunSettings,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
) -> Path:
    """The model folder of a run, trained where it is not there yet, or not to its end.

    Raises OutputError where the run that is there has other settings.
    """
    written, model = folder / SETTINGS_NAME, folder / "model"
    if written.is_file() and not _same_training(written, settings):
        raise OutputError(f"{folder}: holds a training of other settings; name another folder")
    return model if model.is_dir() else train(pairs, [], folder, settings, resume=True, hardware=hardware)


def _same_training(written: Path, settings: RunSettings) -> bool:
    before, now = from_dict(RunSettings, read_toml(written), where=str(written)), settings
    return all(getattr(before, part) == getattr(now, part) for part in TRAINED_BY)


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
