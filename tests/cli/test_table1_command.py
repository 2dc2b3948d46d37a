"""`leafwise table1 --quick`: every stage on synthetic plants, once, and what cannot be."""

import json

import pandas as pd
import pytest
from shell import errors_of, leafwise, refused

ARGUMENTS = (
    *("table1", "--quick", "--folds", "2", "--variants", "plain"),
    *("--pipelines", "seeded,seeded+mrf,seeded+cluster_net,true_means+cluster_net"),
    *("--set", "net.encoder=test_byobnet", "--set", "clustering.foreground_threshold=0.01"),
    *("--grid", "min_cluster_size=20"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
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
    assert "true_means+cluster_net" in text or "True cluster mean" in text
    assert "87.76" in text  # the paper's own row beside ours
    assert len(pd.read_csv(run / "table1.csv")) >= 4
    json.loads((run / "table1.json").read_text())
    assert (run / "figure5.png").stat().st_size > 1000


def test_the_second_time_nothing_is_trained_again(run):
    models = list(run.glob("fold*/*/*/model/*"))
    assert models
    before = [path.stat().st_mtime_ns for path in models]
    assert leafwise(*ARGUMENTS, "--out", run).exit_code == 0
    assert [path.stat().st_mtime_ns for path in models] == before


def test_what_cannot_be_is_refused_in_one_line(run, tmp_path):
    assert "no loss variant 'edges'" in refused("table1", "--quick", "--variants", "edges", "--out", tmp_path)
    assert "no data set named" in refused("table1", "--out", tmp_path)
    assert "pipeline.steps must be" in refused(*ARGUMENTS, "--pipelines", "k_means", "--out", run)
    other = refused(*ARGUMENTS, "--set", "training.learning_rate=1", "--out", run)
    assert "holds a training of other settings" in other
