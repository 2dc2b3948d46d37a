"""Cityscapes: leftImg8bit/<split>/<city>/, instances as class * 1000 + number in gtFine/<split>/<city>/."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.formats.photos import (
    AnnotatedPhoto,
    choose_classes,
    is_folder,
    read_instance_map,
    without_gaps,
)
from leafwise.datasets.roles import listed
from leafwise.errors import DatasetError

CITYSCAPES_CLASSES = {
    24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus",
    29: "caravan", 30: "trailer", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
"""Those that have instances, by their numbers."""

_FACTOR = 1000  # a value below it is a class without instances, or a group whose members nobody told apart
_MAP_ENDING = "_gtFine_instanceIds.png"
_PHOTO_ENDING = "_leftImg8bit.png"


def is_cityscapes(source: Path) -> bool:
    """Whether `source` is such a folder."""
    return is_folder(source / "leftImg8bit") and is_folder(source / "gtFine")


def read_cityscapes(
    source: Path, *, classes: Sequence[str] = (), split: str | None = None
) -> list[AnnotatedPhoto]:
    """The photos that have instance maps, sorted by split and name; groups are background.

    Args:
        source: the folder with leftImg8bit/ and gtFine/.
        classes: instances of other classes are left out; none means all ten.
        split: a folder of gtFine/ (train, val); None means all. The test split's maps are empty.

    Raises DatasetError for a folder of another kind, and for classes or a split that are not there.
    """
    if not is_cityscapes(source):
        raise DatasetError(f"{source}: no leftImg8bit/ beside gtFine/; expected Cityscapes' photos and maps")
    chosen = choose_classes(source, classes, list(CITYSCAPES_CLASSES.values()))
    kept = [number for number, name in CITYSCAPES_CLASSES.items() if name in chosen]
    there = sorted(path.name for path in (source / "gtFine").iterdir() if path.is_dir())
    if split is not None and split not in there:
        raise DatasetError(f"{source / 'gtFine'}: no split {split!r}; there are: {listed(there) or 'none'}")
    splits = [split] if split is not None else there
    maps = [path for name in splits for path in sorted((source / "gtFine" / name).glob(f"*/*{_MAP_ENDING}"))]
    if not maps:
        raise DatasetError(f"{source / 'gtFine'}: no file */*{_MAP_ENDING} in {listed(splits) or 'it'}")
    photos = []
    for path in maps:
        name = path.name.removesuffix(_MAP_ENDING)
        part = path.parent.relative_to(source / "gtFine")
        image = source / "leftImg8bit" / part / f"{name}{_PHOTO_ENDING}"
        photos.append(AnnotatedPhoto(name, image, partial(_labels, path, kept)))
    return photos


def _labels(path: Path, kept: Sequence[int], shape: tuple[int, int]) -> NDArray[np.int32]:
    numbers = read_instance_map(path, shape)
    is_wanted = np.isin(numbers // _FACTOR, kept)
    return without_gaps(np.where(is_wanted, numbers, 0))
