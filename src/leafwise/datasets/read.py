"""A data set's folder, whichever of the known layouts it has."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from leafwise.datasets.layouts import CVPPP, FOLDERS, has_photos, read_layout
from leafwise.datasets.pairs import GROUP_PATTERN, Pair
from leafwise.datasets.roles import SPLIT_FILE, take_role
from leafwise.errors import DatasetError
from leafwise.imaging import is_image_file

_CVPPP_PARTS = ("A1", "A2", "A3", "A4", "A5")
_EXPECTED = "expected images/ and labels/ with equal names, or plantNNN_rgb.png beside plantNNN_label.png"


def read_dataset(
    folder: str | os.PathLike[str], role: str | None = None, *, group_pattern: str = GROUP_PATTERN
) -> list[Pair]:
    """The pairs of a data set, sorted by name.

    Two layouts are known: `images/` and `labels/` with equal stems (KOMATSUNA, nuclei), and CVPPP's
    `<name>_rgb.png` beside `<name>_label.png`, in `folder` itself or in its sub-folders A1 to A5, whose names
    then start those of the pairs ("A1_plant001").

    `role` takes only what a `splits.json`, in `folder` or else in the sub-folders, lists under that word, as
    numbers ("001") or as names. `group_pattern` finds the plant in a name, see GROUP_PATTERN.

    A file without counterpart is among the pairs too, with the path where the counterpart should be, so that
    `check_dataset` can name all that is missing.

    Raises DatasetError for a folder that has another layout or is missing, for one in which no photo has a
    label map, and for a role or photos of it that are not there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; check the name")
    try:
        parts = _read_parts(folder, group_pattern)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from error
    pairs = _sorted(parts.values())
    if not any(pair.image.exists() and pair.labels.exists() for pair in pairs):
        raise DatasetError(f"{folder}: no photo has a label map; {_EXPECTED}")
    if role is None:
        return pairs
    split_parts = [part for part in parts if (part / SPLIT_FILE).exists()]
    if (folder / SPLIT_FILE).exists() or not split_parts:
        return take_role(pairs, folder / SPLIT_FILE, role)
    return _sorted(take_role(parts[part], part / SPLIT_FILE, role) for part in split_parts)


def read_datasets(folders: Sequence[str | os.PathLike[str]]) -> list[Pair]:
    """The pairs of one data set or of several together; of several, their folders' names start those of the pairs.

    Raises DatasetError as `read_dataset` does, and for folders of one name.
    """
    if len(folders) == 1:
        return read_dataset(folders[0])
    names = [set_name(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise DatasetError(f"data sets of the same name: {', '.join(names)}; rename the folders")
    return [
        replace(pair, name=f"{name}_{pair.name}", group=f"{name}_{pair.group}", dataset=name)
        for name, folder in sorted(zip(names, folders, strict=True), key=lambda each: each[0])
        for pair in read_dataset(folder)
    ]


def set_name(folder: str | os.PathLike[str]) -> str:
    """The name of a data set, that of its folder.

    >>> set_name("data/KOMATSUNA/"), set_name("data/A1/../A2")
    ('KOMATSUNA', 'A2')
    """
    return os.path.basename(os.path.abspath(folder))


def set_of(photo: str, names: Iterable[str]) -> str:
    """Which of several data sets a pair of `read_datasets` is of, by its name.

    >>> set_of("plants_2024_a", ["plants", "plants_2024"])
    'plants_2024'
    """
    return max((name for name in names if photo.startswith(f"{name}_")), key=len)


def _read_parts(folder: Path, group_pattern: str) -> dict[Path, list[Pair]]:
    """The pairs of the folder, or of each of its parts."""
    for layout in (FOLDERS, CVPPP):
        if has_photos(folder, layout):
            return {folder: read_layout(folder, layout, group_pattern=group_pattern)}
    parts = [folder / name for name in _CVPPP_PARTS if has_photos(folder / name, CVPPP)]
    if not parts:
        are_there = any(map(is_image_file, chain(folder.glob("*"), folder.glob("*/*"))))
        found = "photos, but no label maps" if are_there else "no photos"
        raise DatasetError(f"{folder}: {found}; {_EXPECTED}")
    return {
        part: read_layout(part, CVPPP, prefix=f"{part.name}_", group_pattern=group_pattern) for part in parts
    }


def _sorted(parts: Iterable[list[Pair]]) -> list[Pair]:
    return sorted(chain.from_iterable(parts), key=lambda pair: pair.name)
