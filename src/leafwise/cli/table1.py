"""`leafwise table1`: the paper's Table 1, measured anew and shown beside the published one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leafwise.cli.console import plain

if TYPE_CHECKING:
    from leafwise.config import RunSettings

QUICK_PLANTS = 12


def table1(
    dataset: Annotated[
        Path | None,
        typer.Argument(help="A CVPPP folder, or one with images/ and labels/; none with --quick."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the folds, their models, scores and the table.")
    ] = Path("runs/table1"),
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="How many parts the photos are dealt into.")] = 4,
    only: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many of the folds; the table is of their photos.")
    ] = None,
    variants: Annotated[
        str,
        typer.Option(
            help="Of the loss: any of plain, edge, weighted, edge+weighted, with commas between them."
        ),
    ] = "plain,edge,weighted,edge+weighted",
    pipelines: Annotated[
        str | None, typer.Option(help="With commas between them.", show_default="the paper's seven")
    ] = None,
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
    by_group: Annotated[
        bool, typer.Option("--by-group", help="Never part the photos of one plant over two folds.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Every stage in minutes, on small synthetic plants: a trial.")
    ] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning's: auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Measure the paper's Table 1: four loss variants, a ClusterNet for each, seven pipelines, cross-validated.

    In each fold some photos train the embeddings, others ClusterNet, in the paper's proportion (78 to 30), and its own
    are scored. Writes OUT/table1.md, .csv and .json beside the published table, figure5.png and figure6.png. Every
    stage that is done is skipped: a run that was stopped goes on with the same command.

    \b
    Examples:
      leafwise table1 CVPPP2017/A1 --config configs/paper.toml --out runs/paper
      leafwise table1 CVPPP2017/A1 --config configs/paper-small.toml --folds 4 --out runs/paper-small
      leafwise table1 CVPPP2017/A1 --variants plain --pipelines seeded,seeded+cluster_net --out runs/seeded
      leafwise table1 --quick --out /tmp/trial
    """
    # heavy: not for --help
    from dataclasses import replace

    from leafwise.cli.extras import require_training

    require_training()
    from leafwise.cli.arguments import read_pairs, read_settings, split_names
    from leafwise.config import apply_overrides
    from leafwise.datasets.synthetic import PlantSet, write_plants
    from leafwise.errors import SettingsError
    from leafwise.experiments import grid_candidates, loss_variants, prepare_folds, report_table1, run_table1
    from leafwise.experiments.table1 import PIPELINES
    from leafwise.training import Hardware

    settings = read_settings(config, [])
    if quick:
        settings = quick_settings(settings)
    settings = apply_overrides(settings, set_ or [])
    if dataset is None:
        if not quick:
            raise SettingsError("no data set named; give a folder, or --quick for synthetic plants")
        dataset = out / "plants"
        list(write_plants(dataset, QUICK_PLANTS, PlantSet(settings.training.seed, 96, 96)))
    every = loss_variants(settings)
    chosen = split_names(variants)
    if unknown := [name for name in chosen if name not in every]:
        raise SettingsError(f"no loss variant {unknown[0]!r}; there are: {', '.join(every)}")
    pairs = read_pairs([dataset])
    parts = prepare_folds(pairs, out, n_folds=folds, seed=settings.training.seed, by_group=by_group)
    parts = replace(parts, splits=parts.splits[:only])
    candidates = grid_candidates(settings, split_names(pipelines) if pipelines else PIPELINES, grid or [])
    show = plain()
    table = run_table1(
        parts,
        out,
        {name: every[name] for name in chosen},
        candidates,
        hardware=Hardware(accelerator, devices="1"),
        on_step=show.print,
    )
    report_table1(table, out, settings, parts, candidates)
    show.print(f"Written: {out}/table1.md, table1.csv, table1.json, figure5.png")


def quick_settings(settings: "RunSettings") -> "RunSettings":
    """Settings as they are, but small: a small network without weights, and two epochs."""
    from leafwise.config import apply_overrides

    return apply_overrides(
        settings,
        [
            "looks.input_size=64",
            "looks.first_size=64",
            "net.encoder_weights=none",
            "training.epochs=2",
            "training.batch_size=2",
            "training.least_views=0",
            "training.half_cycle_epochs=1",
            "cluster_net.epochs=1",
            "cluster_net.width=2",
        ],
    )
