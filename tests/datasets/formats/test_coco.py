import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from leafwise.datasets.formats import coco as coco_module
from leafwise.datasets.formats import is_coco, read_coco
from leafwise.errors import DatasetError, LeafwiseError
from leafwise.imaging import label_runs

SHAPE = (6, 8)


def block(top, left, bottom, right):
    mask = np.zeros(SHAPE, np.int32)
    mask[top:bottom, left:right] = 1
    return mask


@pytest.fixture
def labels_of_a(coco, maps_of):
    """The label map of photo a with these annotations."""
    return lambda *annotations, **how: maps_of(read_coco(coco(list(annotations)), **how))["a"]


@pytest.fixture
def refused(coco, maps_of):
    """The one line that says what is wrong with annotations."""

    def message(*annotations):
        with pytest.raises(DatasetError) as caught:
            maps_of(read_coco(coco(list(annotations))))
        line = str(caught.value)
        assert "instances_train2017.json" in line
        assert "; " in line
        assert "\n" not in line
        return line

    return message


def test_uncompressed_run_lengths(labels_of_a, instance):
    labels = labels_of_a(instance(block(0, 0, 2, 2)), instance(block(3, 3, 6, 8), number=2))
    assert labels.dtype == np.int32
    assert_array_equal(labels, block(0, 0, 2, 2) + 2 * block(3, 3, 6, 8))


def test_compressed_run_lengths(labels_of_a, instance):
    from pycocotools import mask

    truth = block(1, 2, 5, 7)
    counts = mask.encode(np.asfortranarray(truth, np.uint8))["counts"].decode()
    segmentation = {"size": list(SHAPE), "counts": counts}
    assert_array_equal(labels_of_a(instance(truth, segmentation=segmentation)), truth)


def test_polygons_several_of_one_instance(labels_of_a, instance):
    polygons = [[0, 0, 3, 0, 3, 2, 0, 2], [5, 4, 8, 4, 8, 6, 5, 6], [1, 1, 2, 2]]
    labels = labels_of_a(instance(block(0, 0, 1, 1), segmentation=polygons))
    assert_array_equal(labels, block(0, 0, 2, 3) + block(4, 5, 6, 8))


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of pycocotools itself
def test_polygons_are_drawn_as_pycocotools_draws_them(labels_of_a, instance):
    from pycocotools import mask

    polygon = [1.2, 0.4, 7.9, 2.5, 4.0, 5.9, 0.3, 4.4]
    expected = mask.decode(mask.merge(mask.frPyObjects([polygon], *SHAPE)))
    assert 5 < expected.sum() < 40
    assert_array_equal(labels_of_a(instance(block(0, 0, 1, 1), segmentation=[polygon])), expected)


@pytest.mark.parametrize("swap", [False, True])
def test_of_instances_that_overlap_the_smaller_lies_on_top(labels_of_a, instance, swap):
    large, small = block(0, 0, 6, 6), block(2, 2, 4, 4)
    masks = [small, large] if swap else [large, small]
    labels = labels_of_a(*[instance(mask, number=i) for i, mask in enumerate(masks, start=1)])
    number = 1 if swap else 2
    assert_array_equal(labels == number, small == 1)
    assert_array_equal(labels == 3 - number, (large == 1) & (small == 0))


def test_numbers_have_no_gaps_where_an_instance_is_hidden(labels_of_a, instance):
    labels = labels_of_a(
        instance(block(0, 0, 2, 4)),
        instance(block(0, 0, 2, 2), number=2),
        instance(block(0, 2, 2, 4), number=3),
        instance(block(5, 5, 6, 6), number=4),
    )
    assert np.unique(labels).tolist() == [0, 1, 2, 3]


def test_crowds_are_left_out(labels_of_a, instance):
    crowd = instance(block(0, 0, 6, 6), number=2, iscrowd=1)
    assert_array_equal(labels_of_a(crowd, instance(block(4, 4, 6, 8))), block(4, 4, 6, 8))
    assert labels_of_a(crowd) is None


def test_classes(labels_of_a, instance, coco):
    two = instance(block(0, 0, 2, 2)), instance(block(4, 4, 6, 6), number=2, category=7)
    assert_array_equal(labels_of_a(*two, classes=["potted plant"]), block(4, 4, 6, 6))
    assert labels_of_a(*two, classes=["leaf", "potted plant"]).max() == 2
    with pytest.raises(DatasetError, match="no class stem; choose from leaf, potted plant"):
        read_coco(coco([]), classes=["stem"])


def test_a_photo_without_annotations_is_known_to_be_empty(coco, instance):
    photos = read_coco(coco([instance(block(0, 0, 2, 2))]))
    assert [(photo.name, photo.has_instances) for photo in photos] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("name", "photos", "split"),
    [
        ("annotations/instances_train2017.json", "train2017", None),
        ("annotations/instances_train2017.json", "train2017", "train"),
        ("annotations/instances_train2017.json", "images/train2017", "train2017"),
        ("annotations/mine.json", "images", "mine"),
        ("train/_annotations.coco.json", "train", "train"),
        ("labels.json", ".", None),
        ("labels.json", "images", None),
    ],
)
def test_where_files_may_lie(coco, instance, name, photos, split):
    root = coco([instance(block(0, 0, 2, 2))], name=name, photos=photos)
    assert is_coco(root)
    assert is_coco(root / name)
    for found in (read_coco(root, split=split), read_coco(root / name)):
        assert [photo.image for photo in found] == [root / photos / "a.png", root / photos / "b.png"]


