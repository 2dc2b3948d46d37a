"""The command; the readers have tests of their own."""

import json

import numpy as np
import pytest
from shell import errors_of, leafwise, refused

from leafwise.cli.convert import FormatName
from leafwise.datasets import read_dataset
from leafwise.datasets.formats import FORMATS
from leafwise.imaging import label_runs, read_labels, write_image

LABELS = {
    "a": np.array([[0, 1, 1], [2, 2, 0]]),
    "b": np.array([[1, 0, 0], [0, 0, 2]]),
    "c": np.zeros((2, 3), int),
}


@pytest.fixture
def coco(tmp_path):
    """A COCO set of three photos, the last without annotations; odd instances are leaves, even ones stems."""
    root = tmp_path / "coco"
    (root / "train").mkdir(parents=True)
    (root / "annotations").mkdir()
    images, annotations = [], []
    for name, labels in LABELS.items():
        write_image(root / "train" / f"{name}.png", np.full((2, 3, 3), 50, np.uint8))
        images.append({"id": name, "file_name": f"{name}.png", "height": 2, "width": 3})
        for value, runs in label_runs(labels).items():
            segmentation = {"size": [2, 3], "counts": runs.tolist()}
            annotations.append({"image_id": name, "category_id": value, "segmentation": segmentation})
    categories = [{"id": 1, "name": "leaf"}, {"id": 2, "name": "stem"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations" / "instances_train.json").write_text(json.dumps(content))
    return root


def test_a_data_set_comes_out_that_the_other_commands_read(coco, tmp_path):
    out = tmp_path / "out"
    result = leafwise("convert", coco, "--out", out)
    assert result.exit_code == 0
    assert result.stdout == f"2 photos converted; 1 left out, without an instance: {out}\n"
    assert errors_of(result.stderr) == []
    pairs = read_dataset(out)
    assert {pair.name: read_labels(pair.labels).tolist() for pair in pairs} == {
        name: LABELS[name].tolist() for name in "ab"
    }
    assert leafwise("check", out).exit_code == 0


def test_a_second_run_goes_on(coco, tmp_path):
    out = tmp_path / "out"
    leafwise("convert", coco, "--out", out)
    (out / "labels" / "b.png").unlink()
    result = leafwise("convert", coco, "--out", out)
    assert result.exit_code == 0
    assert "1 photo converted; 1 there already; 1 left out, without an instance" in result.stdout
    assert read_labels(out / "labels" / "b.png").tolist() == LABELS["b"].tolist()


def test_classes_split_and_format(coco, tmp_path):
    options = ("--classes", " stem, ", "--split", "train", "--format", "coco")
    assert leafwise("convert", coco, "--out", tmp_path / "out", *options).exit_code == 0
    assert read_labels(tmp_path / "out" / "labels" / "a.png").tolist() == [[0, 0, 0], [1, 1, 0]]
    assert "no class root; choose from leaf, stem" in refused(
        "convert", coco, "--out", tmp_path / "x", "--classes", "root"
    )
    assert "no JPEGImages/" in refused("convert", coco, "--out", tmp_path / "x", "--format", "voc")
    assert "no annotations of the split 'val'" in refused(
        "convert", coco, "--out", tmp_path / "x", "--split", "val"
    )
    assert not (tmp_path / "x").exists()


def test_a_bad_photo_and_a_bad_annotation_cost_one_line_each(coco, tmp_path):
    file = coco / "annotations" / "instances_train.json"
    content = json.loads(file.read_text())
    content["annotations"].append({"id": 9, "image_id": "c", "category_id": 1, "segmentation": [[1]]})
    file.write_text(json.dumps(content))
    (coco / "train" / "a.png").write_text("no picture")
    result = leafwise("convert", coco, "--out", tmp_path / "out")
    assert result.exit_code == 1
    first, second = errors_of(result.stderr)
    assert first.startswith(f"{coco / 'train' / 'a.png'}: ")
    assert second.startswith(f"{file}, c.png, annotation 9: ")
    assert "1 photo converted; 2 failed" in result.stdout
    assert [pair.name for pair in read_dataset(tmp_path / "out")] == ["b"]


def test_an_interrupt_leaves_whole_files_and_says_how_to_go_on(coco, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("leafwise.datasets.formats.convert.write_labels", stop)
        result = leafwise("convert", coco, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "run the same command again to go on" in result.stderr
    assert not [path for path in (tmp_path / "out").rglob("*.png")]
    assert leafwise("convert", coco, "--out", tmp_path / "out").exit_code == 0


def test_another_data_set_in_the_same_folder_is_refused(coco, tmp_path):
    leafwise("convert", coco, "--out", tmp_path / "out")
    line = refused("convert", coco, "--out", tmp_path / "out", "--classes", "leaf")
    assert f"holds photos of {coco.resolve()} (coco)" in line


def test_classes_in_another_order_are_the_same_conversion(coco, tmp_path):
    leafwise("convert", coco, "--out", tmp_path / "out", "--classes", "stem,leaf")
    result = leafwise("convert", coco, "--out", tmp_path / "out", "--classes", "leaf,stem")
    assert result.exit_code == 0
    assert "2 there already" in result.stdout


def test_what_is_no_data_set_is_refused_in_one_line(tmp_path):
    assert "none of the formats" in refused("convert", tmp_path, "--out", tmp_path / "out")
    assert "nosuch" in refused("convert", tmp_path / "nosuch", "--out", tmp_path / "out")


def test_wrong_usage_exits_2(coco, tmp_path):
    assert leafwise("convert", coco).exit_code == 2
    assert leafwise("convert", coco, "--out", tmp_path / "x", "--format", "nosuch").exit_code == 2
    assert leafwise("convert", coco, "--out", tmp_path / "x", "--classes", ",").exit_code == 2


def test_the_formats_are_those_of_the_library():
    assert {str(name) for name in FormatName} == set(FORMATS)
