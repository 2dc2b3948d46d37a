"""`leafwise convert`: data sets in COCO's, Pascal VOC's or Cityscapes' formats to images/ and labels/."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from leafwise.cli.console import photo_bar, plain


class FormatName(StrEnum):
    """The names of datasets.formats.FORMATS: that module is too heavy for --help."""

    coco = "coco"
    voc = "voc"
    cityscapes = "cityscapes"


def convert(
    source: Annotated[
        Path, typer.Argument(help="A COCO JSON file, or the folder of a COCO, VOC or Cityscapes data set.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set; made if it is not there.")],
    format_: Annotated[
        FormatName | None, typer.Option("--format", help="Of SOURCE.", show_default="guessed from its files")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME,...", help="Only instances of these classes.", show_default="all"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this split: train, val, ...", show_default="all")
    ] = None,
) -> None:
    """Turn instance annotations of other formats into photos and label maps, as all other commands read them.

    Writes OUT/images (hard links where the disk allows it, else copies) and OUT/labels (16-bit PNG, 0 is the
    background). Crowds, groups and void are background; of instances that overlap the smaller lies on top.
    Photos without an instance are left out. Photos that are there already are skipped, so a run that was
    stopped goes on.

    \b
    Examples:
      leafwise convert coco --out train --split train2017 --classes "potted plant"
      leafwise convert instances.json --out mine
      leafwise convert VOCdevkit/VOC2012 --out cars --classes car,bus --split trainval
      leafwise convert cityscapes --out val --split val
    """
    # heavy: not for --help
    from leafwise.datasets.formats import Conversion, convert_photos, guess_format, read_annotations

    names = sorted({name.strip() for name in (classes or "").split(",") if name.strip()})
    if classes is not None and not names:
        raise typer.BadParameter("no class named", param_hint="--classes")
    format_name = str(format_ or guess_format(source))
    photos = read_annotations(source, format_name, classes=names, split=split)
    conversion = Conversion(str(source.resolve()), format_name, ",".join(names), split or "")
    outcomes: Counter[str] = Counter()
    with photo_bar("Converting", plain(stderr=True)) as bar:
        task = bar.add_task("", total=len(photos))
        for done in convert_photos(photos, out, conversion):
            outcomes[done.outcome] += 1
            if done.error:
                bar.console.print(done.error)
            bar.update(task, advance=1)
    _sum_up(outcomes, out)


def _sum_up(outcomes: "Counter[str]", out: Path) -> None:
    """Print what became of the photos; exit status 1 where one failed, or none has an instance."""
    written = outcomes["written"]
    parts = ["1 photo converted" if written == 1 else f"{written} photos converted"]
    for outcome, words in (
        ("there already", "there already"),
        ("without instances", "left out, without an instance"),
        ("failed", "failed"),
    ):
        if outcomes[outcome]:
            parts.append(f"{outcomes[outcome]} {words}")
    plain().print(f"{'; '.join(parts)}: {out}")
    if outcomes["failed"] or not (written or outcomes["there already"]):
        raise typer.Exit(1)
