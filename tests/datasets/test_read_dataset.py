"""The layouts of data sets that are read."""

import json
import re

import pytest

from leafwise.datasets import Pair, group_of, read_dataset, read_datasets
from leafwise.errors import DatasetError


@pytest.fixture
def cvppp(tmp_path, add_pair):
    """Fills a folder with CVPPP's names."""

    def fill(*names: str):
        for name in names:
            add_pair(tmp_path / f"{name}_rgb.png", tmp_path / f"{name}_label.png")
        return tmp_path

    return fill


def names_of(pairs) -> list[str]:
    return [pair.name for pair in pairs]


def message_of(folder, role=None, **settings) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(folder, role, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert "; " in message
    return message


def test_cvppp_names(cvppp):
    folder = cvppp("plant010", "plant002", "ara2013_plant001")
    for other in [
        "plant002_fg.png",
        "plant002_centers.png",
        "plant002_overlay.png",
        "notes.txt",
        "splits.csv",
    ]:
        (folder / other).touch()
    (folder / ".plant007_rgb.png").touch()
    assert read_dataset(str(folder)) == [
        Pair(name, folder / f"{name}_rgb.png", folder / f"{name}_label.png", name)
        for name in ["ara2013_plant001", "plant002", "plant010"]
    ]


def test_cvppp_parts_below_the_root(cvppp):
    root = cvppp("A1/plant001", "A1/plant002", "A4/plant001", "elsewhere/plant009")
    pairs = read_dataset(root)
    assert names_of(pairs) == ["A1_plant001", "A1_plant002", "A4_plant001"]
    assert pairs[2].labels == root / "A4" / "plant001_label.png"
    assert len({pair.group for pair in pairs}) == 3
    assert names_of(read_dataset(root / "A1")) == ["plant001", "plant002"]


def test_images_and_labels(tmp_path, add_pair):
    add_pair(tmp_path / "images" / "00_01_002_03.jpg", tmp_path / "labels" / "00_01_002_03.png")
    add_pair(tmp_path / "images" / "01_03_002_03.png", tmp_path / "labels" / "01_03_002_03_label.tif")
    add_pair(tmp_path / "images" / "nucleus.tif", tmp_path / "labels" / "nucleus.png")
    (tmp_path / "labels" / "nucleus_overlay.png").touch()
    (tmp_path / "labels" / "leaves.csv").touch()
    pairs = read_dataset(tmp_path)
    assert names_of(pairs) == ["00_01_002_03", "01_03_002_03", "nucleus"]
    assert [pair.group for pair in pairs] == ["01", "03", "nucleus"]
    assert pairs[1].labels.name == "01_03_002_03_label.tif"
    assert all(pair.image.exists() and pair.labels.exists() for pair in pairs)


def test_what_lacks_its_counterpart_is_listed_with_the_expected_path(tmp_path, add_pair):
    add_pair(tmp_path / "images" / "a.jpg", None)
    add_pair(None, tmp_path / "labels" / "b.png")
    add_pair(tmp_path / "images" / "c.jpg", tmp_path / "labels" / "c.png")
    pairs = read_dataset(tmp_path)
    assert names_of(pairs) == ["a", "b", "c"]
    assert pairs[0].labels == tmp_path / "labels" / "a.png"
    assert pairs[1].image == tmp_path / "images" / "b.png"


def test_folders_that_are_no_data_set(tmp_path, add_pair):
    assert "no such folder" in message_of(tmp_path / "missing")
    assert "no photos" in message_of(tmp_path)
    add_pair(tmp_path / "photo.png", None)
    assert "photos, but no label maps" in message_of(tmp_path)
    add_pair(tmp_path / "tests" / "plant001_rgb.png", None)
    assert "no photo has a label map" in message_of(tmp_path / "tests")
    add_pair(tmp_path / "empty" / "images" / "a.png", None)
    assert "photos, but no label maps" in message_of(tmp_path / "empty")
    (tmp_path / "empty" / "labels").mkdir()
    assert "no photo has a label map" in message_of(tmp_path / "empty")
    (tmp_path / "empty" / "images" / "a.png").unlink()
    assert "no photos" in message_of(tmp_path / "empty")


@pytest.mark.parametrize("twin", ["images/a.jpg", "labels/a.tif", "labels/a_label.png"])
def test_two_files_of_one_name(tmp_path, add_pair, twin):
    add_pair(tmp_path / "images" / "a.png", tmp_path / "labels" / "a.png")
    (tmp_path / twin).touch()
    assert "has the same name" in message_of(tmp_path)


def test_roles(cvppp):
    folder = cvppp("plant001", "plant002", "plant010")
    split = {"train": ["010", "001"], "named": ["plant002"], "number": [2], "none": [], "bad": ["003", "004"]}
    (folder / "splits.json").write_text(json.dumps(split))
    assert names_of(read_dataset(folder)) == ["plant001", "plant002", "plant010"]
    assert names_of(read_dataset(folder, "train")) == ["plant001", "plant010"]
    assert names_of(read_dataset(folder, "named")) == names_of(read_dataset(folder, "number")) == ["plant002"]
    assert read_dataset(folder, "none") == []
    assert "not there: 003, 004" in message_of(folder, "bad")
    message = message_of(folder, "test")
    assert "no role 'test'" in message
    assert "train" in message


def test_roles_of_the_parts(cvppp):
    root = cvppp("A1/plant001", "A1/plant002", "A2/plant001")
    assert "splits.json: no such file" in message_of(root, "train")
    (root / "A1" / "splits.json").write_text('{"train": ["002"]}')
    assert names_of(read_dataset(root, "train")) == ["A1_plant002"]
    (root / "splits.json").write_text('{"train": ["A2_plant001", "002"], "either": ["001"]}')
    assert names_of(read_dataset(root, "train")) == ["A1_plant002", "A2_plant001"]
    assert "A1_plant001, A2_plant001" in message_of(root, "either")


@pytest.mark.parametrize("content", ["", "[1]", '{"train": "001"}', "\xff", "[" * 100_000])
def test_broken_split_files(cvppp, content):
    folder = cvppp("plant001")
    (folder / "splits.json").write_bytes(content.encode("latin-1"))
    assert "splits.json" in message_of(folder, "train")


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("02_13_000_01", "13"),
        ("plant017", "plant017"),
        ("A4_ara2013_plant017", "A4_ara2013_plant017"),
        ("1_2_3", "1_2_3"),
        ("nucleus", "nucleus"),
    ],
)
def test_groups(name, plant):
    assert group_of(name) == plant


