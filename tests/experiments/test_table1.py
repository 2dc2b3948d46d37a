"""Table 1: who trains what, what is scored, and what its rows say; nothing is trained here."""

import pandas as pd
import pytest

from leafwise.config import LossSettings, PipelineSettings, RunSettings
from leafwise.datasets import Pair, make_folds
from leafwise.evaluation import make_candidates
from leafwise.experiments import Table1, grid_candidates, loss_variants, run_table1
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


def candidates_of(*pipelines):
    return make_candidates(pipelines, [RunSettings().clustering], RunSettings().segment)


def test_roles_are_the_papers_and_no_held_out_photo_trains(folds, stubbed, tmp_path):
    variants = {"plain": RunSettings()}
    table = run_table1(folds, tmp_path, variants, candidates_of("hdbscan", "hdbscan+mrf"))
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
    run_table1(folds, tmp_path, variants, candidates_of("hdbscan"))
    trained = [stage for stage in stubbed if stage[0] != "scores"]
    assert len(trained) == 4 * 4 * 2
    del stubbed[:]
    run_table1(folds, tmp_path, variants, candidates_of("hdbscan"))
    assert {stage[0] for stage in stubbed} == {"scores"}


@pytest.mark.parametrize("loss", [LossSettings(), LossSettings(edge_weight=0.5, pixel_weights="border")])
def test_each_variant_is_what_its_name_says(loss):
    variants = loss_variants(RunSettings(loss=loss))
    psi = loss.edge_weight or 1
    assert {name: (one.loss.edge_weight, one.loss.pixel_weights) for name, one in variants.items()} == {
        "plain": (0, "uniform"),
        "edge": (psi, "uniform"),
        "weighted": (0, "key_points"),
        "edge+weighted": (psi, "key_points"),
    }


def test_each_pipeline_has_the_grid_of_its_own_clustering():
    seeded = RunSettings(pipeline=PipelineSettings("seeded"))
    candidates = grid_candidates(seeded, ["hdbscan+mrf", "seeded", "true_means+cluster_net"])
    of = {name: [one for one in candidates if one.pipeline == name] for name in ("hdbscan+mrf", "seeded")}
    assert {one.settings.clustering.min_samples for one in of["hdbscan+mrf"]} == {10, 20}
    assert {one.settings.clustering.seed_radius for one in of["seeded"]} == {1.5, 1.75, 1.9}
    (means,) = (one for one in candidates if one.true_means)
    assert means.settings.pipeline.steps == "seeded+cluster_net"


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
