from pathlib import Path

import pytest

from leafwise.errors import LabelMapError
from leafwise.metrics import pair_label_maps, pair_name


@pytest.fixture
def make(tmp_path):
    def folder(name: str, *files: str) -> Path:
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / name

    return folder


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("plant001_label.png", "plant001"),
        ("plant001_rgb_label.png", "plant001"),
        ("plant001.tif", "plant001"),
        ("plant001_rgb.png", "plant001"),
        ("plant001_RGB_Labels.TIF", "plant001"),
        ("a/plant001_cp_masks.tif", "plant001"),
        ("plant_label_1.png", "plant_label_1"),
        ("labelled.png", "labelled"),
        ("_label.png", "_label"),
        ("photo.2024.png", "photo.2024"),
    ],
)
def test_pair_name(file, name):
    assert pair_name(Path(file)) == name


def found(pairing):
    return [(pair.name, pair.prediction.name, pair.truth.name) for pair in pairing.pairs]


def test_photos_and_overlays_beside_label_maps_are_left_alone(make):
    results = make(
        "results", "plant10_rgb_label.png", "plant10_rgb_overlay.png", "plant2_rgb_label.tif", "run.toml"
    )
    truth = make("truth", "plant2_label.png", "plant2_rgb.png", "plant10_label.png", "plant10_rgb.png")
    pairing = pair_label_maps(results, truth)
    assert pairing.problems == ()
    assert found(pairing) == [
        ("plant2", "plant2_rgb_label.tif", "plant2_label.png"),
        ("plant10", "plant10_rgb_label.png", "plant10_label.png"),
    ]


def test_each_name_without_a_pair_is_one_line(make):
    results, truth = make("results", "a.png", "b.png", "._b.png"), make("truth", "b_label.png", "c_label.png")
    pairing = pair_label_maps(results, truth)
    assert found(pairing) == [("b", "b.png", "b_label.png")]
    assert pairing.problems == (
        f"{results / 'a.png'}: no truth named a in {truth}",
        f"{truth / 'c_label.png'}: no prediction named c in {results}",
    )


def test_two_files_of_one_name_are_not_guessed_between(make):
    results, truth = make("results", "a.png", "a.tif", "b.png"), make("truth", "a.png", "b.png")
    for one, other in ((results, truth), (truth, results)):
        pairing = pair_label_maps(one, other)
        assert [pair.name for pair in pairing.pairs] == ["b"]
        assert len(pairing.problems) == 1
        assert "a.tif" in pairing.problems[0]
        assert "a.png" in pairing.problems[0]


def test_two_single_files_are_a_pair_whatever_their_names(make):
    pairing = pair_label_maps(
        make("x", "guess.tif") / "guess.tif", make("y", "plant1_label.png") / "plant1_label.png"
    )
    assert found(pairing) == [("plant1", "guess.tif", "plant1_label.png")]


def test_a_single_file_asks_for_its_own_pair_only(make):
    truth = make("truth", "a_label.png", "b_label.png")
    one = make("results", "b.png", "z.png")
    assert found(pair_label_maps(one / "b.png", truth)) == [("b", "b.png", "b_label.png")]
    assert pair_label_maps(one / "b.png", truth).problems == ()
    assert found(pair_label_maps(one, truth / "b_label.png")) == [("b", "b.png", "b_label.png")]
    assert pair_label_maps(one / "z.png", truth).problems == (
        f"{one / 'z.png'}: no truth named z in {truth}",
    )


def test_a_data_set_folder_stands_for_its_labels(make):
    make("set", "images/a.png")
    truth = make("set", "labels/a.png")
    assert pair_label_maps(make("results", "a_label.png"), truth).pairs[0].truth == truth / "labels" / "a.png"


def test_nothing_to_pair(make, tmp_path):
    folder = make("results", "a.png")
    with pytest.raises(LabelMapError, match=r"nowhere: no such file"):
        pair_label_maps(tmp_path / "nowhere", folder)
    with pytest.raises(LabelMapError, match=r"texts: no label maps"):
        pair_label_maps(folder, make("texts", "readme.txt"))


@pytest.mark.shared
def test_real_data_sets_pair_with_themselves(shared):
    for name, count in (("cvppp_a1", 108), ("komatsuna", 240), ("dsb2018", 96)):
        pairing = pair_label_maps(shared / "data" / name, shared / "data" / name)
        assert len(pairing.pairs) == count
        assert pairing.problems == ()
