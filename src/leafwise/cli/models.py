"""`leafwise models`: which models there are, and what is known of each."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def models(
    model: Annotated[
        str | None, typer.Argument(help="A model's name or folder, to see its whole card.")
    ] = None,
) -> None:
    """List the shipped models, or show one model's card: training data, settings, scores, limits, licence.

    \b
    Examples:
      leafwise models
      leafwise models rosette
      leafwise models runs/mine/model
    """
    from leafwise.models import find_model, read_card, shipped_models  # heavy: not for --help
    from leafwise.models.card import CARD_NAME

    if model:
        folder = find_model(model)
        read_card(folder)  # a damaged card is an error, not a page of text
        typer.echo((folder / CARD_NAME).read_text(encoding="utf-8"), nl=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("model", "MB", "trained on", "SBD", "folder"):
        table.add_column(header, overflow="fold", justify="right" if header in ("MB", "SBD") else "left")
    for folder in shipped_models():
        card = read_card(folder)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        first = next(iter(card.scores.values()), {})
        table.add_row(
            card.name, f"{size:.0f}", card.trained_on, f"{first.get('sbd', float('nan')):.1f}", str(folder)
        )
    Console(markup=False, highlight=False, emoji=False).print(table)
