"""`leafwise table1 --quick`: every stage on synthetic plants, once, and what cannot be."""

import json
import re

import pandas as pd
import pytest
from shell import errors_of, leafwise, refused

from leafwise.config import PAPER_PIPELINES
from leafwise.errors import LeafwiseError

PIPELINES = ["seeded", "seeded+mrf", "seeded+cluster_net", "true_means+cluster_net"]
ARGUMENTS = (
    *("table1", "--quick", "--folds", "2", "--variants", "plain", "--pipelines", ",".join(PIPELINES)),
    *("--set", "net.encoder=test_byobnet", "--set", "net.embedding_size=4"),
    *("--set", "clustering.foreground_threshold=0.01"),
    *("--grid", "min_cluster_size=20"),
)


@pytest.fixture(scope="module")
def run(ready_networks, tmp_path_factory):
    out = tmp_path_factory.mktemp("table1")
    result = leafwise(*ARGUMENTS, "--out", out)
    assert result.exit_code == 0, result.output
    assert errors_of(result.stderr) == []
    return out


def test_every_photo_is_scored_once_in_each_row(run):
    photos = pd.read_csv(run / "photos.csv")
    assert photos.groupby("pipeline")["photo"].nunique().tolist() == [12] * 4
    assert len(photos) == 12 * 4
    splits = json.loads((run / "folds.json").read_text())["splits"]
    for number, split in enumerate(splits, 1):
        assert set(photos[photos["fold"] == number]["photo"]) == set(split["validation"])


def test_the_table_is_written_in_all_forms(run):
    text = (run / "table1.md").read_text()
    rows = pd.read_csv(run / "table1.csv")
    assert rows["pipeline"].tolist() == PIPELINES
    assert [row["pipeline"] for row in json.loads((run / "table1.json").read_text())["rows"]] == PIPELINES
    for row in rows.to_dict("records"):
        assert re.search(rf"\| `{re.escape(row['pipeline'])}` +\| +{row['sbd']:.2f} ± ", text)
    assert re.search(r"\| `true_means\+cluster_net` .*\| 87\.76 \|", text)  # the paper's value beside ours
    assert (run / "figure5.png").stat().st_size > 1000


def test_the_second_time_nothing_is_trained_again(run):
    models = list(run.glob("fold*/*/*/model/*"))
    assert models
    before = [path.stat().st_mtime_ns for path in models]
    assert leafwise(*ARGUMENTS, "--out", run).exit_code == 0
    assert [path.stat().st_mtime_ns for path in models] == before


def test_a_data_set_a_file_of_settings_and_how_many_folds_reach_the_experiment(
    dataset, tmp_path, monkeypatch
):
    calls = []

    def note(folds, out, variants, candidates, **_):
        calls.append((folds, out, variants, candidates))
        raise LeafwiseError("that is all")

    monkeypatch.setattr("leafwise.experiments.run_table1", note)
    config, out = tmp_path / "mine.toml", tmp_path / "out"
    config.write_text("[training]\nepochs = 7\nbatch_size = 3\n[loss]\nedge_weight = 0.5\n")
    more = ("--folds", "3", "--only", "2", "--set", "training.batch_size=5", "--variants", "plain,edge")
    assert refused("table1", dataset, "--out", out, "--config", config, *more) == "Error: that is all"
    ((folds, folder, variants, candidates),) = calls
    assert folder == out
    assert not (out / "plants").exists()  # what --quick draws
    assert [len(split.validation) for split in folds.splits] == [2, 2]
    assert {pair.image.parent for split in folds.splits for pair in split.train} == {dataset / "images"}
    assert len(json.loads((out / "folds.json").read_text())["splits"]) == 3
    assert [(name, settings.loss.edge_weight) for name, settings in variants.items()] == [
        ("plain", 0.0),
        ("edge", 0.5),
    ]
    for settings in variants.values():
        assert (settings.training.epochs, settings.training.batch_size) == (7, 5)
    assert {candidate.pipeline for candidate in candidates} == {*PAPER_PIPELINES, "true_means+cluster_net"}


def test_what_cannot_be_is_refused_in_one_line(run, tmp_path):
    assert "no loss variant 'edges'" in refused("table1", "--quick", "--variants", "edges", "--out", tmp_path)
    assert "no data set named" in refused("table1", "--out", tmp_path)
    assert "pipeline.steps must be" in refused(*ARGUMENTS, "--pipelines", "k_means", "--out", run)
    other = refused(*ARGUMENTS, "--set", "training.learning_rate=1", "--out", run)
    assert "holds a training of other settings" in other
