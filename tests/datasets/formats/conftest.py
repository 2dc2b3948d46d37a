"""Tiny data sets in other formats."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leafwise.imaging import label_runs, write_image

SHAPE = (6, 8)


def add_photo(path: Path, shape=SHAPE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((*shape, 3), 120, np.uint8))
    return path


@pytest.fixture
def photo():
    return add_photo


@pytest.fixture
def instance():
    """One COCO annotation of a mask (h, w)."""

    def make(mask, *, image=1, category=1, number=1, **more):
        counts = label_runs(np.asarray(mask, np.int32)).get(1, np.array([np.size(mask)])).tolist()
        segmentation = {"size": list(np.shape(mask)), "counts": counts}
        return {
            "id": number,
            "image_id": image,
            "category_id": category,
            "segmentation": segmentation,
            "iscrowd": 0,
        } | more

    return make


@pytest.fixture
def coco(tmp_path):
    """Writes a COCO set of two photos, a.png and b.png, with the annotations given."""

    def write(annotations, folder="coco", name="annotations/instances_train2017.json", photos="train2017"):
        root = tmp_path / folder
        images = []
        for number, stem in enumerate(["a", "b"], start=1):
            if photos is not None:
                add_photo(root / photos / f"{stem}.png")
            images.append({"id": number, "file_name": f"{stem}.png", "height": SHAPE[0], "width": SHAPE[1]})
        categories = [{"id": 1, "name": "leaf"}, {"id": 7, "name": "potted plant"}]
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
        return root

    return write


def write_palette(path: Path, indices: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(indices.astype(np.uint8))
    picture.putpalette([value for i in range(256) for value in (i, 255 - i, 7 * i % 256)])
    assert picture.mode == "P"
    picture.save(path)


@pytest.fixture
def voc(tmp_path):
    """Writes a VOC set: photos by name with their object and class maps."""

    def write(maps, folder="VOC2012"):
        root = tmp_path / folder
        for name, (objects, classes) in maps.items():
            add_photo(root / "JPEGImages" / f"{name}.jpg", objects.shape)
            write_palette(root / "SegmentationObject" / f"{name}.png", objects)
            if classes is not None:
                write_palette(root / "SegmentationClass" / f"{name}.png", classes)
        add_photo(root / "JPEGImages" / "unlabelled.jpg")
        lists = root / "ImageSets" / "Segmentation"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / "trainval.txt").write_text("".join(f"{name}\n" for name in maps))
        return root

    return write


@pytest.fixture
def cityscapes(tmp_path):
    """Writes a Cityscapes set: instance ids by split/city/name."""

    def write(maps):
        root = tmp_path / "cityscapes"
        for path, ids in maps.items():
            add_photo(root / "leftImg8bit" / f"{path}_leftImg8bit.png", ids.shape)
            file = root / "gtFine" / f"{path}_gtFine_instanceIds.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(ids.astype(np.uint16)).save(file)
        return root

    return write


@pytest.fixture
def maps_of():
    """The label maps of photos by name, None in place of one that is known to be empty."""
    from leafwise.imaging import read_image

    return lambda photos: {
        photo.name: photo.labels_for(read_image(photo.image).shape[:2]) if photo.has_instances else None
        for photo in photos
    }
