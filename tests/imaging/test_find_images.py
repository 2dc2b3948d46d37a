"""Which files count as photos."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.errors import ImageError
from leafwise.imaging import find_images, natural_key


def touch(folder, *names) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_a_folder_in_natural_order_without_results_and_hidden_files(tmp_path):
    photos = ["plant2.png", "plant10.JPG", "Plant11.jpeg", "plant100.TIF", "tray.tiff"]
    others = [
        "plant2_label.png",
        "plant2_overlay.png",
        "plant3_label.tif",
        ".hidden.png",
        "leaves.csv",
        "run",
    ]
    touch(tmp_path, *random.Random(0).sample(photos + others, len(photos + others)))
    touch(tmp_path / "more.png", "inside.png")  # a folder, whatever its name
    assert [path.name for path in find_images([tmp_path])] == photos


def test_files_stay_as_given_and_in_order(tmp_path):
    touch(tmp_path, "b.png", "a.png", "a_label.png", "note.txt")
    given_paths = [tmp_path / name for name in ("b.png", "note.txt", "a_label.png", "a.png")]
    assert find_images(given_paths) == given_paths
    assert find_images(map(str, given_paths)) == given_paths


def test_no_photo_comes_twice(tmp_path, monkeypatch):
    touch(tmp_path, "b.png", "a.png")
    monkeypatch.chdir(tmp_path)
    found = find_images(["b.png", tmp_path, tmp_path / "a.png"])
    assert [str(path) for path in found] == ["b.png", str(tmp_path / "a.png")]


def test_equal_names_in_two_folders_are_two_photos(tmp_path):
    touch(tmp_path / "one", "a.png")
    touch(tmp_path / "two", "a.png")
    paths = [tmp_path / "one", tmp_path / "two"]
    assert find_images(paths) == [folder / "a.png" for folder in paths]


def test_what_is_missing_is_named(tmp_path):
    touch(tmp_path / "results", "a_label.png", "leaves.csv")
    touch(tmp_path / "photos", "a.png")
    with pytest.raises(ImageError, match="results: no photos in this folder; PNG"):
        find_images([tmp_path / "photos", tmp_path / "results"])
    with pytest.raises(ImageError, match=r"nothing\.png: no such file or folder; "):
        find_images([tmp_path / "photos", tmp_path / "nothing.png"])
    with pytest.raises(ImageError, match="no photos named; "):
        find_images([])


@given(numbers=st.lists(st.integers(0, 10**6), unique=True))
def test_numbers_sort_by_value(numbers):
    names = [f"plant{number}.png" for number in numbers]
    assert sorted(names, key=natural_key) == [f"plant{number}.png" for number in sorted(numbers)]


@given(names=st.lists(st.text(max_size=6), max_size=9, unique=True))
def test_any_names_have_one_order(names):
    backwards = sorted(reversed(names), key=natural_key)
    assert sorted(names, key=natural_key) == backwards
