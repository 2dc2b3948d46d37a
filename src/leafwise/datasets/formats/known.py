"""The formats that are known, by name, and which of them a folder has."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leafwise.datasets.formats.cityscapes import is_cityscapes, read_cityscapes
from leafwise.datasets.formats.coco import is_coco, read_coco
from leafwise.datasets.formats.photos import AnnotatedPhoto
from leafwise.datasets.formats.voc import is_voc, read_voc
from leafwise.errors import DatasetError


class _Reader(Protocol):
    def __call__(
        self, source: Path, *, classes: Sequence[str], split: str | None
    ) -> list[AnnotatedPhoto]: ...


@dataclass(frozen=True)
class Format:
    """How a folder or file is recognised as of this format, and how it is read."""

    fits: Callable[[Path], bool]
    read: _Reader


FORMATS: dict[str, Format] = {  # in the order in which they are tried; COCO's is the least certain
    "cityscapes": Format(is_cityscapes, read_cityscapes),
    "voc": Format(is_voc, read_voc),
    "coco": Format(is_coco, read_coco),
}


def guess_format(source: str | os.PathLike[str]) -> str:
    """The name of the format that `source` has. Raises DatasetError where it has none, or is not there."""
    source = Path(source)
    if not source.exists():
        raise DatasetError(f"{source}: no such file or folder; check the name")
    for name, known in FORMATS.items():
        if known.fits(source):
            return name
    raise DatasetError(
        f"{source}: none of the formats; expected a COCO file or annotations/instances_*.json, "
        "JPEGImages/ with SegmentationObject/ (VOC), or leftImg8bit/ with gtFine/ (Cityscapes)"
    )


def read_annotations(
    source: str | os.PathLike[str], format_name: str, *, classes: Sequence[str] = (), split: str | None = None
) -> list[AnnotatedPhoto]:
    """The photos of a data set in one of FORMATS, of some classes and one split, or all.

    Raises DatasetError where `source` is not there or not of this format, or lacks a class or the split.
    """
    source = Path(source)
    if not source.exists():
        raise DatasetError(f"{source}: no such file or folder; check the name")
    try:
        return FORMATS[format_name].read(source, classes=classes, split=split)
    except OSError as error:
        raise DatasetError(f"{source}: cannot be read ({error.strerror}); change its permissions") from error
