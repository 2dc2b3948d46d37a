"""`leafwise crossval` on four plants and two folds."""

import json
import shutil

import pandas as pd
import pytest
from shell import errors_of, leafwise, refused

from leafwise.errors import LeafwiseError

SMALL = (
    "looks.input_size=64",
    "net.encoder=test_byobnet",
    "net.encoder_weights=none",
    "net.embedding_size=4",
    "training.epochs=1",
    "training.least_views=0",
    "clustering.foreground_threshold=0.1",  # all of a photo, or the untrained network finds nothing to score
)


@pytest.fixture(scope="module")
def plants(dataset, tmp_path_factory):
    """Four of the six plants."""
    folder = tmp_path_factory.mktemp("plants")
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
        for i in range(4):
            (folder / kind / f"p{i}.png").write_bytes((dataset / kind / f"p{i}.png").read_bytes())
    return folder


def arguments_of(dataset, out, *more):
    options = [part for setting in SMALL for part in ("--set", setting)]
    return ["crossval", dataset, "--out", out, "--folds", "2", "--workers", "1", *options, *more]


@pytest.fixture(scope="module")
def run(plants, ready_networks, tmp_path_factory):
    out = tmp_path_factory.mktemp("crossval")
    result = leafwise(*arguments_of(plants, out))
    assert result.exit_code == 0, result.output
    assert errors_of(result.stderr) == []
    return out, result.stdout


def test_each_photo_is_held_out_once_by_a_model_that_never_saw_it(run):
    out, _ = run
    splits = json.loads((out / "folds.json").read_text())["splits"]
    assert sorted(name for split in splits for name in split["validation"]) == ["p0", "p1", "p2", "p3"]
    photos = pd.read_csv(out / "photos.csv")
    assert sorted(photos["photo"]) == ["p0", "p1", "p2", "p3"]
    for number, split in enumerate(splits, 1):
        assert not set(split["train"]) & set(split["validation"])
        assert set(photos[photos["fold"] == number]["photo"]) == set(split["validation"])
        trained = json.loads((out / f"fold{number}" / "split.json").read_text())["splits"][0]
        assert trained == {"train": split["train"], "validation": []}


def test_a_fold_is_scored_with_the_settings_that_are_best_on_the_other(run):
    out, _ = run
    scores = [pd.read_csv(out / f"fold{number}" / "scores.csv") for number in (1, 2)]
    photos = pd.read_csv(out / "photos.csv")
    for number, (own, other) in enumerate((scores, scores[::-1]), 1):
        means = (other["sbd"] - other["abs_dic"]).groupby(other["number"], sort=True).mean()
        best = means[means >= means.max() - 1e-9].index[0]
        expected = own[own["number"] == best].set_index("photo")["sbd"]
        assert photos[photos["fold"] == number].set_index("photo")["sbd"].to_dict() == expected.to_dict()
    assert scores[0]["sbd"].nunique() > 1  # or this would say nothing


def test_the_summary_is_of_the_photos(run):
    out, stdout = run
    summary = json.loads((out / "summary.json").read_text())
    photos = pd.read_csv(out / "photos.csv")
    for metric, mean in summary["means"].items():
        assert mean == pytest.approx(photos[metric].mean())
    assert summary["chosen"]["clustering"]["foreground_threshold"] == 0.1
    (row,) = (line for line in stdout.splitlines() if line.strip().startswith("all "))
    assert row.split()[1:3] == ["4", f"{photos['sbd'].mean():.2f}"]


def test_the_second_time_nothing_is_done_again(run, plants):
    out, stdout = run
    done = [*out.glob("fold*/model/*"), *out.glob("fold*/scores.csv"), out / "folds.json"]
    before = [path.stat().st_mtime_ns for path in done]
    result = leafwise(*arguments_of(plants, out))
    assert result.exit_code == 0
    assert [path.stat().st_mtime_ns for path in done] == before
    assert result.stdout.splitlines()[-1] == stdout.splitlines()[-1]


def test_models_that_are_there_are_scored_with_other_settings_and_pipelines(
    run, plants, tmp_path, monkeypatch
):
    def no_training(*_, **__):
        raise AssertionError("what is done is not done again")

    monkeypatch.setattr("leafwise.experiments.crossval.train", no_training)
    out = shutil.copytree(run[0], tmp_path / "cv")
    few = ("--grid", "min_cluster_size=5,9", "--grid", "seed_radius=1", "--only", "1")
    result = leafwise(*arguments_of(plants, out, *few, "--pipelines", "hdbscan,seeded+mrf"))
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(out / "fold1" / "scores.csv")
    assert scores["number"].tolist() == [0, 1, 2, 3] * 2
    assert scores["pipeline"].tolist() == (["hdbscan"] * 2 + ["seeded+mrf"] * 2) * 2
    photos = pd.read_csv(out / "photos.csv")
    assert set(photos["fold"]) == {1}
    lines = [line for line in result.stdout.splitlines() if "best for it" in line]
    assert [line.split(": SBD ")[0] for line in lines] == ["hdbscan", "seeded+mrf"]
    chosen = json.loads((out / "summary.json").read_text())["chosen"]
    assert chosen["training"] == ""
    assert chosen["clustering"]["min_cluster_size"] in (5, 9)
    assert chosen["clustering"]["seed_radius"] == 1


