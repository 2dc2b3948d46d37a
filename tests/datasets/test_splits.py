"""Folds part the pairs, keep groups whole, and come back from their file as they were."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.datasets import Pair, make_folds, make_holdout, read_dataset, read_folds, write_folds
from leafwise.errors import DatasetError, OutputError, SettingsError


def make_pairs(groups) -> list[Pair]:
    """One pair for each group's name."""
    return [Pair(f"p{i:02d}", Path(f"{i}.png"), Path(f"{i}_l.png"), group) for i, group in enumerate(groups)]


groups = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30)
seeds = st.integers(0, 2**32 - 1)


def validation_sizes(folds) -> list[int]:
    return [len(split.validation) for split in folds.splits]


@given(names=groups, seed=seeds, n_folds=st.integers(2, 6), by_group=st.booleans(), data=st.data())
def test_folds_part_the_pairs(names, seed, n_folds, by_group, data):
    pairs = make_pairs(names)
    n_units = len(set(names)) if by_group else len(pairs)
    if n_units < n_folds:
        with pytest.raises(DatasetError, match=f"cannot make {n_folds} folds"):
            make_folds(pairs, n_folds=n_folds, seed=seed, by_group=by_group)
        return
    folds = make_folds(pairs, n_folds=n_folds, seed=seed, by_group=by_group)
    assert (folds.seed, folds.by_group, len(folds.splits)) == (seed, by_group, n_folds)
    held_out = [pair for split in folds.splits for pair in split.validation]
    assert sorted(held_out, key=lambda pair: pair.name) == pairs  # each pair once
    for split in folds.splits:
        assert sorted(split.train + split.validation, key=lambda pair: pair.name) == pairs
        assert list(split.train) == sorted(split.train, key=lambda pair: pair.name)
        if by_group:
            assert not {p.group for p in split.train} & {p.group for p in split.validation}
    sizes = validation_sizes(folds)
    largest_unit = max(map(names.count, names)) if by_group else 1
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= largest_unit
    shuffled = data.draw(st.permutations(pairs))
    assert make_folds(shuffled, n_folds=n_folds, seed=seed, by_group=by_group) == folds


@given(names=groups, seed=seeds, fraction=st.floats(0.01, 0.99), by_group=st.booleans())
def test_a_holdout_is_about_the_fraction_and_never_all(names, seed, fraction, by_group):
    pairs = make_pairs(names)
    if by_group and len(set(names)) < 2:
        with pytest.raises(DatasetError, match="cannot be split"):
            make_holdout(pairs, fraction=fraction, seed=seed, by_group=by_group)
        return
    folds = make_holdout(pairs, fraction=fraction, seed=seed, by_group=by_group)
    (split,) = folds.splits
    assert sorted(split.train + split.validation, key=lambda pair: pair.name) == pairs
    assert split.train and split.validation
    if by_group:
        assert not {p.group for p in split.train} & {p.group for p in split.validation}
    else:
        assert len(split.validation) == min(max(1, round(fraction * len(pairs))), len(pairs) - 1)


def test_groups_of_unlike_sizes_are_balanced():
    pairs = make_pairs("a" * 6 + "b" * 3 + "c" * 2 + "d")
    assert validation_sizes(make_folds(pairs, n_folds=2, seed=0, by_group=True)) == [6, 6]
    assert sorted(validation_sizes(make_folds(pairs, n_folds=3, seed=0, by_group=True))) == [3, 3, 6]


@given(sizes=st.lists(st.integers(1, 15), min_size=1, max_size=4), n_folds=st.integers(2, 4), seed=seeds)
def test_every_fold_has_its_share_of_every_data_set(sizes, n_folds, seed):
    names = [f"set{i}" for i, size in enumerate(sizes) for _ in range(size)]
    pairs = [replace(pair, dataset=name) for pair, name in zip(make_pairs(names), names, strict=True)]
    if len(pairs) < n_folds:
        return
    splits = make_folds(pairs, n_folds=n_folds, seed=seed).splits
    for i, size in enumerate(sizes):
        shares = [sum(pair.dataset == f"set{i}" for pair in split.validation) for split in splits]
        assert sum(shares) == size
        assert max(shares) - min(shares) <= 1
    held_out = [len(split.validation) for split in splits]
    assert max(held_out) - min(held_out) <= len(sizes)


