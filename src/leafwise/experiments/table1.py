"""The paper's Table 1: four loss variants, a ClusterNet for each, seven pipelines, cross-validated (section 6.2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from leafwise.config import PAPER_PIPELINES, RunSettings
from leafwise.datasets import Folds, make_holdout
from leafwise.evaluation.scoring import TRUE_MEANS, Candidate, kept_scores
from leafwise.experiments.choice import chosen_elsewhere
from leafwise.experiments.crossval import ONE_DEVICE, cluster_net_once, trained_once
from leafwise.imaging import write_text
from leafwise.training import Hardware

CLUSTER_NET_SHARE = (
    30 / 108
)  # of a fold's training photos: the paper has 78 for the embeddings, 30 for ClusterNet
PIPELINES = (*PAPER_PIPELINES, f"{TRUE_MEANS}+cluster_net")
LOSS_VARIANTS = ("plain", "edge", "weighted", "edge+weighted")


@dataclass(frozen=True)
class Table1:
    """Scores of every held-out photo under every loss variant and pipeline."""

    photos: pd.DataFrame  # columns variant, pipeline, fold, photo, sbd, fbd, abs_dic, ...

    def rows(self) -> pd.DataFrame:
        """A row for each variant and pipeline: mean over the photos, and spread (standard deviation) of the folds."""
        kinds = self.photos.groupby(["variant", "pipeline"], sort=False)
        means = kinds[["sbd", "fbd", "abs_dic"]].mean()
        folds = self.photos.groupby(["variant", "pipeline", "fold"], sort=False)[
            ["sbd", "fbd", "abs_dic"]
        ].mean()
        spread = folds.groupby(["variant", "pipeline"], sort=False).std(ddof=0)
        return means.join(spread.add_suffix("_spread")).reset_index()


def loss_variants(settings: RunSettings) -> dict[str, RunSettings]:
    """The same settings with and without the edge loss, by its own weight or 1, and the mean weighted by key points."""
    variants = {}
    for name in LOSS_VARIANTS:
        edge = (settings.loss.edge_weight or 1.0) if "edge" in name else 0.0
        loss = replace(
            settings.loss,
            edge_weight=edge,
            pixel_weights="key_points" if "weighted" in name else "uniform",
        )
        variants[name] = replace(settings, loss=loss)
    return variants


def run_table1(
    folds: Folds,
    out: Path,
    variants: Mapping[str, RunSettings],
    candidates: Sequence[Candidate],
    *,
    hardware: Hardware = ONE_DEVICE,
    on_step: Callable[[str], None] = lambda _: None,
) -> Table1:
    """Train and score all that the table needs, fold by fold, and write `out`/photos.csv.

    A fold's training photos are parted into the paper's roles: some train the embeddings, the others ClusterNet,
    the fold's own are scored. The candidate of a pipeline's row is the one that is best for it on the other folds.
    Every stage (`out`/foldN/VARIANT/embedding, cluster_net, scores.csv) is kept, resumed and never done twice.

    Raises OutputError where `out` holds models of other settings.
    """
    tables = []
    for number, fold in enumerate(folds.splits, 1):
        roles = make_holdout(
            fold.train, fraction=CLUSTER_NET_SHARE, seed=folds.seed, by_group=folds.by_group
        ).splits[0]
        for name, settings in variants.items():
            folder = out / f"fold{number}" / name
            step = f"fold {number} of {len(folds.splits)}, {name}"
            on_step(f"{step}: embeddings, {len(roles.train)} photos")
            model = trained_once(roles.train, folder / "embedding", settings, hardware)
            on_step(f"{step}: ClusterNet, {len(roles.validation)} photos")
            shown = [(model, roles.validation)]
            model = cluster_net_once(shown, model, folder / "cluster_net", settings.cluster_net, hardware)
            on_step(f"{step}: scores, {len(fold.validation)} photos, {len(candidates)} settings")
            table = kept_scores(folder / "scores.csv", fold.validation, model, candidates)
            tables.append(table.assign(fold=number, variant=name))
    scores = pd.concat(tables, ignore_index=True)
    kinds = [chosen_elsewhere(kind) for _, kind in scores.groupby(["variant", "pipeline"], sort=False)]
    photos = pd.concat(kinds, ignore_index=True)
    write_text(out / "photos.csv", photos.to_csv(index=False))
    return Table1(photos)
