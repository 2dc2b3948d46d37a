"""Pascal VOC: JPEGImages/, instances as indices of SegmentationObject/'s palette pictures, 255 = void."""

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
from leafwise.imaging import IMAGE_SUFFIXES, is_image_file

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""In the order of their indices in SegmentationClass/, from 1 on."""

VOID = 255  # the border of an object, and what is too hard to tell
_LISTS = Path("ImageSets", "Segmentation")


def is_voc(source: Path) -> bool:
    """Whether `source` is such a folder, or one with VOC2012/ and the like in it."""
    return bool(_roots(source))


def read_voc(source: Path, *, classes: Sequence[str] = (), split: str | None = None) -> list[AnnotatedPhoto]:
    """The photos that have an object map, or those of a split; void is background.

    Args:
        source: the folder with JPEGImages/ and SegmentationObject/, or the one above it.
        classes: instances of other classes are left out; an instance's class is the one that most of its
            pixels have in SegmentationClass/. None means all, and SegmentationClass/ is not looked at.
        split: a list of names, ImageSets/Segmentation/<split>.txt.

    Raises DatasetError for a folder of another kind, several in one, and classes or a split that are not there.
    """
    root = _root(source)
    chosen = choose_classes(source, classes, VOC_CLASSES) if classes else frozenset[str]()
    kept = np.isin(["background", *VOC_CLASSES], sorted(chosen))
    names = _split_names(root, split) if split is not None else _all_names(root)
    photos = {path.stem: path for path in sorted((root / "JPEGImages").iterdir()) if is_image_file(path)}
    return [
        AnnotatedPhoto(
            name,
            photos.get(name, root / "JPEGImages" / f"{name}.jpg"),
            partial(_labels, root, name, kept if classes else None),
        )
        for name in names
    ]


def _labels(
    root: Path, name: str, kept: NDArray[np.bool_] | None, shape: tuple[int, int]
) -> NDArray[np.int32]:
    """The label map of one photo; `kept` says of each class, by its index, whether it is wanted."""
    numbers = read_instance_map(root / "SegmentationObject" / f"{name}.png", shape)
    numbers = np.where(numbers == VOID, 0, numbers)
    if kept is None:
        return without_gaps(numbers)
    class_map = read_instance_map(root / "SegmentationClass" / f"{name}.png", shape)
    votes = np.zeros((int(numbers.max()) + 1, len(kept)), np.int64)
    is_known = (class_map > 0) & (class_map < len(kept))
    np.add.at(votes, (numbers[is_known], class_map[is_known]), 1)
    is_wanted = kept[votes.argmax(axis=1)]  # no vote at all is for 0, the background, which is not kept
    is_wanted[0] = False
    return without_gaps(np.where(is_wanted[numbers], numbers, 0))


def _split_names(root: Path, split: str) -> list[str]:
    file = root / _LISTS / f"{split}.txt"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        there = sorted(path.stem for path in (root / _LISTS).glob("*.txt"))
        raise DatasetError(f"{file}: no list of this split; there are: {listed(there) or 'none'}") from error
    names = list(dict.fromkeys(words[0] for line in lines if (words := line.split())))
    if not names:
        raise DatasetError(f"{file}: an empty list; choose another split")
    if bad := [name for name in names if "/" in name or "\\" in name]:
        raise DatasetError(f"{file}: {bad[0]!r} is no photo's name; list names without folders and types")
    return names


def _all_names(root: Path) -> list[str]:
    maps = sorted((root / "SegmentationObject").iterdir())
    names = [path.stem for path in maps if path.suffix.lower() == ".png" and is_image_file(path)]
    if not names:
        raise DatasetError(f"{root / 'SegmentationObject'}: no PNG files; VOC's instances are expected there")
    return names


def _root(source: Path) -> Path:
    roots = _roots(source)
    if not roots:
        kinds = ", ".join(sorted(suffix.lstrip(".") for suffix in IMAGE_SUFFIXES))
        raise DatasetError(
            f"{source}: no JPEGImages/ beside SegmentationObject/; expected photos ({kinds}) and object maps"
        )
    if len(roots) > 1:
        raise DatasetError(f"{source}: holds {listed([root.name for root in roots])}; name one of them")
    return roots[0]


def _roots(source: Path) -> list[Path]:
    if not is_folder(source):
        return []
    folders = [source] if _is_root(source) else sorted(source.glob("*"))
    return [folder for folder in folders if _is_root(folder)]


def _is_root(folder: Path) -> bool:
    return is_folder(folder / "JPEGImages") and is_folder(folder / "SegmentationObject")
