import numpy as np
import pytest

from leafwise.datasets.formats import CITYSCAPES_CLASSES, is_cityscapes, read_cityscapes
from leafwise.errors import DatasetError

# road, a group of cars, two cars, a person, the first car again behind the person
IDS = np.array([[7, 26, 26000, 26000], [7, 26001, 24000, 26000], [7, 7, 24000, 0]])


@pytest.fixture
def root(cityscapes):
    return cityscapes(
        {
            "train/aachen/aachen_000000_000019": IDS,
            "train/bonn/bonn_000001_000019": np.where(IDS == 7, 7, 0),
            "val/ulm/ulm_000000_000019": IDS,
        }
    )


def test_instances_are_numbered_and_groups_are_background(root, maps_of):
    assert is_cityscapes(root)
    labels = maps_of(read_cityscapes(root))
    assert list(labels) == ["aachen_000000_000019", "bonn_000001_000019", "ulm_000000_000019"]
    assert labels["aachen_000000_000019"].tolist() == [[0, 0, 2, 2], [0, 3, 1, 2], [0, 0, 1, 0]]
    assert labels["aachen_000000_000019"].dtype == np.int32
    assert not labels["bonn_000001_000019"].any()


def test_classes(root, maps_of):
    cars = maps_of(read_cityscapes(root, classes=["car"], split="val"))
    assert cars["ulm_000000_000019"].tolist() == [[0, 0, 1, 1], [0, 2, 0, 1], [0, 0, 0, 0]]
    with pytest.raises(DatasetError, match="no class road; choose from person, rider, car"):
        read_cityscapes(root, classes=["road"])


def test_the_numbers_of_the_classes_are_cityscapes_s():
    assert (CITYSCAPES_CLASSES[24], CITYSCAPES_CLASSES[26], CITYSCAPES_CLASSES[33]) == (
        "person",
        "car",
        "bicycle",
    )


def test_splits(root):
    assert [photo.name for photo in read_cityscapes(root, split="val")] == ["ulm_000000_000019"]
    with pytest.raises(DatasetError, match="no split 'test'; there are: train, val"):
        read_cityscapes(root, split="test")


def test_a_photo_that_is_missing_is_listed_where_it_should_be(root):
    image = root / "leftImg8bit" / "val" / "ulm" / "ulm_000000_000019_leftImg8bit.png"
    image.unlink()
    assert read_cityscapes(root, split="val")[0].image == image


def test_what_is_no_cityscapes_set_is_one_line(tmp_path):
    assert not is_cityscapes(tmp_path)
    with pytest.raises(DatasetError, match="no leftImg8bit/ beside gtFine/"):
        read_cityscapes(tmp_path)
    (tmp_path / "leftImg8bit").mkdir()
    (tmp_path / "gtFine" / "train").mkdir(parents=True)
    with pytest.raises(DatasetError, match="no file"):
        read_cityscapes(tmp_path)
