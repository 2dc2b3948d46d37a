"""What is kept of each photo done, so that a run can be resumed and its tables written at any time."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from leafwise.errors import OutputError
from leafwise.imaging import natural_key, write_text

UNFINISHED = "unfinished"  # in place of the digest of a photo whose files are not all written
FOLDER = ".leafwise"  # of the records, inside the output folder


@dataclasses.dataclass(frozen=True)
class Record:
    """A photo that is done."""

    name: str  # of its result files: NAME_label.png, NAME_overlay.png
    source: str  # the photo's absolute path
    digest: str  # of the photo's bytes
    leaves: list[dict[str, Any]]  # rows of leaves.csv
    plants: list[dict[str, Any]]  # rows of plants.csv


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows, as they go into a record."""
    return [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]


def digest_of(path: Path) -> str:
    """A fingerprint of a file's bytes; empty where it cannot be read (reading it will say why)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except OSError:
        return ""


def read_records(out: Path) -> dict[str, Record]:
    """The records in an output folder, by name; a damaged one counts as not done."""
    records = {}
    for path in sorted((out / FOLDER).glob("*.json")):
        try:
            record = Record(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        records[record.name] = record
    return records


def write_record(out: Path, record: Record) -> None:
    """Keep a record. Raises OutputError where that fails."""
    write_text(out / FOLDER / f"{record.name}.json", json.dumps(dataclasses.asdict(record)))


def expire_records(out: Path) -> None:
    """Let no photo count as done any longer, and clear its rows; each keeps its name."""
    for record in read_records(out).values():
        write_record(out, dataclasses.replace(record, digest=UNFINISHED, leaves=[], plants=[]))


def is_done(out: Path, record: Record | None, photo: Path) -> bool:
    """Whether a photo's results are all there, and are of the photo as it is now."""
    return (
        record is not None
        and any((out / f"{record.name}_label{suffix}").is_file() for suffix in (".png", ".tif"))
        and (out / f"{record.name}_overlay.png").is_file()
        and record.digest == digest_of(photo)
    )


def name_photos(photos: Sequence[Path], records: Mapping[str, Record]) -> dict[Path, str]:
    """A name for each photo's results: its stem, with its folder's name or a number where that is taken.

    A photo that was done before keeps its name.
    """
    names = {record.source: name for name, record in records.items()}
    taken = set(records)
    chosen = {}
    for photo in photos:
        source = str(photo.resolve())
        if source not in names:
            names[source] = next(name for name in _candidates(photo) if name not in taken)
            taken.add(names[source])
        chosen[photo] = names[source]
    return chosen


def refuse_strangers(out: Path, names: Iterable[str]) -> None:
    """Raise OutputError where a folder that no run has written holds a file with the name of a result."""
    for name in names:
        for file in (out / f"{name}_label.png", out / f"{name}_label.tif", out / f"{name}_overlay.png"):
            if file.exists():
                raise OutputError(f"{file}: is there already and not of leafwise; name another output folder")


def _candidates(photo: Path) -> Iterable[str]:
    yield photo.stem
    yield f"{photo.resolve().parent.name}_{photo.stem}"
    yield f"{photo.resolve().parent.name}_{photo.stem}_{photo.suffix[1:].lower()}"
    number = 2
    while True:
        yield f"{photo.stem}_{number}"
        number += 1


def write_tables(out: Path) -> dict[str, pd.DataFrame]:
    """Write leaves.csv, plants.csv and photos.csv of all records in an output folder, and return them by name.

    photos.csv has a row for each photo that is done: those without a leaf have no row in the other two.

    Raises OutputError where that fails.
    """
    records = sorted(read_records(out).values(), key=lambda record: natural_key(record.name))
    done = [record for record in records if record.digest != UNFINISHED]
    rows = {
        "leaves": [{"photo": record.name} | row for record in done for row in record.leaves],
        "plants": [{"photo": record.name} | row for record in done for row in record.plants],
        "photos": [
            {
                "photo": record.name,
                "plant_count": len(record.plants),
                "leaf_count": len(record.leaves),
                "file": record.source,
            }
            for record in done
        ],
    }
    tables = {name: pd.DataFrame(of_name) for name, of_name in rows.items()}
    for name, table in tables.items():
        text = "photo\n" if table.empty else table.to_csv(index=False, float_format="%.6g")
        write_text(out / f"{name}.csv", text)
    return tables
