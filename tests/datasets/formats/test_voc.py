import numpy as np
import pytest
from numpy.testing import assert_array_equal

from leafwise.datasets.formats import VOC_CLASSES, is_voc, read_voc
from leafwise.errors import DatasetError, LabelMapError

BUS, CAR = VOC_CLASSES.index("bus") + 1, VOC_CLASSES.index("car") + 1
OBJECTS = np.array([[0, 1, 1, 255], [3, 3, 255, 0], [3, 5, 5, 0]])
CLASSES = np.array([[0, CAR, CAR, 255], [BUS, BUS, 255, 0], [CAR, BUS, BUS, 0]])


@pytest.fixture
def two(voc):
    return voc({"2007_1": (OBJECTS, CLASSES), "2007_2": (np.where(OBJECTS == 1, 1, 0), CLASSES)})


def test_objects_are_numbered_without_gaps_and_void_is_background(two, maps_of):
    assert is_voc(two)
    labels = maps_of(read_voc(two))
    assert list(labels) == ["2007_1", "2007_2"]
    assert labels["2007_1"].dtype == np.int32
    assert labels["2007_1"].tolist() == [[0, 1, 1, 0], [2, 2, 0, 0], [2, 3, 3, 0]]


def test_the_class_of_an_object_is_that_of_most_of_its_pixels(two, maps_of):
    buses = maps_of(read_voc(two, classes=["bus"]))
    assert buses["2007_1"].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 2, 2, 0]]
    assert not buses["2007_2"].any()
    both = maps_of(read_voc(two, classes=["bus", "car"]))
    assert_array_equal(both["2007_1"], maps_of(read_voc(two))["2007_1"])


def test_the_numbers_of_the_classes_are_voc_s():
    assert (VOC_CLASSES.index("person") + 1, VOC_CLASSES.index("tvmonitor") + 1, len(VOC_CLASSES)) == (
        15,
        20,
        20,
    )


def test_splits(two):
    lists = two / "ImageSets" / "Segmentation"
    (lists / "val.txt").write_text("2007_2\n\n2007_2 1\n")
    assert [photo.name for photo in read_voc(two, split="val")] == ["2007_2"]
    with pytest.raises(DatasetError, match="no list of this split; there are: trainval, val"):
        read_voc(two, split="test")
    (lists / "empty.txt").write_text("\n")
    with pytest.raises(DatasetError, match="an empty list"):
        read_voc(two, split="empty")
    (lists / "bad.txt").write_text("../x\n")
    with pytest.raises(DatasetError, match="no photo's name"):
        read_voc(two, split="bad")


def test_the_folder_above_is_taken_where_it_has_one_set(two, voc):
    assert [photo.image for photo in read_voc(two.parent)] == [photo.image for photo in read_voc(two)]
    voc({"x": (OBJECTS, CLASSES)}, folder="VOC2007")
    assert is_voc(two.parent)
    with pytest.raises(DatasetError, match="holds VOC2007, VOC2012; name one of them"):
        read_voc(two.parent)


def test_what_is_no_voc_set_is_one_line(tmp_path):
    assert not is_voc(tmp_path)
    with pytest.raises(DatasetError, match="no JPEGImages/ beside SegmentationObject/"):
        read_voc(tmp_path)
    for kind in ("JPEGImages", "SegmentationObject"):
        (tmp_path / kind).mkdir()
    with pytest.raises(DatasetError, match="no PNG files"):
        read_voc(tmp_path)


def test_an_unknown_class_is_one_line_with_the_known_ones(two):
    with pytest.raises(DatasetError, match=r"no class leaf; choose from aeroplane, .*, tvmonitor"):
        read_voc(two, classes=["leaf", "car"])


def test_maps_that_are_missing_or_of_another_size(two, photo):
    (two / "SegmentationClass" / "2007_1.png").unlink()
    photo(two / "JPEGImages" / "2007_2.jpg", (9, 9))
    first, second = read_voc(two, classes=["car"])
    with pytest.raises(LabelMapError, match=r"2007_1\.png: no such file"):
        first.labels_for(OBJECTS.shape)
    with pytest.raises(DatasetError, match=r"2007_2\.png: annotated at 4 x 3 pixels, its photo has 9 x 9"):
        second.labels_for((9, 9))
