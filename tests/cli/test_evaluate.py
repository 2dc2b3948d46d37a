"""`leafwise evaluate` on six synthetic plants, with a network that has learned nothing."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from shell import errors_of, leafwise, refused

from leafwise.datasets import Folds, Seen, Split, read_dataset, write_folds
from leafwise.imaging import read_image, read_labels
from leafwise.metrics import score_labels
from leafwise.segmenter import Segmenter

HEADER = ["pipeline", "SBD", "FBD", "|DiC|", "DiC", "small", "medium", "large", "photos"]


@pytest.fixture(scope="module")
def refining_model(leafy_model, write_cluster_net, tmp_path_factory):
    """The leafy model with a ClusterNet."""
    folder = shutil.copytree(leafy_model, tmp_path_factory.mktemp("models") / "refining")
    write_cluster_net(folder / "clusternet.onnx")
    return folder


def rows_of(stdout):
    """The table that was printed, its header first."""
    return [line.split() for line in stdout.splitlines() if line.strip() and not line.startswith("Written")]


def test_the_models_own_pipeline_is_scored_as_segment_finds_the_leaves(dataset, leafy_model):
    result = leafwise("evaluate", dataset, "--model", leafy_model, "--workers", "1")
    assert result.exit_code == 0, result.output
    assert errors_of(result.stderr) == []
    segmenter = Segmenter.from_pretrained(leafy_model)
    scores = [
        score_labels(read_labels(pair.labels), segmenter.segment(read_image(pair.image)).labels)
        for pair in read_dataset(dataset)
    ]
    header, row = rows_of(result.stdout)
    assert header == HEADER
    assert (row[0], row[-1]) == ("hdbscan", "6")
    dic = np.array([score.dic for score in scores])
    assert row[1:5] == [
        f"{np.mean([score.sbd for score in scores]):.1f}",
        f"{np.mean([score.fbd for score in scores]):.1f}",
        f"{np.abs(dic).mean():.2f}",
        f"{dic.mean():.2f}",
    ]


def test_with_a_cluster_net_the_papers_seven_are_scored_and_written(dataset, refining_model, tmp_path):
    out = tmp_path / "out"
    result = leafwise("evaluate", dataset, "--model", refining_model, "--workers", "1", "--out", out)
    assert result.exit_code == 0, result.output
    header, *rows = rows_of(result.stdout)
    assert header == HEADER
    assert max(map(len, result.stdout.splitlines()[:8])) <= 80
    assert len(rows) == 7
    assert [rows[0][0], rows[-2][0], rows[-1][0]] == [
        "hdbscan",
        "hdbscan+mrf+cluster_net+mrf",
        "true_means+cluster_net",
    ]
    photos = pd.read_csv(out / "photos.csv")
    assert len(photos) == 6 * 7
    summary = json.loads((out / "summary.json").read_text())
    for name, *cells in rows:
        mean = photos.loc[photos["pipeline"] == name, "sbd"].mean()
        assert cells[0] == f"{mean:.1f}"
        assert summary["pipelines"][name]["sbd"] == pytest.approx(mean)
    own = photos[photos["pipeline"] == "hdbscan"].sort_values("sbd", kind="stable")
    assert summary["worst"] == own["photo"].tolist()[:5]
    assert read_image(out / "worst.png").shape[1] == 3 * 404 + 4
    assert {path.name for path in out.iterdir()} == {"photos.csv", "summary.json", "worst.png"}
    assert result.stdout.splitlines()[-1].startswith(f"Written: {out}/photos.csv")


def test_pipelines_and_settings_are_those_that_are_asked_for(dataset, refining_model, tmp_path):
    arguments = ["evaluate", dataset, "--model", refining_model, "--workers", "1"]
    chosen = leafwise(*arguments, "--pipelines", "seeded, hdbscan+mrf,seeded")
    assert [row[0] for row in rows_of(chosen.stdout)[1:]] == ["seeded", "hdbscan+mrf"]
    changed = leafwise(*arguments, "--pipelines", "hdbscan", "--set", "clustering.min_cluster_size=500")
    usual = leafwise(*arguments, "--pipelines", "hdbscan")
    assert rows_of(changed.stdout)[1][3:5] != rows_of(usual.stdout)[1][3:5]


def test_what_cannot_be_is_refused_in_one_line(dataset, leafy_model, tmp_path):
    arguments = ["evaluate", dataset, "--model", leafy_model]
    assert "it is 'kmeans'" in refused(*arguments, "--pipelines", "hdbscan,kmeans")
    line = refused(*arguments, "--pipelines", "hdbscan,hdbscan+cluster_net")
    assert f"{leafy_model}: has no ClusterNet" in line
    assert "no ClusterNet" in refused(*arguments, "--pipelines", "true_means+cluster_net")
    assert "did you mean min_samples?" in refused(*arguments, "--set", "clustering.min_sample=3")
    (tmp_path / "empty").mkdir()
    assert "no photos" in refused("evaluate", tmp_path / "empty", "--model", leafy_model)
    assert "nosuch" in refused("evaluate", tmp_path / "nosuch", "--model", leafy_model)
    assert "no model 'nosuch'" in refused("evaluate", dataset, "--model", "nosuch")
    (tmp_path / "file").touch()
    out = ("--workers", "1", "--out", tmp_path / "file")
    assert str(tmp_path / "file") in refused(*arguments, *out)


def test_photos_that_the_training_has_seen_are_left_out_where_asked(dataset, leafy_model, tmp_path):
    model = shutil.copytree(leafy_model, tmp_path / "run" / "model")
    pairs = read_dataset(dataset)
    split = Split(tuple(pairs[:2]), tuple(pairs[2:4]))  # the last two came later
    write_folds(model.parent / "split.json", Folds(0, False, (split,)))
    result = leafwise(
        "evaluate", dataset, "--model", model, "--only-unseen", "--workers", "1", "--out", tmp_path / "out"
    )
    assert result.exit_code == 0, result.output
    scored = pd.read_csv(tmp_path / "out" / "photos.csv", dtype=str)["photo"]
    assert sorted(scored) == sorted(pair.name for pair in pairs[2:])
    assert "2 of 6 photos are left out: the model has seen them" in result.stderr
    assert "not known" not in result.stderr
    write_folds(model.parent / "split.json", Folds(0, False, (split,)), seen=Seen(unknown="rosette"))
    result = leafwise("evaluate", dataset, "--model", model, "--only-unseen", "--workers", "1")
    assert "its training went on from rosette, and what that has seen is not known" in result.stderr


def test_what_a_model_has_seen_must_be_known_and_leave_something(dataset, leafy_model, tmp_path):
    model = shutil.copytree(leafy_model, tmp_path / "run" / "model")
    command = ("evaluate", dataset, "--model", model, "--only-unseen")
    assert "split.json: not there" in refused(*command)
    everything = Folds(0, False, (Split(tuple(read_dataset(dataset)), ()),))
    write_folds(model.parent / "split.json", everything)
    assert "has seen all 6 photos" in refused(*command)
