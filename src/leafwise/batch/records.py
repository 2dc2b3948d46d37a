"""What is kept of each photo done, so that a run can be resumed and its tables written at any time."""

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leafwise.errors import ImageError, OutputError
from leafwise.imaging import digest_of, is_temporary, natural_key, output_error, write_text
from leafwise.traits import measure_leaves, measure_plants

UNFINISHED = "unfinished"  # for the digest of a photo whose files are not all there, or made otherwise
RESULTS = ("_label.png", "_label.tif", "_overlay.png")  # endings of a photo's own files
TABLES = ("leaves.csv", "plants.csv", "photos.csv")
LONGEST_STEM = 180  # bytes: a file's name may have 255, endings and a temporary name's included
ORPHANED = 3600  # seconds since a temporary file was last written to
FOLDER = ".leafwise"  # of the records, inside the output folder


@dataclasses.dataclass(frozen=True)
class Entry:
    """What a run keeps in mind of a photo's record: the rows of 100,000 photos would fill the memory."""

    name: str  # of its result files: NAME_label.png, NAME_overlay.png
    source: str  # the photo's absolute path
    digest: str  # of the photo's bytes


@dataclasses.dataclass(frozen=True)
class Record(Entry):
    """A photo that is done."""

    leaves: list[dict[str, Any]]  # rows of leaves.csv
    plants: list[dict[str, Any]]  # rows of plants.csv


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows, as they go into a record."""
    return [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]


def read_records(out: Path) -> dict[str, Record]:
    """The records in an output folder, by name, in natural order; a damaged one counts as not done."""
    return {record.name: record for record in _each_record(out)}


def read_entries(out: Path) -> dict[str, Entry]:
    """`read_records` without the rows."""
    return {record.name: Entry(record.name, record.source, record.digest) for record in _each_record(out)}


def _each_record(out: Path) -> Iterator[Record]:
    """One after another, so that who needs not all of them has not all of them in memory."""
    for path in sorted(_record_files(out), key=lambda path: natural_key(path.stem)):
        record = _read_record(path)
        if record is not None:
            yield record


def _read_record(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(out: Path, record: Record) -> None:
    """Keep a record. Raises OutputError where that fails."""
    write_text(_record_file(out, record.name), json.dumps(dataclasses.asdict(record)))


def expire_records(out: Path, entries: Iterable[Entry]) -> None:
    """Let photos count as done no longer, and clear their rows; each keeps its name."""
    for entry in entries:
        write_record(out, Record(entry.name, entry.source, UNFINISHED, [], []))


def remove_results(out: Path, names: Iterable[str]) -> None:
    """Remove the label maps and overlays of photos. Raises OutputError where that fails."""
    for name in names:
        for ending in RESULTS:
            remove_file(out / f"{name}{ending}")


def remove_file(file: Path) -> None:
    """Remove a file, where it is there. Raises OutputError where that fails."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(file, error) from error


def remove_orphans(out: Path) -> None:
    """Remove the temporary files that killed processes have left in an output folder.

    Those of the last hour stay: another run may be writing them.
    """
    for folder in (out, out / FOLDER):
        for path in filter(is_temporary, folder.glob(".*.tmp*")):
            with suppress(OSError):  # another run may be removing them, too
                if time.time() - path.stat().st_mtime > ORPHANED:
                    path.unlink()


def refuse_strangers(out: Path, names: Iterable[str], *, is_new: bool) -> None:
    """Raise OutputError where a file of a result's name is there that leafwise has not written.

    In a folder that is new to leafwise, without a record, of a table's name, too.
    """
    ours = _recorded(out)
    strangers = [out / f"{name}{ending}" for name in names if name not in ours for ending in RESULTS]
    for file in strangers + [out / name for name in TABLES if is_new and not ours]:
        if file.exists():
            raise OutputError(f"{file}: is there already and not of leafwise; name another output folder")


def claim_name(out: Path, name: str, source: Path) -> None:
    """Keep a record of a photo before its first file is written: from now on files of its name are leafwise's own.

    It has no rows: those of an earlier run would stand beside the new files where this one is killed. Raises
    OutputError where that fails.
    """
    claim = Record(name, str(source.resolve()), UNFINISHED, [], [])
    if _read_record(_record_file(out, name)) != claim:
        write_record(out, claim)


def _record_file(out: Path, name: str) -> Path:
    return out / FOLDER / f"{name}.json"


def _recorded(out: Path) -> set[str]:
    """The names of all records, damaged ones too."""
    return {path.stem for path in _record_files(out)}


def _record_files(out: Path) -> list[Path]:
    """All but those that a killed process was about to write."""
    return [path for path in (out / FOLDER).glob("*.json") if not is_temporary(path)]