def test_variants_of_the_training_have_folders_of_their_own(run, plants, tmp_path, monkeypatch):
    trained = []

    def no_training(pairs, validation, folder, settings, **_):
        trained.append((folder.relative_to(tmp_path / "cv"), settings.loss.push_margin))
        return shutil.copytree(run[0] / "fold1" / "model", folder / "model")

    monkeypatch.setattr("leafwise.experiments.crossval.train", no_training)
    more = ("--vary", "loss.push_margin=1.5,3", "--grid", "min_cluster_size=9")
    result = leafwise(*arguments_of(plants, tmp_path / "cv", *more))
    assert result.exit_code == 0, result.output
    assert [(str(folder), margin) for folder, margin in trained] == [
        ("push_margin=1.5/fold1", 1.5),
        ("push_margin=1.5/fold2", 1.5),
        ("push_margin=3/fold1", 3),
        ("push_margin=3/fold2", 3),
    ]
    chosen = json.loads((tmp_path / "cv" / "summary.json").read_text())["chosen"]
    assert chosen["training"] == "push_margin=1.5"  # of equals the first
    lines = [line for line in result.stdout.splitlines() if "best for it" in line]
    assert [line.split(": SBD ")[0] for line in lines] == ["push_margin=1.5 seeded", "push_margin=3 seeded"]


@pytest.fixture
def asked(monkeypatch):
    """What would be trained and scored: the arguments of each call, before which it stops."""
    calls = []

    def note(folds, out, variants, candidates, **more):
        calls.append({"folds": folds, "variants": variants, "candidates": candidates} | more)
        raise LeafwiseError("that is all")

    monkeypatch.setattr("leafwise.experiments.cross_validate", note)
    return calls


def test_a_file_of_settings_and_what_is_set_reach_the_training(plants, tmp_path, asked):
    config = tmp_path / "mine.toml"
    config.write_text("[training]\nepochs = 7\nbatch_size = 3\n[loss]\npush_margin = 4.5\n")
    more = ("--config", config, "--set", "training.batch_size=5", "--from", tmp_path)
    assert refused("crossval", plants, "--out", tmp_path / "cv", *more) == "Error: that is all"
    (settings,) = asked[0]["variants"].values()
    assert (settings.training.epochs, settings.training.batch_size) == (7, 5)
    assert settings.loss.push_margin == 4.5
    assert settings.training.grow_from == 0  # of the models that it goes on from
    assert asked[0]["start"] == tmp_path
    line = refused("crossval", plants, "--out", tmp_path / "cv", "--config", tmp_path / "nosuch.toml")
    assert "nosuch.toml" in line


def test_by_group_the_photos_of_a_plant_are_in_one_fold(two_plants, tmp_path, asked):
    def plants_of_folds(*more):
        refused("crossval", two_plants, "--out", tmp_path / f"cv{len(asked)}", "--folds", "2", *more)
        return [{pair.group for pair in split.validation} for split in asked[-1]["folds"].splits]

    assert sorted(plants_of_folds("--by-group"), key=str) == [{"0"}, {"1"}]
    assert plants_of_folds() == [{"0", "1"}, {"0", "1"}]


def test_what_cannot_be_is_refused_in_one_line(run, plants, tmp_path):
    out, _ = run
    assert "2 folds, 3 are asked for" in refused(*arguments_of(plants, out, "--folds", "3"))
    assert "4 pairs cannot make 5 folds" in refused(*arguments_of(plants, tmp_path / "cv", "--folds", "5"))
    assert "did you mean epochs?" in refused(*arguments_of(plants, tmp_path, "--set", "training.epoch=1"))
    line = refused(*arguments_of(plants, tmp_path, "--grid", "min_size=1"))
    assert "--grid: clustering: no setting 'min_size'" in line
    assert "--grid: clustering.min_core_size has no values" in refused(
        *arguments_of(plants, tmp_path, "--grid", "min_core_size")
    )
    assert "did you mean push_margin?" in refused(
        *arguments_of(plants, tmp_path, "--vary", "loss.push_margn=1,2")
    )
    assert "did you mean min_samples?" in refused(*arguments_of(plants, tmp_path, "--grid", "min_sample=1,2"))
    assert "it is 'kmeans'" in refused(*arguments_of(plants, tmp_path, "--pipelines", "kmeans"))
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refused(*arguments_of(plants, tmp_path / "file"))
    assert leafwise(*arguments_of(plants, tmp_path, "--folds", "1")).exit_code == 2


def test_two_data_sets_are_scored_apart_and_go_on_from_their_own_folds(plants, ready_networks, tmp_path):
    more = shutil.copytree(plants, tmp_path / "more")
    first = leafwise("crossval", more, *arguments_of(plants, tmp_path / "first")[1:])
    assert first.exit_code == 0, first.output
    rows = [line.split()[:2] for line in first.stdout.splitlines() if line.strip()]
    assert ["more", "4"] in rows
    assert [plants.name, "4"] in rows
    assert ["all", "8"] in rows
    assert (tmp_path / "first" / "worst.png").is_file()
    table = pd.read_csv(tmp_path / "first" / "candidates.csv")
    scores = pd.concat([pd.read_csv(tmp_path / "first" / f"fold{i}" / "scores.csv") for i in (1, 2)])
    assert table["sbd"].tolist() == pytest.approx(scores.groupby("number")["sbd"].mean().tolist(), abs=1e-3)
    (tmp_path / "next").mkdir()
    shutil.copy(tmp_path / "first" / "folds.json", tmp_path / "next")
    going_on = arguments_of(plants, tmp_path / "next", "--from", tmp_path / "first")[1:]
    second = leafwise("crossval", more, *going_on)
    assert second.exit_code == 0, second.output
    split = json.loads((tmp_path / "next" / "fold1" / "split.json").read_text())
    assert sorted(split["seen"]) == split["splits"][0]["train"]
