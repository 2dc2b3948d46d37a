"""`leafwise evaluate`: how well a model, under some pipelines, does on photos with truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from leafwise.cli.console import photo_bar, plain

if TYPE_CHECKING:
    from leafwise.evaluation import Evaluation

_COLUMNS = {  # header -> column and digits
    "SBD": ("sbd", 1),
    "FBD": ("fbd", 1),
    "|DiC|": ("abs_dic", 2),
    "DiC": ("dic", 2),
    "small": ("sbd_small", 1),
    "medium": ("sbd_medium", 1),
    "large": ("sbd_large", 1),
    "photos": ("photos", 0),
}


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="A CVPPP folder, or one with images/ and labels/.")],
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name, or a model folder.", show_default="rosette")
    ] = None,
    pipelines: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS,STEPS,...",
            help="Each a clustering (seeded, hdbscan, ...), or true_means, then any of mrf, cluster_net, joined by +.",
            show_default="the model's own and, if it has a ClusterNet, the paper's seven with its own clustering",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting of the model; repeatable."),
    ] = None,
    only_unseen: Annotated[
        bool,
        typer.Option("--only-unseen", help="Leave out the photos that the model's training has seen."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for photos.csv, summary.json and worst.png; none writes nothing."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that cluster; 0 is one a core.")] = 0,
) -> None:
    """Score a model on photos with truth, under one pipeline or several.

    Each row is a pipeline: the means over the photos of SBD, FBD, absolute and signed difference in count, and best
    Dice of the small, medium and large thirds of the true leaves. Photos that the model was trained on show it
    better than it is: with --only-unseen those are left out that the training's split.json, beside the model's folder,
    names.

    \b
    Examples:
      leafwise evaluate CVPPP2017/A2
      leafwise evaluate mine --model runs/mine/model --out runs/mine/evaluation
      leafwise evaluate mine --model runs/cv/fold1/model --only-unseen --set looks.input_size=448
      leafwise evaluate mine --model runs/mine/cluster_net/model --pipelines hdbscan,hdbscan+mrf,true_means+cluster_net
      leafwise evaluate dsb2018 --model nuclei
    """
    # heavy: not for --help
    from leafwise.batch import core_count
    from leafwise.cli.arguments import read_pairs, split_names
    from leafwise.config import apply_overrides
    from leafwise.evaluation import evaluate as run
    from leafwise.evaluation import unseen_by, usual_pipelines, write_evaluation
    from leafwise.imaging import make_folder
    from leafwise.models import load_model
    from leafwise.segmenter import DEFAULT_MODEL

    loaded = load_model(model or DEFAULT_MODEL)
    settings = apply_overrides(loaded.card.segment, set_ or [])
    names = split_names(pipelines) if pipelines else usual_pipelines(loaded, settings)
    if out is not None:
        make_folder(out)  # before the long work
    pairs = read_pairs([dataset])
    if only_unseen:
        n_pairs, show = len(pairs), plain(stderr=True).print
        pairs = unseen_by(loaded.folder, pairs, on_doubt=show)
        show(f"{n_pairs - len(pairs)} of {n_pairs} photos are left out: the model has seen them")
    with photo_bar("Evaluating", plain(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(pairs))
        result = run(
            pairs,
            loaded,
            names,
            settings,
            workers=min(workers or core_count(), len(pairs)),
            on_photo=lambda: bar.advance(task),
        )
    _show(result)
    if out is not None:
        write_evaluation(result, out, pairs, loaded)
        plain().print(f"Written: {out}/photos.csv, summary.json, worst.png")


def _show(evaluation: "Evaluation") -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("pipeline", overflow="fold")
    for header in _COLUMNS:
        table.add_column(header, justify="right", no_wrap=True)
    for name, row in evaluation.means().iterrows():
        cells = ((row[column], digits) for column, digits in _COLUMNS.values())
        table.add_row(
            str(name), *("-" if value != value else f"{value:.{digits}f}" for value, digits in cells)
        )
    plain().print(table)
