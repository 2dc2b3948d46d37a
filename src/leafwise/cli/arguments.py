"""How arguments are read that several commands have."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leafwise.cli.console import plain

if TYPE_CHECKING:
    from leafwise.config import RunSettings
    from leafwise.datasets import Pair


def split_names(text: str) -> list[str]:
    """Names with commas between them.

    >>> split_names("seeded, seeded+mrf")
    ['seeded', 'seeded+mrf']
    """
    return [name.strip() for name in text.split(",")]


def read_pairs(folders: Sequence[Path]) -> "list[Pair]":
    """The pairs of data sets; what is doubtful about them goes to the terminal.

    Raises DatasetError where they are not fit to train on and to be scored.
    """
    from leafwise.datasets import checked_pairs  # heavy: not for --help

    return checked_pairs(folders, on_doubt=plain(stderr=True).print)


def read_settings(
    config: Path | None, overrides: list[str], start: str | None = None, *, goes_on: bool = False
) -> "RunSettings":
    """The default settings, or those of a TOML file, with a starting model's network and with overrides.

    A training that goes on from weights has views of the full size at once, unless a file or override says otherwise.
    """
    from leafwise.config import RunSettings, apply_overrides, from_dict, read_toml, to_dict
    from leafwise.errors import SettingsError
    from leafwise.models import find_model, read_card

    tables = read_toml(config) if config else {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{config}: {name} must be a table, [{name}]")
    if start or goes_on:  # small views would teach again what is known
        tables["training"] = {"grow_from": 0} | tables.get("training", {})
    if start:  # the network and how it looks at photos come from the model
        card = read_card(find_model(start))
        for section in ("net", "looks", "loss", "pipeline", "clustering", "refine"):
            tables[section] = to_dict(getattr(card, section)) | tables.get(section, {})
    return apply_overrides(from_dict(RunSettings, tables, where=str(config or "settings")), overrides)
