"""`leafwise train-cluster-net` on a small model and two plants."""

import json
import shutil

import pytest
from shell import errors_of, leafwise, refused

from leafwise.models import read_card

SMALL = ("cluster_net.epochs=1", "cluster_net.width=1", "cluster_net.means=leaves", "cluster_net.window=16")


def arguments_of(dataset, model, out, *more):
    options = [part for setting in SMALL for part in ("--set", setting)]
    return [
        "train-cluster-net",
        dataset,
        "--model",
        model,
        "--out",
        out,
        "--accelerator",
        "cpu",
        *options,
        *more,
    ]


@pytest.fixture(scope="module")
def seeing_model(tiny_model, tmp_path_factory):
    """The small model with a threshold so low that it takes all of a photo for plant."""
    folder = tmp_path_factory.mktemp("seeing") / "tiny"
    shutil.copytree(tiny_model, folder)
    card = folder / "model.toml"
    card.write_text(card.read_text().replace("foreground_threshold = 0.5", "foreground_threshold = 0.01"))
    return folder


def test_the_validation_photos_of_a_split_train_it(dataset, seeing_model, ready_networks, tmp_path):
    split = {"train": ["p0", "p1"], "validation": ["p2", "p3"]}
    folds = {"seed": 0, "by_group": False, "splits": [split]}
    (tmp_path / "split.json").write_text(json.dumps(folds))
    out = tmp_path / "run"
    result = leafwise(*arguments_of(dataset, seeing_model, out, "--split", tmp_path / "split.json"))
    assert result.exit_code == 0, result.output
    assert errors_of(result.stderr) == []
    assert str(out / "model") in result.stdout
    assert read_card(out / "model").pipeline.steps == "hdbscan+cluster_net"
    assert "holds a training run already" in refused(*arguments_of(dataset, seeing_model, out))


@pytest.fixture
def asked(monkeypatch):
    """What would be trained: the arguments of each call, by name."""
    calls = []

    def note(pairs, model, out, settings, **more):
        calls.append({"pairs": [pair.name for pair in pairs], "settings": settings} | more)
        return out / "model"

    monkeypatch.setattr("leafwise.training.train_cluster_net", note)
    return calls


def test_all_photos_train_it_or_those_of_a_cross_validation_as_their_models_show_them(
    dataset, seeing_model, tmp_path, asked
):
    assert leafwise(*arguments_of(dataset, seeing_model, tmp_path / "run")).exit_code == 0
    assert (asked[0]["pairs"], asked[0]["others"]) == (["p0", "p1", "p2", "p3", "p4", "p5"], [])
    assert asked[0]["settings"].width == 1
    held_out = [["p0", "p2"], ["p1", "p3"], ["p4", "p5"]]
    splits = [{"train": [], "validation": names} for names in held_out]
    (tmp_path / "folds.json").write_text(json.dumps({"seed": 0, "by_group": False, "splits": splits}))
    models = [tmp_path / f"fold{number}" / "model" for number in (1, 2, 3)]
    for model in models[:2]:  # the third fold is not trained
        model.mkdir(parents=True)
    result = leafwise(*arguments_of(dataset, seeing_model, tmp_path / "run", "--crossval", tmp_path))
    assert result.exit_code == 0, result.output
    assert asked[1]["pairs"] == []
    shown = [(model, [pair.name for pair in pairs]) for model, pairs in asked[1]["others"]]
    assert shown == [(models[0], held_out[0]), (models[1], held_out[1])]


def test_resume_takes_the_settings_that_are_written_down(dataset, seeing_model, tmp_path, asked):
    (tmp_path / "settings.toml").write_text("[cluster_net]\nwidth = 3\nepochs = 7\n")
    again = ("train-cluster-net", dataset, "--model", seeing_model, "--out", tmp_path, "--resume")
    assert leafwise(*again).exit_code == 0
    assert leafwise(*again, "--set", "cluster_net.epochs=9").exit_code == 0
    assert [(one["settings"].width, one["settings"].epochs) for one in asked] == [(3, 7), (3, 9)]
    assert all(one["resume"] for one in asked)


def test_what_cannot_be_is_refused_in_one_line(dataset, seeing_model, tmp_path):
    assert "no model 'rosete'" in refused(*arguments_of(dataset, "rosete", tmp_path / "a"))
    wrong = refused(*arguments_of(dataset, seeing_model, tmp_path / "b", "--set", "cluster_net.widt=3"))
    assert "did you mean width?" in wrong
    other = refused(*arguments_of(dataset, seeing_model, tmp_path / "b", "--set", "training.epochs=3"))
    assert "--set training.epochs=3: says nothing of ClusterNet" in other
    assert "folds.json" in refused(
        *arguments_of(dataset, seeing_model, tmp_path / "c", "--crossval", tmp_path)
    )
    split = tmp_path / "folds.json"
    split.write_text(
        json.dumps({"seed": 0, "by_group": False, "splits": [{"train": ["p0"], "validation": []}]})
    )
    both = ("--crossval", tmp_path, "--split", split)
    assert "give one of them" in refused(*arguments_of(dataset, seeing_model, tmp_path / "d", *both))
    assert "no trained fold" in refused(*arguments_of(dataset, seeing_model, tmp_path / "e", *both[:2]))
    assert "no validation photos" in refused(*arguments_of(dataset, seeing_model, tmp_path / "f", *both[2:]))
