"""COCO: a JSON file of instances (polygons, run lengths), and the photos that it names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.formats.photos import (
    AnnotatedPhoto,
    check_shape,
    choose_classes,
    is_folder,
    without_gaps,
)
from leafwise.datasets.roles import SPLIT_FILE, listed, read_json
from leafwise.errors import DatasetError, LabelMapError, missing_extra
from leafwise.imaging import Runs, check_runs, paint_runs, parse_runs, runs_area

_PREFIX = "instances_"
_ROBOFLOW = "_annotations.coco"  # a file of this name in the folder of each split
_DIGITS = "0123456789"


def is_coco(source: Path) -> bool:
    """Whether `source` is a JSON file, or a folder where COCO's annotations lie at one of the usual places."""
    return bool(_annotation_files(source))


def read_coco(source: Path, *, classes: Sequence[str] = (), split: str | None = None) -> list[AnnotatedPhoto]:
    """The photos of a JSON file in its order; crowds (iscrowd) are background, a smaller instance lies on top.

    Photos are looked for beside the file, in images/ beside it, and, from the folder above annotations/, in
    that of the split's name, there and in images/.

    Args:
        source: the JSON file, or a folder: with annotations/instances_<split>.json, with other JSON files in
            annotations/ or itself, or with <split>/_annotations.coco.json.
        classes: names of categories; instances of others are left out. None means all.
        split: which JSON file of the folder; "train" is also train2017, where there is no other. A JSON file
            is the one split of its name.

    Raises DatasetError where there is no such file or several, where it is no annotation file, and for a class
    that it lacks.
    """
    name, file = _annotation_file(source, split)
    content = read_json(file)
    images, annotations, categories = (_records(file, content, key) for key in _KEYS)
    names = {category["id"]: str(category["name"]) for category in categories}
    chosen = choose_classes(file, classes, list(names.values()))
    kept = {number for number, category in names.items() if category in chosen}
    by_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        if annotation["category_id"] in kept and not annotation.get("iscrowd"):
            by_image[annotation["image_id"]].append(annotation)
    if any(isinstance(found.get("segmentation"), list) for some in by_image.values() for found in some):
        _mask_module()  # better missed now than once a photo
    folders = _photo_folders(file, name)
    photos = []
    for image in images:
        relative = _relative_name(file, image["file_name"])
        instances = by_image.get(image["id"], [])
        labels_for = partial(_labels, file, image, instances)
        pair_name = "_".join(relative.with_suffix("").parts)
        photos.append(AnnotatedPhoto(pair_name, _find(folders, relative), labels_for, bool(instances)))
    return photos


def _labels(
    file: Path, image: Mapping[str, Any], instances: Sequence[Mapping[str, Any]], shape: tuple[int, int]
) -> NDArray[np.int32]:
    check_shape(f"{file}, {image['file_name']}", (image["height"], image["width"]), shape)
    masks = []
    for instance in instances:
        try:
            masks.append(_runs(instance.get("segmentation"), shape))
        except LabelMapError as error:
            where = f"{file}, {image['file_name']}, annotation {instance.get('id', '?')}"
            raise DatasetError(f"{where}: {error}") from error
    areas = [runs_area(runs) for runs in masks]
    labels = np.zeros(shape, np.int32, order="F")
    for index in sorted(range(len(masks)), key=lambda index: -areas[index]):
        paint_runs(labels, masks[index], index + 1)
    return np.ascontiguousarray(without_gaps(labels))


def _runs(segmentation: Any, shape: tuple[int, int]) -> Runs:
    """Run lengths of one instance, from polygons or from run lengths of either kind."""
    if isinstance(segmentation, list):
        return _polygon_runs(segmentation, shape)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= segmentation.keys():
        raise LabelMapError("no mask; an instance needs polygons or run lengths, a box is not enough")
    if segmentation["size"] != list(shape):
        raise LabelMapError(f"run lengths for {segmentation['size']}, not {list(shape)}; make them anew")
    counts = segmentation["counts"]
    if isinstance(counts, str):
        return parse_runs(counts, shape[0] * shape[1])
    if isinstance(counts, list):
        return check_runs(counts, shape[0] * shape[1])
    raise LabelMapError("run lengths that are neither text nor numbers; export the annotations again")


