"""`leafwise score`: any method's label maps against ground truth."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from leafwise.metrics import ImageScores, InstanceScores, Report, Summary

_COLUMNS = {
    "SBD": "sbd",
    "BD true": "best_dice_truth",
    "BD pred": "best_dice_prediction",
    "FBD": "fbd",
    "small": "sbd_small",
    "medium": "sbd_medium",
    "large": "sbd_large",
    "leaves": "n_truth",
    "DiC": "dic",
}
_INSTANCE_COLUMNS = {"AP": "ap", "AP50": "ap50", "PQ": "pq", "SQ": "sq", "RQ": "rq"}


def score(
    predictions: Annotated[Path, typer.Argument(help="A folder of predicted label maps, or one of them.")],
    truth: Annotated[Path, typer.Argument(help="A folder of true label maps, or one of them.")],
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the scores here as JSON; - prints them."),
    ] = None,
    ap_pq: Annotated[
        bool,
        typer.Option("--ap-pq", help="COCO's mask AP and panoptic quality, too; needs the extra coco."),
    ] = False,
) -> None:
    """Score label maps against ground truth: SBD, best Dice, FBD and the difference in count.

    Files are paired by name: plant001_label.png, plant001_rgb_label.png and plant001.tif are all plant001.

    Scores are in percent; small, medium and large are thirds of the true leaves by area; DiC is the number of
    predicted leaves less the true ones.

    AP is the mean over IoU 0.50 to 0.95; label maps rank nothing, so that every instance has score 1. PQ, with
    SQ and RQ, takes all as one class. Both are shown for each image, and for the instances of all together.

    \b
    Examples:
      leafwise score results truth
      leafwise score results truth --json scores.json
      leafwise score results truth --ap-pq
    """
    from leafwise.imaging import write_text
    from leafwise.metrics import pair_label_maps, score_pairs

    errors = Console(stderr=True)
    pairing = pair_label_maps(predictions, truth)
    pairs = track(pairing.pairs, "Scoring", console=errors, transient=True)
    report = score_pairs(pairs, problems=pairing.problems, ap_pq=ap_pq)
    to_terminal = json == Path("-")
    if to_terminal:
        typer.echo(_as_json(report), nl=False)
    elif report.summary:
        _show(report.scores, report.summary)
        if report.pooled:
            _show_instances(report.instances, report.pooled)
    for problem in report.problems:
        typer.echo(problem, err=True)
    if json and not to_terminal:
        write_text(json, _as_json(report))
    if report.problems:
        raise typer.Exit(1)


def _as_json(report: "Report") -> str:
    from json import dumps

    return dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n"


def _show(scores: "dict[str, ImageScores]", summary: "Summary") -> None:
    """Print a row per image, the means and both ways to sum up the differences in count."""
    table = Table(box=None, show_footer=True, header_style="bold", footer_style="bold", pad_edge=False)
    table.add_column("image", f"mean of {summary.n_images}", overflow="fold")
    for header, field in _COLUMNS.items():
        footer = _cell(getattr(summary, field)) if hasattr(summary, field) else ""
        table.add_column(header, footer, justify="right", no_wrap=True)
    for name, image in scores.items():
        table.add_row(Text(name), *(_cell(getattr(image, field)) for field in _COLUMNS.values()))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"|DiC|, mean of absolute differences: {summary.mean_abs_dic:.2f}")
    console.print(f"|DiC|, absolute mean difference: {summary.abs_mean_dic:.2f}")


def _show_instances(scores: "dict[str, InstanceScores]", pooled: "InstanceScores") -> None:
    """Print AP and PQ in a table of their own: its last row is no mean of those above."""
    table = Table(box=None, show_footer=True, header_style="bold", footer_style="bold", pad_edge=False)
    table.add_column("image", f"all {len(scores)} together", overflow="fold")
    for header, field in _INSTANCE_COLUMNS.items():
        table.add_column(header, _cell(getattr(pooled, field)), justify="right", no_wrap=True)
    for name, image in scores.items():
        table.add_row(Text(name), *(_cell(getattr(image, field)) for field in _INSTANCE_COLUMNS.values()))
    console = Console(highlight=False)
    console.print()
    console.print(table)


def _cell(score: float) -> str:
    if isinstance(score, int):
        return str(score)
    return "-" if math.isnan(score) else f"{score:.1f}"
