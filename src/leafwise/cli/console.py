"""How the commands print."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def plain(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: paths may hold what rich takes for markup or emoji, and stay on a line."""
    return Console(stderr=stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)


def photo_bar(doing: str, console: Console, *more: ProgressColumn, transient: bool = False) -> Progress:
    """A progress bar over photos with the time left; `transient`: it is gone in the end."""
    return Progress(
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("photos"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        *more,
        console=console,
        transient=transient,
    )