def test_groups_by_a_pattern_of_ones_own(cvppp):
    folder = cvppp("bob_day1_plant1", "bob_day2_plant1", "eve_day1_plant1")
    pairs = read_dataset(folder, group_pattern=r"^([a-z]+)_day|^(tray\d+)")
    assert [pair.group for pair in pairs] == ["bob", "bob", "eve"]
    assert "no regular expression" in message_of(folder, group_pattern="(")
    assert "catches nothing" in message_of(folder, group_pattern="plant")


@pytest.mark.shared
def test_real_data_sets(shared):
    a1 = read_dataset(shared / "data" / "cvppp_a1")
    parts = [read_dataset(shared / "data" / "cvppp_a1", role) for role in ("embedding", "clusternet")]
    assert [len(pairs) for pairs in [a1, *parts]] == [108, 78, 30]
    assert sorted(names_of(parts[0] + parts[1])) == names_of(a1)
    komatsuna = read_dataset(shared / "data" / "komatsuna")
    assert (len(komatsuna), len({pair.group for pair in komatsuna})) == (240, 4)
    assert len(read_dataset(shared / "data" / "dsb2018")) == 96
    for pair in a1 + komatsuna:
        assert pair.image.exists() and pair.labels.exists()
        assert re.fullmatch(r"plant\d{3}|\d\d", pair.group)


def test_several_data_sets_keep_their_photos_and_plants_apart(tmp_path, add_pair):
    for name in ("b", "a"):
        for photo in ("00_01_002_03", "plant001"):
            add_pair(tmp_path / name / "images" / f"{photo}.png", tmp_path / name / "labels" / f"{photo}.png")
    pairs = read_datasets([tmp_path / "b", tmp_path / "a"])
    assert names_of(pairs) == ["a_00_01_002_03", "a_plant001", "b_00_01_002_03", "b_plant001"]
    assert [pair.group for pair in pairs] == ["a_01", "a_plant001", "b_01", "b_plant001"]
    assert [pair.dataset for pair in pairs] == ["a", "a", "b", "b"]
    assert pairs[0].image == tmp_path / "a" / "images" / "00_01_002_03.png"
    assert read_datasets([tmp_path / "a"]) == read_dataset(tmp_path / "a")


def test_data_sets_of_one_name_are_refused(tmp_path, add_pair):
    for parent in ("x", "y"):
        add_pair(tmp_path / parent / "a" / "images" / "p.png", tmp_path / parent / "a" / "labels" / "p.png")
    with pytest.raises(DatasetError, match="same name"):
        read_datasets([tmp_path / "x" / "a", tmp_path / "y" / "a"])
