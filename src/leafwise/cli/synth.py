"""`leafwise synth`: synthetic plants with exact label maps."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from leafwise.cli.console import plain


def synth(
    out: Annotated[Path, typer.Option(help="Folder of the data set; made if it is not there.")],
    count: Annotated[int, typer.Option(min=1, help="How many plants.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same plants.")] = 0,
    height: Annotated[int, typer.Option(min=16, help="Of each photo, in pixels.")] = 500,
    width: Annotated[int, typer.Option(min=16, help="Of each photo, in pixels.")] = 530,
) -> None:
    """Draw photos of rosette plants with exact label maps, as a data set to train, score or try on.

    Writes OUT/images/plant0001.png, OUT/labels/plant0001.png and so on. Plants that are there already are
    skipped, so a run that was stopped goes on, and a larger --count adds plants to a set.

    \b
    Examples:
      leafwise synth --out plants --count 20
      leafwise synth --out plants --count 1000 --seed 3
      leafwise synth --out small --count 50 --height 256 --width 256
    """
    from leafwise.datasets.synthetic import PlantSet, write_plants  # heavy: not for --help

    plants = PlantSet(seed=seed, height=height, width=width)
    steps = track(
        write_plants(out, count, plants), "Drawing plants", total=count, console=Console(stderr=True)
    )
    drawn = sum(steps)
    there = f", {count - drawn} were there already" if drawn < count else ""
    plants_drawn = "1 plant drawn" if drawn == 1 else f"{drawn} plants drawn"
    plain().print(f"{plants_drawn}{there}: {out}")