def test_several_splits(coco, instance):
    root = coco([instance(block(0, 0, 2, 2))])
    coco([], name="annotations/instances_val2017.json", photos="val2017")
    coco([], name="annotations/captions_val2017.json", photos=None)
    assert read_coco(root, split="val")[0].image == root / "val2017" / "a.png"
    with pytest.raises(DatasetError, match="choose one with --split: train2017, val2017"):
        read_coco(root)
    with pytest.raises(
        DatasetError, match="no annotations of the split 'test'; there are: train2017, val2017"
    ):
        read_coco(root, split="test")


def test_a_json_file_is_the_split_of_its_name(coco, monkeypatch):
    file = coco([]) / "annotations" / "instances_train2017.json"
    for split in (None, "train", "train2017"):
        assert len(read_coco(file, split=split)) == 2
    with pytest.raises(
        DatasetError, match=r"\.json: no annotations of the split 'val'; there are: train2017"
    ):
        read_coco(file, split="val")
    monkeypatch.chdir(coco([], name="valid/_annotations.coco.json", photos="valid") / "valid")
    assert len(read_coco(Path("_annotations.coco.json"), split="valid")) == 2


def test_photos_in_folders_of_their_own(coco, instance, photo):
    root = coco([instance(block(0, 0, 2, 2))])
    file = root / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text().replace("a.png", "day1\\\\a.png"))
    photo(root / "train2017" / "day1" / "a.png")
    first = read_coco(root)[0]
    assert (first.name, first.image) == ("day1_a", root / "train2017" / "day1" / "a.png")


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        (None, "no mask"),
        ([], "no mask"),
        (5, "no mask"),
        ({"counts": "12"}, "no mask"),
        ({"size": [6, 8], "counts": None}, "neither text nor numbers"),
        ({"size": [8, 6], "counts": [48]}, "run lengths for"),
        ({"size": [6, 8], "counts": [4]}, "run lengths of 4 pixels where the photo has 48"),
        ({"size": [6, 8], "counts": "~~"}, "damaged text"),
        ({"size": [6, 8], "counts": "\ud800"}, "damaged text"),
        ([[1, 2, 3]], "a polygon is a list"),
        (["text"], "a polygon is a list"),
        ([[1, 2, 3, 4, 5, None]], "with None"),
        ([[1, 2, 3, 4, 5, float("nan")]], "with nan"),
        ([[1, 2, 3, 4, 5, 10**400]], "with 1000"),
        ([[1, 2, 3, 4, 5, -1e9]], "with -1000000000.0"),
    ],
)
def test_a_damaged_annotation_is_one_line(refused, instance, segmentation, words):
    line = refused(instance(block(0, 0, 1, 1), number=31, segmentation=segmentation))
    assert "a.png, annotation 31: " in line
    assert words in line


def test_a_photo_of_another_size_is_one_line(coco, instance, photo, maps_of):
    root = coco([instance(block(0, 0, 2, 2))])
    photo(root / "train2017" / "a.png", (8, 6))
    with pytest.raises(DatasetError, match=r"a\.png: annotated at 8 x 6 pixels, its photo has 6 x 8"):
        maps_of(read_coco(root))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no list 'images'"),
        ('{"images": [], "annotations": {}}', "no list 'annotations'"),
        ('{"images": [{"id": 1, "file_name": "a.png"}]}', r"images\[0\] has no proper 'height'"),
        ('{"images": [3]}', r"images\[0\] has no proper 'id'"),
        ('{"images": [], "annotations": [{"image_id": [], "category_id": 1}]}', "no proper 'image_id'"),
    ],
)
def test_a_file_of_another_kind_is_one_line(tmp_path, content, words):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DatasetError, match=words):
        read_coco(tmp_path / "x.json")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "C:\\a.png", "http://x/a.png", "", "..\\a.png"])
def test_photos_from_elsewhere_are_refused(coco, name):
    root = coco([])
    file = root / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text().replace('"a.png"', json.dumps(name)))
    with pytest.raises(DatasetError, match="named from elsewhere"):
        read_coco(root)


def test_without_the_package_polygons_say_how_to_get_it_and_run_lengths_are_read(coco, instance, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    read_coco(coco([instance(block(0, 0, 2, 2))]))
    with pytest.raises(LeafwiseError, match=r"pip install 'leafwise\[coco\]'"):
        read_coco(coco([instance(block(0, 0, 2, 2), segmentation=[[0, 0, 3, 0, 3, 2]])]))


@given(labels=arrays(np.int32, SHAPE, elements=st.integers(0, 4)))
def test_a_label_map_comes_back_from_its_annotations(labels):
    image = {"file_name": "a.png", "height": SHAPE[0], "width": SHAPE[1]}
    instances = [
        {"segmentation": {"size": list(SHAPE), "counts": runs.tolist()}}
        for runs in label_runs(labels).values()
    ]
    again = coco_module._labels("x.json", image, instances, SHAPE)
    numbers = np.unique(labels[labels > 0])
    assert_array_equal(again, np.searchsorted(numbers, labels, side="right") * (labels > 0))
