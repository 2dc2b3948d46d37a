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


def test_the_validation_photos_of_a_split_train_it(dataset, seeing_model, tmp_path):
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


def test_what_cannot_be_is_refused_in_one_line(dataset, seeing_model, tmp_path):
    assert "no model 'rosete'" in refused(*arguments_of(dataset, "rosete", tmp_path / "a"))
    wrong = refused(*arguments_of(dataset, seeing_model, tmp_path / "b", "--set", "cluster_net.widt=3"))
    assert "did you mean width?" in wrong
    assert "folds.json" in refused(
        *arguments_of(dataset, seeing_model, tmp_path / "c", "--crossval", tmp_path)
    )
