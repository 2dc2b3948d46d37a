"""`leafwise crossval`: how well a training does on photos that it never saw."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from leafwise.cli.console import plain


def crossval(
    datasets: Annotated[
        list[Path], typer.Argument(help="CVPPP folders, or folders with images/ and labels/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the folds, their models and scores.")],
    folds: Annotated[int, typer.Option(min=2, help="How many parts the photos are dealt into.")] = 4,
    only: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many of the folds; the scores are of their photos."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V1,V2,...",
            help="Clustering settings to choose from; repeatable.",
            show_default="a grid of its own",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one setting; repeatable."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION.KEY=V1,V2,...",
            help="Train with each of these values too; repeatable: all combinations.",
        ),
    ] = None,
    pipelines: Annotated[
        str | None,
        typer.Option(help="To choose from, with commas between them.", show_default="the settings' own"),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CROSSVAL",
            help="Go on from the models of another cross-validation of the same folds and network.",
        ),
    ] = None,
    by_group: Annotated[
        bool, typer.Option("--by-group", help="Never part the photos of one plant over two folds.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that cluster; 0 is one a core.")] = 0,
) -> None:
    """Train and score by cross-validation; clustering settings are chosen on other folds than they are scored on.

    Writes OUT/folds.json, a model for each fold, OUT/photos.csv (one row a photo), OUT/candidates.csv (one row a
    choice of settings), OUT/worst.png (the five photos with the lowest SBD, their truth and what was found) and
    OUT/summary.json. Of several data sets each is dealt evenly into the folds; each has a row in the
    table, and its folder's name starts those of its photos. Every stage that is done is skipped: a run that was stopped
    goes on with the same command. With --vary, a fold is scored by the training, too, that is best on the other folds.

    \b
    Examples:
      leafwise crossval CVPPP2017/A1 --out runs/cv
      leafwise crossval KOMATSUNA --out runs/komatsuna --by-group --set training.epochs=20
      leafwise crossval CVPPP2017/A1 KOMATSUNA --out runs/both --by-group
      leafwise crossval CVPPP2017/A1 --out runs/longer --from runs/cv --set augment.laid_share=0.6
      leafwise crossval CVPPP2017/A1 --out runs/cv --pipelines hdbscan,seeded,seeded+cluster_net
      leafwise crossval CVPPP2017/A1 --out runs/margins --vary loss.push_margin=5,10,20 --vary loss.pull_margin=0.5,1,2
    """
    # heavy: not for --help
    from leafwise.cli.extras import require_training

    require_training()
    from dataclasses import replace

    from leafwise.batch import core_count
    from leafwise.cli.arguments import read_pairs, read_settings, split_names
    from leafwise.config import to_dict
    from leafwise.datasets import set_name, set_of
    from leafwise.experiments import (
        cross_validate,
        grid_candidates,
        prepare_folds,
        varied,
        write_cross_validation,
    )

    settings = read_settings(config, set_ or [], goes_on=from_ is not None)
    show = plain()
    pairs = read_pairs(datasets)
    parts = prepare_folds(pairs, out, n_folds=folds, seed=settings.training.seed, by_group=by_group)
    result = cross_validate(
        replace(parts, splits=parts.splits[:only]),
        out,
        varied(settings, vary or []),
        grid_candidates(
            settings,
            split_names(pipelines) if pipelines else [settings.pipeline.steps],
            grid or [],
        ),
        start=from_,
        workers=workers or core_count(),
        on_step=show.print,
    )
    write_cross_validation(result, out)
    table = Table("fold", "photos", "SBD", "FBD", "|DiC|", "DiC", "small", "medium", "large", box=None)
    columns = list(result.means())
    for fold, photos in result.photos.groupby("fold"):
        table.add_row(str(fold), str(len(photos)), *(f"{photos[c].mean():.2f}" for c in columns))
    if len(datasets) > 1:
        names = [set_name(dataset) for dataset in datasets]
        source = result.photos["photo"].map(lambda photo: set_of(photo, names))
        for name in names:
            photos = result.photos[source == name]
            table.add_row(name, str(len(photos)), *(f"{photos[c].mean():.2f}" for c in columns))
    table.add_row("all", str(len(result.photos)), *(f"{value:.2f}" for value in result.means().values()))
    show.print(table)
    one_fold = result.photos["fold"].nunique() == 1
    where = "these photos" if one_fold else "the other folds"
    for name, means in result.means_by("variant", "pipeline").items():
        scores = f"SBD {means['sbd']:.2f}, FBD {means['fbd']:.2f}, |DiC| {means['abs_dic']:.2f}"
        show.print(f"{name}: {scores}, with the settings that are best for it on {where}")
    usual = to_dict(settings.clustering)
    chosen = to_dict(result.chosen.clustering).items()
    changed = [f"--set clustering.{key}={value}" for key, value in chosen if value != usual[key]]
    best = " ".join([result.variant, result.chosen.pipeline.steps, *changed]).strip()
    show.print(f"best settings over all folds: {best}")
    if one_fold:
        show.print(
            "There is one fold alone: they were chosen on the photos that are scored, so the scores are too good."
        )
