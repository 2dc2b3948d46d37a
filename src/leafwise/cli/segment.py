"""`leafwise segment`: photos in, label maps, overlays and tables out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import TextColumn

from leafwise.cli.console import photo_bar, plain
from leafwise.cli.segmenters import segmenter_of

if TYPE_CHECKING:
    from leafwise.batch import BatchReport, Step

NAMED = 5  # photos without a leaf, at most, in the last lines


def segment(
    paths: Annotated[list[Path] | None, typer.Argument(help="Photos, or folders of photos.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; made if it is not there.")] = Path(
        "leaves"
    ),
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name, or a model folder.", show_default="rosette")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do photos again that are done already.")
    ] = False,
    one_plant: Annotated[
        bool, typer.Option("--one-plant", help="Everything in a photo is one plant, touching or not.")
    ] = False,
    like: Annotated[
        Path | None,
        typer.Option(help="A run.toml: take its model, its settings and, with no PATHS, its photos."),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS",
            help="A clustering (seeded, hdbscan, mean_shift, ...), then any of mrf, cluster_net, joined by +.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting of the model; repeatable."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that cluster and write; 0 is one a core.")
    ] = 0,
    max_megapixels: Annotated[
        float, typer.Option(min=0.001, help="Larger photos are refused: a guard against decompression bombs.")
    ] = 200,
) -> None:
    """Find every leaf in photos of plants: label maps, overlays and tables.

    For each photo PHOTO_label.png (16 bit, 0 is the background) and PHOTO_overlay.png; for all of them leaves.csv,
    plants.csv, photos.csv and run.toml. Photos that are done already are skipped, so a run that was stopped goes on.

    \b
    Examples:
      leafwise segment photos --out leaves
      leafwise segment plant1.jpg plant2.tif --out leaves --overwrite
      leafwise segment photos --out leaves --model runs/mine/model
      leafwise segment photos --out leaves --pipeline hdbscan+mrf
      leafwise segment nuclei --out found --model nuclei
      leafwise segment --like leaves/run.toml --out again
    """
    # heavy: not for --help
    from leafwise.batch import (
        check_same_model,
        core_count,
        photos_to_segment,
        segment_files,
        settings_of_run,
    )
    from leafwise.segmenter import DEFAULT_MODEL

    errors = plain(stderr=True)
    earlier = settings_of_run(like) if like else None
    photos, missing = photos_to_segment(paths or (earlier.photos if earlier else []))
    segmenter = segmenter_of(
        model or (earlier.model if earlier else DEFAULT_MODEL),
        earlier.settings if earlier else None,
        set_=set_,
        pipeline=pipeline,
        one_plant=one_plant,
    )
    if like and earlier and not model:
        check_same_model(like, earlier, segmenter)
    with photo_bar("Segmenting", errors, TextColumn("{task.fields[note]}")) as bar:
        task = bar.add_task("", total=len(photos), note="")
        leaves = 0

        def show(step: "Step") -> None:
            nonlocal leaves
            leaves += step.leaves
            if step.error:
                bar.console.print(step.error)
            bar.update(task, advance=1, note=f"{leaves} leaves")

        report = segment_files(
            photos,
            out,
            segmenter,
            overwrite=overwrite,
            workers=workers or core_count(),
            max_pixels=int(max_megapixels * 1e6),
            on_progress=show,
        )
    _sum_up(report, missing, out, errors)


def _sum_up(report: "BatchReport", missing: list[str], out: Path, errors: Console) -> None:
    skipped = f", {report.skipped} done before" if report.skipped else ""
    plain().print(
        f"{report.done} photos segmented{skipped}, {report.leaves} leaves found: "
        f"look at {out}/*_overlay.png, {out / 'leaves.csv'} and {out / 'plants.csv'}",
    )
    if report.empty:
        named = ", ".join(photo.name for photo in report.empty[:NAMED])
        more = f" and {len(report.empty) - NAMED} more" if len(report.empty) > NAMED else ""
        plain().print(f"No leaf found in {named}{more}: {out / 'photos.csv'} has the count of every photo")
    failed = missing + report.errors
    if failed:
        errors.print(f"{len(failed)} failed:")
        for line in failed:
            errors.print(f"  {line}")
        raise typer.Exit(1)
