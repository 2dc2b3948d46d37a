"""`leafwise check`: what is wrong with a data set, before any training."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from leafwise.cli.console import plain


def check(
    dataset: Annotated[Path, typer.Argument(help="A CVPPP folder, or one with images/ and labels/.")],
) -> None:
    """Say what is wrong with a data set: pairs missing, sizes that differ, binary masks.

    What may be meant so, such as an empty map, is doubtful: no reason to refuse the data set.

    \b
    Examples:
      leafwise check CVPPP2017/A1
      leafwise check nuclei
    """
    from leafwise.datasets import check_dataset, read_dataset  # heavy: not for --help

    pairs = read_dataset(dataset)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Checking", total=len(pairs))
        problems = check_dataset(pairs, progress=lambda done, _: bar.update(task, completed=done))
    show = plain()
    for problem in problems:
        show.print(str(problem))
    groups = len({pair.group for pair in pairs})
    n_doubts = sum(problem.doubt for problem in problems)
    doubts = f", {n_doubts} doubtful" if n_doubts else ""
    show.print(f"{len(pairs)} pairs in {groups} groups, {len(problems) - n_doubts} problems{doubts}")
    if len(problems) > n_doubts:
        raise typer.Exit(1)