def test_the_seed_decides():
    pairs = make_pairs("a" * 20)
    folds = [make_folds(pairs, n_folds=4, seed=seed).splits for seed in (1, 1, 2)]
    assert folds[0] == folds[1] != folds[2]
    holdouts = [make_holdout(pairs, fraction=0.5, seed=seed).splits for seed in (1, 1, 2)]
    assert holdouts[0] == holdouts[1] != holdouts[2]


@pytest.mark.parametrize("n_folds", [-1, 0, 1])
def test_too_few_folds(n_folds):
    with pytest.raises(SettingsError):
        make_folds(make_pairs("abc"), n_folds=n_folds, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_fractions_that_cannot_be(fraction):
    with pytest.raises(SettingsError):
        make_holdout(make_pairs("abc"), fraction=fraction, seed=0)


def test_negative_seeds_and_equal_names():
    with pytest.raises(SettingsError, match="seed -1"):
        make_folds(make_pairs("abc"), n_folds=2, seed=-1)
    with pytest.raises(DatasetError, match="same name: p00"):
        make_folds(make_pairs("ab") + make_pairs("a"), n_folds=2, seed=0)
    with pytest.raises(DatasetError, match="0 pairs"):
        make_folds([], n_folds=2, seed=0)


@given(names=groups, seed=seeds)
def test_folds_come_back_from_their_file(tmp_path_factory, names, seed):
    pairs = make_pairs(names)
    path = tmp_path_factory.mktemp("folds") / "folds.json"
    for folds in [make_folds(pairs, n_folds=2, seed=seed), make_holdout(pairs, fraction=0.3, seed=seed)]:
        write_folds(path, folds)
        assert read_folds(path, pairs[::-1]) == folds


def test_the_file_is_for_people_to_read(tmp_path):
    pairs = make_pairs("ab")
    write_folds(tmp_path / "folds.json", make_folds(pairs, n_folds=2, seed=3, by_group=True))
    content = json.loads((tmp_path / "folds.json").read_text())
    assert (content["seed"], content["by_group"]) == (3, True)
    assert sorted(content["splits"], key=str) == [
        {"train": ["p00"], "validation": ["p01"]},
        {"train": ["p01"], "validation": ["p00"]},
    ]


def test_pairs_that_the_file_does_not_name_are_left_out(tmp_path):
    pairs = make_pairs("abcd")
    folds = make_folds(pairs[:3], n_folds=3, seed=0)
    write_folds(tmp_path / "folds.json", folds)
    assert read_folds(tmp_path / "folds.json", pairs) == folds


def test_unknown_photos_are_named(tmp_path):
    pairs = make_pairs("abcdefghi")
    write_folds(tmp_path / "folds.json", make_folds(pairs, n_folds=2, seed=0))
    with pytest.raises(DatasetError, match=r"not there: p02, p03, p04, p05, p06 and 2 more; "):
        read_folds(tmp_path / "folds.json", pairs[:2])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "3",
        "[]",
        "{}",
        '{"seed": 0, "by_group": false, "splits": []}',
        '{"seed": "x", "by_group": false, "splits": [{"train": ["p00"], "validation": []}]}',
        '{"seed": 0, "by_group": false, "splits": [{"train": ["p00"], "validation": ["p01", "p01"]}]}',
        '{"seed": 0, "by_group": false, "splits": [["p00"]]}',
        '{"seed": 0, "by_group": false, "splits": [{"train": ["p00", "p01"], "validation": ["p01"]}]}',
    ],
)
def test_files_that_hold_no_folds(tmp_path, content):
    (tmp_path / "folds.json").write_text(content)
    with pytest.raises(DatasetError) as caught:
        read_folds(tmp_path / "folds.json", make_pairs("abc"))
    assert str(caught.value).startswith(str(tmp_path / "folds.json"))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        read_folds(tmp_path / "folds.json", [])
    with pytest.raises(OutputError):
        write_folds(tmp_path / "missing" / "folds.json", make_folds(make_pairs("ab"), n_folds=2, seed=0))


@pytest.mark.shared
def test_no_plant_of_komatsuna_is_in_two_folds(shared):
    pairs = read_dataset(shared / "data" / "komatsuna")
    folds = make_folds(pairs, n_folds=4, seed=0, by_group=True)
    assert validation_sizes(folds) == [60, 60, 60, 60]
    plants = [{pair.image.stem.split("_")[1] for pair in split.validation} for split in folds.splits]
    assert sorted(map(tuple, plants)) == [("00",), ("01",), ("02",), ("03",)]