def _polygon_runs(polygons: list[Any], shape: tuple[int, int]) -> Runs:
    """What pycocotools makes of polygons, [x, y, x, y, ...] each; one of less than three corners has no area."""
    if not polygons:
        raise LabelMapError("no mask; an instance needs polygons or run lengths, a box is not enough")
    for polygon in polygons:
        _check_polygon(polygon, shape)
    with_area = [[float(value) for value in polygon] for polygon in polygons if len(polygon) >= 6]
    n_pixels = shape[0] * shape[1]
    if not with_area:
        return np.array([n_pixels], np.int64)
    mask = _mask_module()
    return parse_runs(mask.merge(mask.frPyObjects(with_area, *shape))["counts"], n_pixels)


def _check_polygon(polygon: Any, shape: tuple[int, int]) -> None:
    if not isinstance(polygon, list) or len(polygon) % 2:
        raise LabelMapError("a polygon is a list of x, y, x, y and so on; correct it")
    reach = 2 * max(shape)  # past that, drawing it may take any amount of memory
    for value in polygon:
        if type(value) not in {int, float} or not -reach <= value <= reach:  # nan, too
            raise LabelMapError(f"a polygon with {str(value)[:20]}, not a place in its photo; correct it")


def _mask_module() -> Any:
    try:
        from pycocotools import mask  # of the extra `coco`
    except ImportError as error:
        raise missing_extra("polygons of COCO's annotations need pycocotools", "coco") from error
    return mask


_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "images": {"id": (int, str), "file_name": str, "height": int, "width": int},
    "annotations": {"image_id": (int, str), "category_id": (int, str)},
    "categories": {"id": (int, str), "name": str},
}


def _records(file: Path, content: Any, key: str) -> list[dict[str, Any]]:
    """One of the file's lists, once it is known that each entry has what is needed."""
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise DatasetError(f"{file}: no list {key!r}; expected COCO's instances, with {', '.join(_KEYS)}")
    for index, record in enumerate(records):
        for field, kind in _KEYS[key].items():
            if not isinstance(record, dict) or not isinstance(record.get(field), kind):
                raise DatasetError(f"{file}: {key}[{index}] has no proper {field!r}; correct the file")
    return records


def _annotation_file(source: Path, split: str | None) -> tuple[str, Path]:
    """The name of the split, and its JSON file."""
    files = _annotation_files(source)
    if not files:
        raise DatasetError(f"{source}: no JSON file, nor annotations/instances_<split>.json in it")
    if split is None:
        names = list(files)
    else:
        names = [name for name in files if split in {name, name.rstrip(_DIGITS)}]
        names = [split] if split in names else names
    if len(names) == 1:
        return names[0], files[names[0]]
    there = listed(list(files))
    if not names:
        raise DatasetError(f"{source}: no annotations of the split {split!r}; there are: {there}")
    raise DatasetError(f"{source}: annotations of several splits; choose one with --split: {there}")


def _annotation_files(source: Path) -> dict[str, Path]:
    """JSON files by the split's name, from the first of the usual places where there is one."""
    if source.suffix.lower() == ".json" and source.is_file():
        return {_split_name(source): source}
    if not is_folder(source):
        return {}
    for pattern in (f"annotations/{_PREFIX}*.json", "annotations/*.json", f"*/{_ROBOFLOW}.json", "*.json"):
        files = [path for path in sorted(source.glob(pattern)) if path.name != SPLIT_FILE]
        if files:
            return {_split_name(path): path for path in files}
    return {}


def _split_name(file: Path) -> str:
    return file.absolute().parent.name if file.stem == _ROBOFLOW else file.stem.removeprefix(_PREFIX)


def _photo_folders(file: Path, split: str) -> list[Path]:
    """Where the photos may be, the likeliest first."""
    here = file.parent
    above = here.parent if here.name == "annotations" else here
    return list(
        dict.fromkeys(
            [above / split, above / "images" / split, above / "images", above, here / "images", here]
        )
    )


def _find(folders: Sequence[Path], relative: PurePosixPath) -> Path:
    """The photo in the first folder that has it; where none has, as if it were in the first folder there is."""
    for folder in folders:
        if (folder / relative).is_file():
            return folder / relative
    return next(folder for folder in folders if folder.is_dir()) / relative


def _relative_name(file: Path, file_name: str) -> PurePosixPath:
    name = PurePosixPath(file_name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in file_name or not name.name or "\0" in file_name:
        raise DatasetError(
            f"{file}: the photo {file_name!r} is named from elsewhere; name it from its folder"
        )
    return name