def follow_moved(photos: Sequence[Path], entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries, those of photos that have moved with their new place: told by their bytes.

    What was not finished is told by its file's name.
    """
    followed = dict(entries)
    known = {entry.source for entry in entries.values()}
    gone: dict[str, list[Entry]] = {}
    for entry in entries.values():
        # a Path's own exists() raises where a folder may not be looked into
        if not os.path.exists(entry.source):
            told_by = Path(entry.source).name if entry.digest == UNFINISHED else entry.digest
            gone.setdefault(told_by, []).append(entry)
    for photo in photos if gone else ():
        source = str(photo.resolve())
        likely = [] if source in known else gone.get(digest_of(photo)) or gone.get(photo.name) or []
        if likely:
            entry = next((one for one in likely if one.name == photo.stem), likely[0])
            likely.remove(entry)
            followed[entry.name] = dataclasses.replace(entry, source=source)
    return followed


def move_records(out: Path, entries: Iterable[Entry]) -> None:
    """Keep where photos are now, and all else of their records. Raises OutputError where that fails."""
    for entry in entries:
        record = _read_record(_record_file(out, entry.name))
        if record is not None:
            write_record(out, dataclasses.replace(record, source=entry.source))


def has_content(path: Path) -> bool:
    """Whether there is a file that is not empty: a power cut may leave it so."""
    return path.is_file() and path.stat().st_size > 0


def is_done(out: Path, entry: Entry | None, photo: Path) -> bool:
    """Whether a photo's results are all there, and are of the photo as it is now."""
    return (
        entry is not None
        and any(has_content(out / f"{entry.name}_label{suffix}") for suffix in (".png", ".tif"))
        and has_content(out / f"{entry.name}_overlay.png")
        and entry.digest == digest_of(photo)
    )


def has_changed(entry: Entry, photo: Path) -> bool:
    """Whether a photo's rows are of another one than is there now; one that cannot be read tells nothing."""
    return entry.digest != UNFINISHED and digest_of(photo) not in ("", entry.digest)


def check_path(photo: Path) -> None:
    """Raise ImageError where a photo's path is not UTF-8, as on Linux it may be: no table or record can hold it."""
    for path in (photo, photo.resolve()):
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            shown = os.fsencode(path).decode("utf-8", "replace")
            raise ImageError(
                f"{shown}: a name that is not UTF-8 (where \ufffd stands) fits into no table; rename the file or folder"
            ) from error


def name_photos(photos: Sequence[Path], entries: Mapping[str, Entry]) -> dict[Path, str]:
    """A name for each photo's results: its stem, with its folder's name or a number where that is taken.

    A photo that was done before keeps its name. Names differ in more than upper and lower case, which many file
    systems do not tell apart.
    """
    names = {entry.source: name for name, entry in entries.items()}
    taken = {name.casefold() for name in entries}
    chosen = {}
    for photo in photos:
        source = str(photo.resolve())
        if source not in names:
            names[source] = next(name for name in _candidates(photo) if name.casefold() not in taken)
            taken.add(names[source].casefold())
        chosen[photo] = names[source]
    return chosen


def _candidates(photo: Path) -> Iterable[str]:
    stem, folder = photo.stem, photo.resolve().parent.name
    for name in (stem, f"{folder}_{stem}", f"{folder}_{stem}_{photo.suffix[1:].lower()}"):
        yield _shortened(name)
    number = 2
    while True:
        yield f"{_shortened(stem)}_{number}"
        number += 1


def _shortened(name: str) -> str:
    while len(os.fsencode(name)) > LONGEST_STEM:
        name = name[:-1]
    return name


def write_tables(out: Path) -> dict[str, pd.DataFrame]:
    """Write leaves.csv, plants.csv and photos.csv of all records in an output folder, and return them by name.

    photos.csv has a row for each photo that is done: those without a leaf have no row in the other two.

    Raises OutputError where that fails.
    """
    rows: dict[str, list[dict[str, Any]]] = {"leaves": [], "plants": [], "photos": []}
    for record in _each_record(out):
        if record.digest == UNFINISHED:
            continue
        rows["leaves"] += [{"photo": record.name} | row for row in record.leaves]
        rows["plants"] += [{"photo": record.name} | row for row in record.plants]
        counts = {"plant_count": len(record.plants), "leaf_count": len(record.leaves)}
        rows["photos"].append({"photo": record.name} | counts | {"file": record.source})
    tables = {
        "leaves": pd.DataFrame(rows["leaves"], columns=None if rows["leaves"] else _columns("leaves")),
        "plants": pd.DataFrame(rows["plants"], columns=None if rows["plants"] else _columns("plants")),
        "photos": pd.DataFrame(rows["photos"], columns=["photo", "plant_count", "leaf_count", "file"]),
    }
    for name, table in tables.items():
        write_text(out / f"{name}.csv", table.to_csv(index=False, float_format="%.10g"))
    return tables


def _columns(kind: str) -> list[str]:
    """The columns of leaves.csv or plants.csv, where there is no row to tell them."""
    nothing = np.zeros((1, 1), np.int32)
    if kind == "leaves":
        return ["photo", "plant", *measure_leaves(np.zeros((1, 1, 3), np.uint8), nothing).columns]
    return ["photo", *measure_plants(nothing, np.zeros(1, np.int32)).columns]
