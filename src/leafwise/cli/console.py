"""How the commands print."""

from rich.console import Console


def plain(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: paths may hold what rich takes for markup or emoji, and stay on a line."""
    return Console(stderr=stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)
