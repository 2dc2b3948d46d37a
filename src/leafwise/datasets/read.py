"""A data set's folder, whichever of the known layouts it has."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from leafwise.datasets.cvppp import cvppp_parts, read_cvppp
from leafwise.datasets.folder import IMAGES, LABELS, read_folders
from leafwise.datasets.pairs import GROUP_PATTERN, Pair
from leafwise.errors import DatasetError
from leafwise.imaging import is_image_file

SPLIT_FILE = "splits.json"
_LAYOUTS = "images/ and labels/ with the same names, or plantNNN_rgb.png beside plantNNN_label.png"


def read_dataset(
    folder: str | os.PathLike[str], role: str | None = None, *, group_pattern: str = GROUP_PATTERN
) -> list[Pair]:
    """The pairs of a data set, sorted by name.

    Two layouts are known: `images/` and `labels/` with the same stems (KOMATSUNA, nuclei), and CVPPP's
    `<name>_rgb.png` beside `<name>_label.png`, in `folder` or in its sub-folders A1 to A5, whose names then start the
    pairs' names ("A1_plant001"). `role` takes the pairs that `splits.json`, beside the photos or in `folder`, lists
    under that word, as numbers ("001") or names. `group_pattern` finds the plant in a name (see GROUP_PATTERN).

    A file that lacks its counterpart is listed too, with the path that was expected: `check_dataset` names them all.

    Raises DatasetError for a folder of another layout, or in which no photo has a label map, and for an unknown role.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; check the name")
    try:
        pairs = _read(folder, role, group_pattern)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from error
    if not any(pair.image.exists() and pair.labels.exists() for pair in pairs):
        raise DatasetError(f"{folder}: no photo has a label map; expected {_LAYOUTS}")
    return pairs


def _read(folder: Path, role: str | None, group_pattern: str) -> list[Pair]:
    if (folder / IMAGES).is_dir() and (folder / LABELS).is_dir():
        pairs = read_folders(folder, group_pattern=group_pattern)
        return pairs if role is None else take_role(pairs, folder / SPLIT_FILE, role)
    parts = cvppp_parts(folder)
    if not parts:
        found = "photos, but no label maps" if any(map(is_image_file, folder.rglob("*"))) else "no photos"
        raise DatasetError(f"{folder}: {found}; expected {_LAYOUTS}")
    by_part = {
        part: read_cvppp(part, prefix="" if part == folder else f"{part.name}_", group_pattern=group_pattern)
        for part in parts
    }
    if role is not None and not (folder / SPLIT_FILE).exists():
        split_parts = [part for part in parts if (part / SPLIT_FILE).exists()] or [folder]
        by_part = {part: take_role(by_part.get(part, []), part / SPLIT_FILE, role) for part in split_parts}
        role = None
    pairs = sorted((pair for part in by_part.values() for pair in part), key=lambda pair: pair.name)
    return pairs if role is None else take_role(pairs, folder / SPLIT_FILE, role)


def take_role(pairs: Sequence[Pair], split_file: Path, role: str) -> list[Pair]:
    """The pairs that a split file, {role: [number or name, ...]}, lists under `role`, sorted by name.

    Raises DatasetError where the file is missing or is no such file, and for roles and photos that are not there.
    """
    roles = _read_roles(split_file)
    if role not in roles:
        raise DatasetError(f"{split_file}: no role {role!r}; it has {', '.join(sorted(roles)) or 'none'}")
    taken: dict[str, Pair] = {}
    unknown = []
    for entry in roles[role]:
        matches = [pair for pair in pairs if _is_named(pair, entry)]
        if len(matches) > 1:
            names = ", ".join(pair.name for pair in matches)
            raise DatasetError(f"{split_file}: {entry!r} may be any of {names}; write the whole name")
        taken.update({pair.name: pair for pair in matches})
        unknown += [] if matches else [entry]
    if unknown:
        raise DatasetError(
            f"{split_file}: unknown photos under {role!r}: {listed(unknown)}; correct the file"
        )
    return [taken[name] for name in sorted(taken)]


def _read_roles(split_file: Path) -> dict[str, list[str]]:
    content = read_json(split_file)
    are_lists = isinstance(content, dict) and all(isinstance(entries, list) for entries in content.values())
    if not are_lists:
        raise DatasetError(f'{split_file}: not a split file; expected {{"role": ["001", "002"]}}')
    return {role: [str(entry) for entry in entries] for role, entries in content.items()}


def _is_named(pair: Pair, entry: str) -> bool:
    number = re.search(r"(\d+)$", pair.name)
    return pair.name == entry or (entry.isdecimal() and number is not None and int(number[1]) == int(entry))


def read_json(path: Path) -> object:
    """The content of a JSON file; DatasetError where it is missing or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: no such file; a split needs it") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error
    except ValueError as error:  # broken JSON, and bytes that are no text
        raise DatasetError(f"{path}: no JSON ({error}); correct it or make it anew") from error


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Names for a message, the first few of many.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
