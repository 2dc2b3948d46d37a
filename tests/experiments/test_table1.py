"""Table 1: who trains what, what is scored, and what its rows say; nothing is trained here."""

import pandas as pd
import pytest

from leafwise.config import ClusteringSettings, RunSettings
from leafwise.datasets import Pair, make_folds
from leafwise.experiments import Table1, loss_variants, run_table1
from leafwise.experiments import crossval as stages
from leafwise.experiments import table1 as module


@pytest.fixture
def folds(tmp_path):
    pairs = [Pair(f"p{i:03}", tmp_path / "a", tmp_path / "b", f"g{i}") for i in range(108)]
    return make_folds(pairs, n_folds=4, seed=3)


@pytest.fixture
def stubbed(monkeypatch):
    """Notes what would be trained and scored, in order."""
    done = []

    def train(pairs, validation, folder, settings, **_):
        done.append(("embedding", folder, set(pairs)))
        (folder / "model").mkdir(parents=True)
        return folder / "model"

    def train_cluster_net(pairs, model, folder, settings, *, others, **_):
        ((shown_by, shown),) = others
        assert not pairs
        assert shown_by == model
        done.append(("cluster_net", folder, set(shown)))
        (folder / "model").mkdir(parents=True)
        return folder / "model"

    def kept_scores(path, pairs, model, candidates, workers=1):
        done.append(("scores", path.parent, set(pairs)))
        scores = {"sbd": 80.0, "fbd": 90.0, "abs_dic": 1.0}
        rows = [
            {"photo": pair.name, "number": number, "pipeline": candidate.pipeline, **scores}
            for pair in pairs
            for number, candidate in enumerate(candidates)
        ]
        return pd.DataFrame(rows)

    monkeypatch.setattr(stages, "train", train)
    monkeypatch.setattr(stages, "train_cluster_net", train_cluster_net)
    monkeypatch.setattr(module, "kept_scores", kept_scores)
    return done


def test_roles_are_the_papers_and_no_held_out_photo_trains(folds, stubbed, tmp_path):
    variants = {"plain": RunSettings()}
    table = run_table1(
        folds, tmp_path, variants, [ClusteringSettings()], pipelines=["hdbscan", "hdbscan+mrf"]
    )
    assert len(stubbed) == 4 * 3
    for fold, (embedding, cluster_net, scores) in zip(
        folds.splits, zip(*[iter(stubbed)] * 3, strict=True), strict=True
    ):
        assert [stage[0] for stage in (embedding, cluster_net, scores)] == [
            "embedding",
            "cluster_net",
            "scores",
        ]
        assert scores[2] == set(fold.validation)
        assert embedding[2] | cluster_net[2] == set(fold.train)
        assert embedding[2].isdisjoint(cluster_net[2])
        assert len(cluster_net[2]) == round(81 * 30 / 108)
    assert len(table.photos) == 108 * 2
    assert (tmp_path / "photos.csv").is_file()


def test_what_is_done_is_not_done_again(folds, stubbed, tmp_path):
    variants = loss_variants(RunSettings())
    assert list(variants) == ["plain", "edge", "weighted", "edge+weighted"]
    assert [one.loss.edge_weight for one in variants.values()] == [0, 1, 0, 1]
    run_table1(folds, tmp_path, variants, [ClusteringSettings()], pipelines=["hdbscan"])
    trained = [stage for stage in stubbed if stage[0] != "scores"]
    assert len(trained) == 4 * 4 * 2
    del stubbed[:]
    run_table1(folds, tmp_path, variants, [ClusteringSettings()], pipelines=["hdbscan"])
    assert {stage[0] for stage in stubbed} == {"scores"}


def test_a_row_is_the_mean_of_the_photos_and_the_spread_of_the_folds():
    photos = pd.DataFrame(
        {
            "variant": "plain",
            "pipeline": "hdbscan",
            "fold": [1, 1, 1, 2],
            "sbd": [70.0, 80.0, 90.0, 60.0],
            "fbd": [90.0, 90.0, 90.0, 94.0],
            "abs_dic": [0.0, 0.0, 3.0, 1.0],
        }
    )
    (row,) = Table1(photos).rows().to_dict("records")
    assert (row["sbd"], row["fbd"], row["abs_dic"]) == (75, 91, 1)
    assert (row["sbd_spread"], row["fbd_spread"], row["abs_dic_spread"]) == (10, 2, 0)  # of 80 and 60, ...
