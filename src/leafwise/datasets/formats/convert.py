"""Photos and label maps from another format into images/ and labels/, one photo after another."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leafwise.config import from_dict, read_toml, to_toml
from leafwise.datasets.formats.photos import AnnotatedPhoto
from leafwise.errors import DatasetError, LeafwiseError, OutputError
from leafwise.imaging import (
    IMAGE_SUFFIXES,
    atomic_path,
    make_folder,
    read_image,
    write_labels,
    write_text,
)

RECORD = "converted.toml"
_SET_APART = ("_label", "_overlay")  # endings that mean something to the readers of images/ and labels/

_Outcome = Literal["written", "there already", "without instances", "failed"]


@dataclass(frozen=True)
class Conversion:
    """What determines what is written, beside the source's files."""

    source: str
    format: str
    classes: str = ""  # sorted, joined by commas; empty means all
    split: str = ""  # empty means all, or the only one


@dataclass(frozen=True)
class Converted:
    """One photo has been dealt with."""

    name: str
    outcome: _Outcome
    error: str = ""  # one line, where it failed


def convert_photos(
    photos: Sequence[AnnotatedPhoto], out: Path, conversion: Conversion
) -> Iterator[Converted]:
    """Write each photo to out/images and its label map to out/labels, under one name; yields what became of it.

    Photos are hard links where the disk allows it, else copies. A photo whose two files are there is skipped,
    so that a run that was stopped goes on. One without any instance is left out. One that fails, or its
    annotation, costs one line; each photo is decoded once to find that out.

    Raises OutputError where `out` cannot be written, or holds what another conversion has written.
    """
    _open(out, conversion)
    seen: dict[str, Path] = {}
    for photo in photos:
        name = _plain_name(photo.name)
        try:
            key = name.casefold()  # many file systems do not tell upper from lower case
            if key in seen:
                raise DatasetError(f"{photo.image}: would have the name of {seen[key]}; rename one of them")
            seen[key] = photo.image
            yield Converted(name, _convert(photo, name, out))
        except OutputError:
            raise  # the next photo could not be written either
        except LeafwiseError as error:
            yield Converted(name, "failed", str(error))
        except UnicodeEncodeError:
            line = f"{str(photo.image)!r}: a name that no file can have; correct it in the annotations"
            yield Converted(name, "failed", line)


def _plain_name(name: str) -> str:
    """A name that the readers of images/ and labels/ take as it is."""
    name = name.lstrip(".") or "photo"  # not hidden
    return f"{name}_photo" if name.endswith(_SET_APART) else name


def _convert(photo: AnnotatedPhoto, name: str, out: Path) -> _Outcome:
    suffix = photo.image.suffix
    image_path, label_path = out / "images" / f"{name}{suffix}", out / "labels" / f"{name}.png"
    if image_path.is_file() and label_path.is_file():
        return "there already"
    if not photo.has_instances:
        return "without instances"
    if suffix.lower() not in IMAGE_SUFFIXES:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DatasetError(f"{photo.image}: a photo of another type than {kinds}; convert it to one of these")
    labels = photo.labels_for(read_image(photo.image).shape[:2])
    if not labels.any():
        return "without instances"
    write_labels(label_path, labels)
    _link_or_copy(photo.image, image_path)
    return "written"


def _link_or_copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        try:
            os.link(source.resolve(), temporary)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(source, temporary)


def _open(out: Path, conversion: Conversion) -> None:
    for kind in ("images", "labels"):
        make_folder(out / kind)
    record = out / RECORD
    if record.is_file():
        there = from_dict(Conversion, read_toml(record), where=str(record))
        if there != conversion:
            raise OutputError(f"{out}: holds photos of {_told(there)}; choose another folder")
        return
    if any((out / "images").iterdir()) or any((out / "labels").iterdir()):
        raise OutputError(f"{out}: holds photos already that are not from here; choose another folder")
    write_text(record, to_toml(conversion))


def _told(conversion: Conversion) -> str:
    classes = f", classes {conversion.classes}" if conversion.classes else ""
    split = f", split {conversion.split}" if conversion.split else ""
    return f"{conversion.source} ({conversion.format}{classes}{split})"
