"""Table 1 into files: Markdown, CSV and JSON beside the published rows, and the paper's figures 5 and 6."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from leafwise.config import RunSettings, to_dict
from leafwise.datasets import Folds, Pair, make_holdout
from leafwise.evaluation.scoring import TRUE_MEANS, Candidate, without_nan
from leafwise.experiments.published import PAPER, PEERS
from leafwise.experiments.table1 import CLUSTER_NET_SHARE, Table1
from leafwise.experiments.table1_figures import draw_figure5, draw_figure6, spread_over
from leafwise.experiments.table1_markdown import HEADERS, Roles, compose
from leafwise.imaging import write_image, write_text
from leafwise.models import read_card

PHOTOS_SHOWN = 3  # in figure 5
SHOWN_VARIANT = "plain"  # of the loss, where the table has it


def report_table1(
    table: Table1,
    out: Path,
    settings: RunSettings,
    folds: Folds,
    candidates: Sequence[Candidate],
    *,
    n_shown: int = PHOTOS_SHOWN,
) -> None:
    """Write `out`/table1.md, table1.csv, table1.json, figure5.png and, without a foreground head, figure6.png.

    Args:
        table: what `run_table1` has found, with its models in `out`.
        out: the folder of `run_table1`.
        settings: those that the loss variants are made of.
        folds: those of `run_table1`; the table may hold only the first of them.
        candidates: those of `run_table1`.
        n_shown: how many photos figure 5 shows.

    Raises OutputError where a file cannot be written.
    """
    figures = draw_figures(table, out, folds, candidates, n_shown)
    scored = sorted(table.photos["fold"].unique())
    write_report(table, out, settings, roles_of(folds, scored), figures)


def write_report(
    table: Table1,
    out: Path,
    settings: RunSettings,
    roles: Sequence[Roles] = (),
    figures: Sequence[str] = (),
) -> None:
    """Write `out`/table1.md, table1.csv and table1.json; `figures` are paragraphs of Markdown for the first.

    Raises OutputError where one of them cannot be written.
    """
    rows = compared(table)
    content = {
        "rows": [without_nan(row) for row in rows.to_dict("records")],
        "paper": {pipeline: asdict(row) for pipeline, row in PAPER.items()},
        "other_methods": [asdict(row) for row in PEERS],
        "roles": [asdict(role) for role in roles],
        "settings": to_dict(settings),
    }
    write_text(out / "table1.csv", rows.to_csv(index=False))
    write_text(out / "table1.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    write_text(out / "table1.md", compose(rows, settings, roles, figures))


def compared(table: Table1) -> pd.DataFrame:
    """The rows of the table with their numbers of photos and folds, and what was published.

    Columns: variant, pipeline, photos, folds, and of each metric METRIC (sbd, fbd, abs_dic) METRIC,
    METRIC_spread, METRIC_difference (to the clustering alone), paper_METRIC and paper_METRIC_difference; nan where
    there is none.
    """
    kinds = table.photos.groupby(["variant", "pipeline"], sort=False)
    counts = kinds.agg(photos=("photo", "size"), folds=("fold", "nunique")).reset_index()
    rows = counts.merge(table.rows(), on=["variant", "pipeline"])
    values = {(row["variant"], row["pipeline"]): row for row in rows.to_dict("records")}
    lines = []
    for (variant, pipeline), row in values.items():
        base = values.get((variant, _base_of(pipeline, rows["pipeline"])))
        published = {name: asdict(paper) for name, paper in PAPER.items()}
        of_paper, paper_base = published.get(pipeline), published["hdbscan"]
        line = {key: row[key] for key in ("variant", "pipeline", "photos", "folds")}
        for metric in HEADERS:
            line[metric] = row[metric]
            line[f"{metric}_spread"] = row[f"{metric}_spread"]
            line[f"{metric}_difference"] = _less(row, base, metric)
            line[f"paper_{metric}"] = of_paper[metric] if of_paper else math.nan
            line[f"paper_{metric}_difference"] = _less(of_paper, paper_base, metric)
        lines.append(line)
    return pd.DataFrame(lines)


def roles_of(folds: Folds, numbers: Sequence[int]) -> list[Roles]:
    """How many photos do what in the folds of these numbers, from 1 on, as `run_table1` parts them."""
    roles = []
    for number in numbers:
        fold = folds.splits[number - 1]
        parts = make_holdout(
            fold.train, fraction=CLUSTER_NET_SHARE, seed=folds.seed, by_group=folds.by_group
        ).splits[0]
        roles.append(Roles(int(number), len(parts.train), len(parts.validation), len(fold.validation)))
    return roles


def draw_figures(
    table: Table1, out: Path, folds: Folds, candidates: Sequence[Candidate], n_shown: int = PHOTOS_SHOWN
) -> list[str]:
    """Write figure5.png and figure6.png of one variant, on the first fold; returns what is to be said of them."""
    variants, fold = list(table.photos["variant"].unique()), int(table.photos["fold"].min())
    variant = SHOWN_VARIANT if SHOWN_VARIANT in variants else variants[0]
    photos = table.photos[(table.photos["variant"] == variant) & (table.photos["fold"] == fold)]
    rows = {str(pipeline): kind for pipeline, kind in photos.groupby("pipeline", sort=False)}
    chosen = [candidates[int(kind["number"].iloc[0])] for kind in rows.values()]
    first, pairs = next(iter(rows)), folds.splits[fold - 1].validation
    model = out / f"fold{fold}" / variant / "cluster_net" / "model"
    shown = [pairs[place] for place in spread_over(rows[first]["sbd"], n_shown)]
    write_image(out / "figure5.png", draw_figure5(model, shown, chosen))
    said = (
        f"![Figure 5: plants under every pipeline](figure5.png)\n\nFigure 5. Photos that fold {fold} held out "
        f"(loss: {variant}), from good to bad: evenly spaced in the order of their SBD under `{first}`. Photo, truth, "
        "then what each pipeline finds, its SBD above it; a leaf has the colour of the true leaf that it fits best."
    )
    return [said, _figure6(model, pairs, chosen, out)]


def _figure6(model: Path, pairs: Sequence[Pair], chosen: Sequence[Candidate], out: Path) -> str:
    """Draw the ghost, or say why there is none to be drawn."""
    missing = "Figure 6 of the paper, a ghost at the edges of the leaves, is not drawn: "
    if read_card(model).net.foreground_head:
        return (
            missing + "this model has a foreground head, outside whose foreground no segment can be. "
            "The ghosts are those of a model whose background is one more segment."
        )
    merging = [one for one in chosen if one.settings.pipeline.refinements == ("cluster_net",)]
    found = [one for one in merging if not one.true_means]
    if not found:
        return missing + "no pipeline of this table is a clustering and then ClusterNet alone."
    example = draw_figure6(model, pairs, found[0])
    if example is None:
        return missing + "ClusterNet left no mask on any of the photos."
    write_image(out / "figure6.png", example.sheet)
    return (
        "![Figure 6: a ghost, and the background taking it back](figure6.png)\n\nFigure 6. The held-out photo "
        f"({example.photo}) on which most background becomes leaf where ClusterNet's masks are merged without the "
        f"background's own: {example.without:.1f} % of it. With the background as one more segment, applied last, "
        f"{example.with_background:.1f} % (section 8 of the paper; all rows above are with it). Photo, truth, "
        f"clusters, merged without, merged with it, on the grid of the network; `{found[0].pipeline}`."
    )


def _base_of(pipeline: str, pipelines: pd.Series) -> str:
    """The pipeline that is only the clustering which this one begins with; for true means, HDBSCAN or what there is."""
    first = pipeline.split("+")[0]
    if first != TRUE_MEANS:
        return first
    alone = [name for name in pipelines if "+" not in name and name != TRUE_MEANS]
    return "hdbscan" if "hdbscan" in alone or not alone else alone[0]


def _less(row: Mapping[Any, Any] | None, base: Mapping[Any, Any] | None, metric: str) -> float:
    return math.nan if row is None or base is None else row[metric] - base[metric]
