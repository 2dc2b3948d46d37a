import os
import shutil

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from leafwise.datasets import check_dataset, read_dataset
from leafwise.datasets.formats import AnnotatedPhoto, Conversion, convert_photos, read_coco, read_voc
from leafwise.errors import LabelMapError, OutputError
from leafwise.imaging import read_labels

CONVERSION = Conversion("/source", "voc")
LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.int32)


@pytest.fixture
def photos(tmp_path, photo):
    """Makes photos with the label map LABELS, or another."""

    def make(*names, labels=LABELS):
        return [
            AnnotatedPhoto(name, photo(tmp_path / "source" / f"{name}.png", LABELS.shape), lambda _: labels)
            for name in names
        ]

    return make


def outcomes(photos, out, conversion=CONVERSION):
    return [step.outcome for step in convert_photos(photos, out, conversion)]


def files_in(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def test_what_is_written_is_a_data_set(tmp_path, photos):
    out = tmp_path / "out"
    assert outcomes(photos("a", "b"), out) == ["written", "written"]
    assert files_in(out) == ["converted.toml", "images/a.png", "images/b.png", "labels/a.png", "labels/b.png"]
    pairs = read_dataset(out)
    assert check_dataset(pairs) == []
    assert_array_equal(read_labels(pairs[0].labels), LABELS)
    assert os.path.samefile(pairs[0].image, tmp_path / "source" / "a.png")


def test_a_run_goes_on_where_it_was_stopped(tmp_path, photos, monkeypatch):
    out = tmp_path / "out"
    todo = photos("a", "b", "c")

    def stop(shape):
        raise KeyboardInterrupt

    stopped = [todo[0], AnnotatedPhoto("b", todo[1].image, stop), todo[2]]
    with pytest.raises(KeyboardInterrupt):
        outcomes(stopped, out)
    assert files_in(out) == ["converted.toml", "images/a.png", "labels/a.png"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", lambda *_: stop(None))
        with pytest.raises(KeyboardInterrupt):
            outcomes(todo, out)
    assert files_in(out) == ["converted.toml", "images/a.png", "labels/a.png", "labels/b.png"]
    assert outcomes(todo, out) == ["there already", "written", "written"]


def test_where_there_are_no_links_photos_are_copied(tmp_path, photos, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert outcomes(photos("a"), tmp_path / "out") == ["written"]
    copy, source = tmp_path / "out" / "images" / "a.png", tmp_path / "source" / "a.png"
    assert copy.read_bytes() == source.read_bytes()
    assert not os.path.samefile(copy, source)


def test_a_photo_behind_a_symbolic_link_is_the_file_itself(tmp_path, photos):
    (todo,) = photos("a")
    moved = shutil.move(todo.image, tmp_path / "moved.png")
    todo.image.symlink_to(moved)
    assert outcomes([todo], tmp_path / "out") == ["written"]
    assert not (tmp_path / "out" / "images" / "a.png").is_symlink()


def test_photos_without_instances_are_left_out(tmp_path, photos):
    empty = photos("a", labels=np.zeros_like(LABELS))
    known = [AnnotatedPhoto("b", tmp_path / "nosuch.png", lambda _: LABELS, has_instances=False)]
    assert outcomes(empty + known, tmp_path / "out") == ["without instances"] * 2
    assert files_in(tmp_path / "out") == ["converted.toml"]


def test_what_is_bad_costs_one_line_and_the_others_come_out(tmp_path, photos):
    def fail(shape):
        raise LabelMapError("x.png: damaged; make it anew")

    todo = photos("a", "b", "c", "d")
    todo[0].image.write_text("no picture")
    todo[1].image.unlink()
    todo[2] = AnnotatedPhoto("c", todo[2].image, fail)
    todo.append(AnnotatedPhoto("e", tmp_path / "e.bmp", lambda _: LABELS))
    todo.append(AnnotatedPhoto("d", tmp_path / "other" / "d.png", lambda _: LABELS))
    steps = list(convert_photos(todo, tmp_path / "out", CONVERSION))
    assert [step.outcome for step in steps] == ["failed"] * 3 + ["written"] + ["failed"] * 2
    lines = [step.error for step in steps if step.error]
    for line, words in zip(
        lines, ["a.png: ", "b.png: no such file", "x.png: damaged", "another type", "rename one"], strict=True
    ):
        assert words in line
        assert "\n" not in line
    assert files_in(tmp_path / "out") == ["converted.toml", "images/d.png", "labels/d.png"]


def test_a_name_that_no_file_can_have_costs_one_line(tmp_path, coco, instance):
    root = coco([instance(LABELS > 0, image=1), instance(np.ones((6, 8)), image=2)])
    file = root / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text().replace("a.png", r"\ud800.png"))
    first, second = convert_photos(read_coco(root), tmp_path / "out", CONVERSION)
    assert (first.outcome, second.outcome) == ("failed", "written")
    assert r"\ud800.png': a name that no file can have" in first.error


def test_names_with_a_meaning_are_changed(tmp_path, photos):
    assert outcomes(photos("a_label", "b_overlay", ".c_label", ".d"), tmp_path / "out") == ["written"] * 4
    names = [pair.name for pair in read_dataset(tmp_path / "out")]
    assert names == ["a_label_photo", "b_overlay_photo", "c_label_photo", "d"]


def test_another_conversion_in_the_same_folder_is_refused(tmp_path, photos):
    out = tmp_path / "out"
    outcomes(photos("a"), out)
    other = Conversion("/source", "voc", classes="car", split="val")
    with pytest.raises(OutputError, match=r"holds photos of /source \(voc\); choose another"):
        outcomes(photos("b"), out, other)
    (out / "converted.toml").unlink()
    with pytest.raises(OutputError, match="not from here"):
        outcomes(photos("a"), out)


def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path, photos):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        outcomes(photos("a"), tmp_path / "file")


def test_readers_and_converter_together(tmp_path, voc):
    objects = np.array([[0, 4, 255], [9, 9, 0]])
    root = voc({"p": (objects, None)})
    assert outcomes(read_voc(root), tmp_path / "out") == ["written"]
    (pair,) = read_dataset(tmp_path / "out")
    assert pair.image.name == "p.jpg"
    assert read_labels(pair.labels).tolist() == [[0, 1, 0], [2, 2, 0]]


def test_names_that_differ_in_case_alone_are_refused(tmp_path, photos):
    """Many file systems would keep the second in the first's place."""
    first, second = convert_photos(photos("Plant", "plant"), tmp_path / "out", CONVERSION)
    assert (first.outcome, second.outcome) == ("written", "failed")
    assert "would have the name of" in second.error
