"""The split file that comes with a data set: which photos are meant for what."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leafwise.datasets.pairs import Pair
from leafwise.errors import DatasetError

SPLIT_FILE = "splits.json"


def take_role(pairs: Sequence[Pair], split_file: Path, role: str) -> list[Pair]:
    """The pairs that a split file, {role: [number or name, ...]}, lists under `role`, sorted by name.

    Raises DatasetError for a file that is missing or is none of this kind, for a role that it lacks, and for
    entries that fit no pair or several.
    """
    roles = _read_roles(split_file)
    if role not in roles:
        raise DatasetError(f"{split_file}: no role {role!r}; choose one of {listed(sorted(roles))}")
    taken: dict[str, Pair] = {}
    unknown = []
    for entry in roles[role]:
        matches = [pair for pair in pairs if _is_meant(pair, entry)]
        if len(matches) > 1:
            names = listed([pair.name for pair in matches])
            raise DatasetError(f"{split_file}: {entry!r} may be any of {names}; write the whole name")
        taken.update({pair.name: pair for pair in matches})
        unknown += [] if matches else [entry]
    if unknown:
        raise DatasetError(f"{split_file}: photos that are not there: {listed(unknown)}; correct the file")
    return [taken[name] for name in sorted(taken)]


def read_json(path: Path) -> Any:
    """The content of a JSON file; DatasetError where it is missing or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: no such file; a split is read from it") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error
    except (ValueError, RecursionError) as error:  # no JSON, no text, or nested without end
        raise DatasetError(f"{path}: no JSON ({error}); correct it or make it anew") from error


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Names for a message, the first few of many.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _read_roles(split_file: Path) -> dict[str, list[str]]:
    content = read_json(split_file)
    if not isinstance(content, dict) or not all(isinstance(entries, list) for entries in content.values()):
        raise DatasetError(f'{split_file}: no split file; write it as {{"role": ["001", "002"]}}')
    return {role: [str(entry) for entry in entries] for role, entries in content.items()}


def _is_meant(pair: Pair, entry: str) -> bool:
    number = re.search(r"\d+$", pair.name)
    return pair.name == entry or (entry.isdecimal() and number is not None and int(number[0]) == int(entry))
