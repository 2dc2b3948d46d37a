"""Table 1 as text: measured rows beside the published ones, and what may be compared with what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import tomli_w

from leafwise.config import RunSettings, to_dict
from leafwise.evaluation.scoring import TRUE_MEANS
from leafwise.experiments.published import PAPER_SOURCE, PEERS, PublishedRow
from leafwise.experiments.table1 import loss_variants

HEADERS = {"sbd": "SBD", "fbd": "FBD", "abs_dic": r"\|DiC\|"}  # as a Markdown table takes them
NOTHING = "—"  # as in the paper


@dataclass(frozen=True)
class Roles:
    """How many photos of a fold did what."""

    fold: int
    embeddings: int  # trained them
    cluster_net: int  # trained it
    scored: int


def compose(
    rows: pd.DataFrame, settings: RunSettings, roles: Sequence[Roles] = (), figures: Sequence[str] = ()
) -> str:
    """The whole page; `rows` are those of `table1_report.compared`, `figures` are paragraphs of Markdown."""
    parts = ["# Table 1, measured anew", _introduction(rows)]
    for variant, kind in rows.groupby("variant", sort=False):
        parts += _variant(str(variant), kind, settings)
    if rows["variant"].nunique() > 1:
        parts += ["## The loss variants side by side: SBD", _side_by_side(rows)]
    parts += ["## Other methods, as the paper lists them", _peers(PEERS)]
    if figures:
        parts += ["## Figures", *figures]
    parts += _settings(settings, roles)
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, n_left: int = 1) -> str:
    """A table whose columns stand in line as plain text too; the first `n_left` lean to the left, the others right.

    >>> print(markdown_table(["row", "SBD"], [["hdbscan", "80.84"]]))
    | row     |   SBD |
    | :------ | ----: |
    | hdbscan | 80.84 |
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]
    rule = [":" + "-" * (w - 1) if i < n_left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines.insert(1, rule)
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(w) if i < n_left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def _introduction(rows: pd.DataFrame) -> str:
    n_photos, n_folds = int(rows["photos"].max()), int(rows["folds"].max())
    if n_folds > 1:
        ours = (
            f"{n_photos} photos, cross-validated in {n_folds} folds: each is scored once, at its own size, by networks "
            "that never saw it, under the clustering settings that are best for the row on the other folds. "
            "A value is the mean over the photos, ± the standard deviation of the folds' means."
        )
    else:
        ours = (
            f"{n_photos} photos of one fold, scored at their own size by networks that never saw them. A value is "
            "the mean over the photos. The clustering settings were chosen on these very photos, for want of another "
            "fold, so that the values are somewhat too good."
        )
    true_means = (
        "\n\nThe pipelines that begin with `true_means` take the means of the true leaves in the place of a "
        "clustering's: they show what ClusterNet does with means as good as can be."
    )
    has_true_means = any(name.split("+")[0] == TRUE_MEANS for name in rows["pipeline"])
    return (
        f"The paper is {PAPER_SOURCE}, *Instance Segmentation via Deep Embeddings*. SBD and FBD are in percent; "
        "|DiC| is the mean of the absolute differences in the count of leaves (section 6.1 of the paper says the "
        "absolute value of their mean, but its authors' code takes this one too).\n\n"
        "The three sources were not measured on the same images, so compare rows within a source, and "
        "differences between them, rather than values:\n\n"
        f"- **measured**: {ours}\n"
        "- **paper**: 20 held-out training images of CVPPP A1, scored at 224 x 224 pixels, trained with the plain "
        "loss; for the other variants of the loss nothing was published.\n"
        "- **other methods**: the 33 test images of the challenge (CVPPP A1). Their truth is not public, but the "
        "true foreground is given with them, and methods may use it; neither measured nor paper rows are given one."
        + true_means
        * has_true_means
    )


def _variant(name: str, rows: pd.DataFrame, settings: RunSettings) -> list[str]:
    base, own = (to_dict(one.loss) for one in (settings, loss_variants(settings).get(name, settings)))
    changes = ", ".join(f"`loss.{key} = {value}`" for key, value in own.items() if value != base[key])
    values = [[_name(row), *_cells(row)] for row in rows.to_dict("records")]
    differences = [
        [_name(row), *_difference_cells(row)]
        for row in rows.to_dict("records")
        if not pd.isna(row["sbd_difference"]) and "+" in row["pipeline"]
    ]
    parts = [f"## Loss: {name}"]
    if changes:
        parts.append(f"The settings below, but {changes}.")
    parts.append(markdown_table(["pipeline", *_headers("{}", "paper")], values))
    if differences:
        parts.append("What the steps change, against the clustering alone:")
        parts.append(markdown_table(["pipeline", *_headers("Δ {}", "paper Δ")], differences))
    return parts


def _headers(ours: str, paper: str) -> list[str]:
    return [header for metric in HEADERS.values() for header in (ours.format(metric), paper)]


def _name(row: Mapping[Any, Any]) -> str:
    return f"`{row['pipeline']}`"


def _cells(row: Mapping[Any, Any]) -> list[str]:
    cells = []
    for metric in HEADERS:
        spread = f" ± {row[f'{metric}_spread']:.2f}" if row["folds"] != 1 else ""
        cells += [f"{row[metric]:.2f}{spread}", _cell(row[f"paper_{metric}"])]
    return cells


def _difference_cells(row: Mapping[Any, Any]) -> list[str]:
    names = [name for metric in HEADERS for name in (f"{metric}_difference", f"paper_{metric}_difference")]
    return [_cell(row[name], "+.2f") for name in names]


def _cell(value: Any, form: str = ".2f") -> str:
    return NOTHING if pd.isna(value) else format(value, form)


def _side_by_side(rows: pd.DataFrame) -> str:
    variants, pipelines = rows["variant"].unique(), rows["pipeline"].unique()
    sbd = rows.set_index(["pipeline", "variant"])["sbd"].to_dict()
    lines = [[f"`{p}`", *(_cell(sbd.get((p, v))) for v in variants)] for p in pipelines]
    return markdown_table(["pipeline", *variants], lines)


def _peers(peers: Sequence[PublishedRow]) -> str:
    lines = [
        [row.method, row.source, _cell(row.sbd, ".1f"), _cell(row.fbd, ".1f"), _cell(row.abs_dic, ".1f")]
        for row in peers
    ]
    return markdown_table(["method", "source", *HEADERS.values()], lines, n_left=2)


def _settings(settings: RunSettings, roles: Sequence[Roles]) -> list[str]:
    net, loss = settings.net, settings.loss
    head = "with a foreground head" if net.foreground_head else "without a foreground head"
    frozen = ", frozen" if net.freeze_encoder else ""
    overlap = f"; overlap term (not the paper's) {loss.overlap_weight:g}" if loss.overlap_weight else ""
    parts = [
        "## Settings",
        f"- encoder: `{net.encoder}`{frozen}; {net.decoder} decoder, {net.embedding_size} channels, {head}\n"
        f"- input: {settings.looks.input_size} x {settings.looks.input_size} pixels\n"
        f"- margins: delta_v = {loss.pull_margin:g}, delta_d = {loss.push_margin:g}{overlap}\n"
        f"- epochs: {settings.training.epochs} for the embeddings, {settings.cluster_net.epochs} for ClusterNet",
    ]
    if roles:
        lines = [[str(r.fold), str(r.embeddings), str(r.cluster_net), str(r.scored)] for r in roles]
        parts += [
            "Photos of each fold that trained the embeddings, that trained ClusterNet, and that were scored:",
            markdown_table(["fold", "embeddings", "ClusterNet", "scored"], lines),
        ]
    changed = changed_settings(settings)
    if changed:
        parts += ["What differs from the defaults:", f"```toml\n{tomli_w.dumps(changed).strip()}\n```"]
    else:
        parts.append("All settings are the defaults.")
    return parts


def changed_settings(settings: RunSettings) -> dict[str, dict[str, object]]:
    """The settings that are not the defaults, by section.

    >>> from leafwise.config import LookSettings
    >>> changed_settings(RunSettings(looks=LookSettings(input_size=224)))
    {'looks': {'input_size': 224}}
    """
    defaults = to_dict(RunSettings())
    sections = {
        name: {key: value for key, value in section.items() if value != defaults[name].get(key)}
        for name, section in to_dict(settings).items()
    }
    return {name: section for name, section in sections.items() if section}
