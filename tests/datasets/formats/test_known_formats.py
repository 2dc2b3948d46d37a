import numpy as np
import pytest

from leafwise.datasets.formats import guess_format, read_annotations
from leafwise.errors import DatasetError

MAP = np.array([[0, 1], [2, 2]])


def test_each_format_is_recognised(coco, voc, cityscapes, tmp_path):
    root = coco([])
    assert guess_format(root) == "coco"
    assert guess_format(root / "annotations" / "instances_train2017.json") == "coco"
    assert guess_format(cityscapes({"train/a/a": MAP * 24000})) == "cityscapes"
    (tmp_path / "devkit").mkdir()
    root = voc({"x": (MAP, None)}, folder="devkit/VOC2012")
    assert guess_format(root) == guess_format(str(root.parent)) == "voc"
    (root / "notes.json").write_text("{}")
    assert guess_format(root) == "voc"


def test_none_of_them_is_one_line(tmp_path):
    with pytest.raises(DatasetError, match="none of the formats; expected a COCO file"):
        guess_format(tmp_path)
    (tmp_path / "splits.json").write_text("{}")  # of a folder that leafwise reads as it is
    with pytest.raises(DatasetError, match="none of the formats"):
        guess_format(tmp_path)
    with pytest.raises(DatasetError, match="no such file or folder"):
        guess_format(tmp_path / "nosuch")


@pytest.mark.parametrize("name", ["coco", "voc", "cityscapes"])
def test_a_format_that_is_named_but_not_there_is_one_line(tmp_path, name):
    for source in (tmp_path, tmp_path / "nosuch"):
        with pytest.raises(DatasetError) as caught:
            read_annotations(source, name)
        assert str(source) in str(caught.value)
        assert "\n" not in str(caught.value)
