"""What a data set may have wrong, and what it may not be blamed for."""

import numpy as np
import pytest
from PIL import Image

from leafwise.datasets import check_dataset, checked_pairs, read_dataset
from leafwise.errors import DatasetError


@pytest.fixture
def add(tmp_path, add_pair):
    """Adds a pair to the data set in tmp_path, with a label map of these values."""

    def add(name, values=None, size=None):
        folders = tmp_path / "images" / f"{name}.png", tmp_path / "labels" / f"{name}.png"
        add_pair(*folders, **({} if values is None else {"values": np.array(values)}), size=size)
        return folders

    return add


def found_in(folder) -> dict[str, str]:
    """What is wrong, by the pair's name: one problem a pair."""
    problems = check_dataset(read_dataset(folder))
    assert len({problem.name for problem in problems}) == len(problems)
    for problem in problems:
        assert "\n" not in str(problem)
        doubtful = "doubtful: " if problem.doubt else ""
        assert str(problem) == f"{problem.file}: {doubtful}{problem.what}; {problem.fix}"
        assert problem.fix
    return {problem.name: problem.what for problem in problems}


def test_a_good_data_set_has_no_problem(tmp_path, add):
    add("a")
    add("one_leaf", [[0, 1, 1]])
    add("one_leaf_in_two_pieces", [[1, 0, 1, 0]])
    add("one_leaf_and_specks", np.array([[1] * 60 + [0, 1, 0, 1, 0, 1]]))
    add("diagonal", np.eye(5, dtype=int))
    assert found_in(tmp_path) == {}


def test_everything_is_found_and_in_order(tmp_path, add):
    add("good")
    image, labels = add("no_photo")
    image.unlink()
    image, labels = add("no_map")
    labels.unlink()
    add("smaller", size=(3, 3))
    add("turned", size=(4, 3))
    add("empty", np.zeros((3, 4), int))
    add("mask255", [[0, 255, 255]])
    add("pieces", [[1, 0, 1, 0, 1]])
    image, labels = add("cut")
    image.write_bytes(image.read_bytes()[:-20])
    image, labels = add("colours")
    Image.new("RGB", (4, 3), (1, 2, 3)).save(labels)
    found = found_in(tmp_path)
    assert list(found) == sorted(found)
    assert found.pop("no_photo") == "missing, while no_photo.png is there"
    assert found.pop("no_map") == "missing, while no_map.png is there"
    assert found.pop("smaller") == "4 x 3 pixels, its photo 3 x 3"
    assert found.pop("turned") == "4 x 3 pixels, its photo 3 x 4"
    assert found.pop("empty") == "empty, without any label"
    assert found.pop("mask255") == "a binary mask (values 0 and 255), where instances are expected"
    assert found.pop("pieces") == "a binary mask (one label in 3 pieces), where instances are expected"
    doubtful = [problem.name for problem in check_dataset(read_dataset(tmp_path)) if problem.doubt]
    assert doubtful == ["empty", "pieces"]
    assert found.pop("cut").startswith("damaged or cut short")
    assert found.pop("colours").startswith("a colour picture")
    assert not found


def test_one_pair_may_have_several_problems(tmp_path, add):
    add("good")
    image, _ = add("bad", np.zeros((3, 4), int), size=(5, 5))
    assert [problem.name for problem in check_dataset(read_dataset(tmp_path))] == ["bad", "bad"]
    image.write_text("no picture")
    problems = check_dataset(read_dataset(tmp_path))
    assert [problem.file.parent.name for problem in problems] == ["images", "labels"]


def test_masks_in_one_piece_show_in_the_whole_set(tmp_path, add):
    add("a", [[0, 1, 1]])
    assert found_in(tmp_path) == {}
    add("b", [[0, 3, 3]])
    add("broken", np.zeros((3, 4), int))
    found = found_in(tmp_path)
    assert found.pop("all pairs").startswith("binary masks (no map of 3 has two labels)")
    assert list(found) == ["broken"]
    add("c", [[0, 1, 2]])
    assert list(found_in(tmp_path)) == ["broken"]


def test_what_may_be_meant_so_is_no_reason_to_refuse_a_data_set(tmp_path, add):
    add("empty", np.zeros((3, 4), int))
    with pytest.raises(DatasetError, match=r"empty\.png: empty, without any label"):
        checked_pairs([tmp_path])  # nothing is labelled
    add("parted_by_a_pole", [[1, 0, 1, 0, 1]])
    with pytest.raises(DatasetError, match=r"parted_by_a_pole\.png: a binary mask \(one label in 3 pieces"):
        checked_pairs([tmp_path])  # no map has two labels
    add("two", [[0, 1, 2]])
    doubts = []
    assert len(checked_pairs([tmp_path], on_doubt=doubts.append)) == 3
    (line,) = doubts
    assert "empty.png: doubtful: empty, without any label" in line
    assert line.endswith(f"(and 1 more: `leafwise check {tmp_path}`)")
    add("mask", [[0, 255, 255]])
    with pytest.raises(DatasetError, match=r"mask\.png: a binary mask \(values 0 and 255\)"):
        checked_pairs([tmp_path])


def test_progress_and_nothing_to_check(tmp_path, add):
    seen = []
    assert check_dataset([], progress=lambda *numbers: seen.append(numbers)) == []
    assert not seen
    for name in "ab":
        add(name)
    check_dataset(read_dataset(tmp_path), progress=lambda *numbers: seen.append(numbers))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["cvppp_a1", "komatsuna", "dsb2018"])
def test_real_data_sets_are_fit(shared, name):
    assert check_dataset(read_dataset(shared / "data" / name)[::5]) == []
