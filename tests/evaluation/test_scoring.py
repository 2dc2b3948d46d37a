"""Scores of pipelines on painted plants, whose leaves are known."""

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leafwise.config import ClusteringSettings, PipelineSettings
from leafwise.errors import ModelError, SettingsError
from leafwise.evaluation import make_candidates, score_photos, scoring
from leafwise.evaluation.scoring import kept_scores, true_labels
from leafwise.imaging import Square
from leafwise.models import load_model
from leafwise.segmenter import SeenPlant, cluster


def candidates_of(model, *pipelines, clusterings=None):
    settings = model.card.segment
    return make_candidates(pipelines, clusterings or [settings.clustering], settings)


def test_true_means_come_once_and_other_pipelines_with_every_clustering(painted_model):
    clusterings = [ClusteringSettings(min_cluster_size=size) for size in (20, 30)]
    model = load_model(painted_model)
    found = candidates_of(model, "hdbscan+mrf", "true_means+cluster_net", clusterings=clusterings)
    assert [(one.pipeline, one.true_means) for one in found] == [
        ("hdbscan+mrf", False), ("hdbscan+mrf", False), ("true_means+cluster_net", True),
    ]  # fmt: skip
    assert found[2].settings.pipeline.refinements == ("cluster_net",)
    with pytest.raises(SettingsError, match="must be one of seeded"):
        candidates_of(model, "k_means")


def test_leaves_that_any_clustering_finds_are_those_of_the_true_means(painted_model, painted):
    model = load_model(painted_model)
    table = score_photos(painted[:1], model, candidates_of(model, "hdbscan", "true_means"))
    assert table["pipeline"].tolist() == ["hdbscan", "true_means"]
    assert table["sbd"].tolist() == [100, 100]
    assert table["abs_dic"].tolist() == [0, 0]


def test_true_labels_are_cut_to_the_plants_grid_and_foreground():
    truth = np.zeros((8, 8), np.int32)
    truth[1:3, 1:3], truth[5:7, 5:7] = 4, 9
    foreground = np.ones((8, 8), np.float32)
    foreground[5:7, 5:7] = 0  # the network does not see the second leaf
    plant = SeenPlant(Square(0, 0, 8), np.zeros((2, 8, 8), np.float32), foreground)
    settings = make_candidates(["hdbscan"], [ClusteringSettings()], _segment())[0].settings
    np.testing.assert_array_equal(true_labels(plant, settings, truth), truth == 4)
    unseen = replace(plant, foreground=None)
    refined = replace(settings, pipeline=PipelineSettings("hdbscan+cluster_net"))
    np.testing.assert_array_equal(true_labels(unseen, refined, truth), (truth == 4) + 2 * (truth == 9))


@pytest.mark.parametrize(
    ("steps", "foreground"), [("hdbscan", False), ("hdbscan+mrf", False), ("hdbscan+mrf", True)]
)
def test_where_true_labels_would_be_scored_each_pixel_goes_to_the_nearest_true_mean(steps, foreground):
    truth = np.zeros((4, 6), np.int32)
    truth[1:3, 0:3], truth[1:3, 3:6] = 5, 7
    line = truth.astype(np.float32)
    line[1, 2] = 6.9  # of leaf 5, and looks like leaf 7
    line[0, 0] = 4.9  # ground that looks like leaf 5
    plant = SeenPlant(Square(0, 0, 6), np.zeros((1, 6, 6), np.float32), None)
    plant.embeddings[0, :4] = line
    if foreground:
        plant = replace(plant, foreground=(plant.embeddings[0] > 0).astype(np.float32))
    settings = make_candidates([steps], [ClusteringSettings()], _segment())[0].settings
    expected = np.zeros((6, 6), np.int32)
    expected[1:3, 0:3], expected[1:3, 3:6], expected[1, 2], expected[0, 0] = 1, 2, 2, 1
    np.testing.assert_array_equal(true_labels(plant, settings, truth), expected)


def test_a_model_without_cluster_net_is_refused(tiny_model, painted):
    model = load_model(tiny_model)
    with pytest.raises(ModelError, match="has no ClusterNet"):
        score_photos(painted, model, candidates_of(model, "hdbscan", "hdbscan+cluster_net"))


def test_scores_are_kept_and_done_again_for_other_candidates(painted_model, painted, tmp_path, monkeypatch):
    model = load_model(painted_model)
    path, one = tmp_path / "scores.csv", candidates_of(model, "hdbscan")
    first = kept_scores(path, painted, painted_model, one)
    assert first["photo"].tolist() == [pair.name for pair in painted]
    assert (
        kept_scores(path, painted, painted_model, candidates_of(model, "hdbscan+mrf"))["pipeline"][0]
        == "hdbscan+mrf"
    )

    def no_scoring(*_, **__):
        raise AssertionError("what is done is not done again")

    monkeypatch.setattr("leafwise.evaluation.scoring.score_photos", no_scoring)
    kept_scores(path, painted, painted_model, candidates_of(model, "hdbscan+mrf"))
    with pytest.raises(AssertionError):
        kept_scores(path, painted, painted_model, one)
    before = painted[0].labels.read_bytes()
    painted[0].labels.write_bytes(painted[0].image.read_bytes())
    with pytest.raises(AssertionError):  # a label map that has changed
        kept_scores(path, painted, painted_model, candidates_of(model, "hdbscan+mrf"))
    painted[0].labels.write_bytes(before)
    kept_scores(path, painted, painted_model, candidates_of(model, "hdbscan+mrf"))
    with pytest.raises(AssertionError):  # other photos
        kept_scores(path, painted[1:], painted_model, candidates_of(model, "hdbscan+mrf"))


def test_pipelines_share_a_clustering_only_where_it_is_the_same(painted_model, painted, monkeypatch):
    model, clustered = load_model(painted_model), []

    def count(plant, settings):
        clustered.append((settings.pipeline.clustering, settings.clustering.min_cluster_size))
        return cluster(plant, settings)

    monkeypatch.setattr(scoring, "cluster", count)
    small, large = (replace(model.card.clustering, min_cluster_size=size) for size in (20, 600))
    candidates = candidates_of(
        model, "hdbscan", "hdbscan+mrf", "seeded", "true_means+mrf", clusterings=[small, large]
    )
    table = score_photos(painted[:1], model, candidates)
    assert clustered == [("hdbscan", 20), ("hdbscan", 600), ("seeded", 20), ("seeded", 600)]
    assert table["number"].tolist() == list(range(7))
    by_size = table[table["pipeline"] == "hdbscan"]["sbd"].tolist()
    assert by_size == [100, 0]  # no leaf has 600 pixels of the grid


def test_each_candidate_is_scored_as_if_it_were_alone(tiny_model, painted):
    model = load_model(tiny_model)  # it has not learnt anything, and a foreground that the threshold changes
    clusterings = [
        replace(model.card.clustering, foreground_threshold=share, min_cluster_size=10)
        for share in (0.1, 0.456, 0.461)
    ]
    candidates = candidates_of(model, "hdbscan", clusterings=clusterings)
    wide = replace(candidates[1].settings, looks=replace(model.card.looks, margin=0.4))
    candidates.append(replace(candidates[1], settings=wide))
    together = score_photos(painted, model, candidates)
    assert together.groupby("number")["fbd"].mean().nunique() == len(candidates)
    for number, candidate in enumerate(candidates):
        alone = score_photos(painted, model, [candidate])
        same = together[together["number"] == number].reset_index(drop=True)
        pd.testing.assert_frame_equal(same.drop(columns="number"), alone.drop(columns="number"))


def test_whether_turns_agree_is_each_candidates_own_matter(painted_model, painted, monkeypatch):
    model, asked = load_model(painted_model), []

    def never(one, other, settings):
        asked.append(settings.clustering.min_core_size)
        return False

    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", never)
    turned = replace(model.card.segment, looks=replace(model.card.looks, turns=3))
    clusterings = [replace(model.card.clustering, min_core_size=size) for size in (3, 600)]
    score_photos(painted[:1], model, make_candidates(["seeded", "true_means"], clusterings, turned))
    assert asked == [3, 600]


@pytest.mark.parametrize("in_flight", [0, 1 << 30])
def test_processes_bring_the_same_rows_in_the_same_order(painted_model, painted, monkeypatch, in_flight):
    monkeypatch.setattr(scoring, "IN_FLIGHT", in_flight)  # 0: no photo is seen before the last one is scored
    model = load_model(painted_model)
    pairs, done = [*painted, *painted], []
    candidates = candidates_of(model, "seeded", "true_means")
    table = score_photos(pairs, model, candidates, workers=2, on_photo=lambda: done.append(1))
    assert len(done) == len(pairs)
    pd.testing.assert_frame_equal(table, score_photos(pairs, model, candidates))


def test_no_more_photos_wait_than_memory_allows(monkeypatch):
    running, most = [], []

    class Pool:
        def __init__(self, workers):
            self.workers = workers

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, score, pair, seen):
            future = Future()
            running.append(future)
            most.append(len(running))
            future.result = lambda: (running.remove(future), score(pair, seen))[1]
            return future

    monkeypatch.setattr(scoring, "Workers", Pool)
    monkeypatch.setattr(scoring, "IN_FLIGHT", 3 * 4 * 2 * 8 * 8)
    plant = SeenPlant(Square(0, 0, 8), np.zeros((2, 8, 8), np.float32), None)
    photos = [(number, [[plant]]) for number in range(20)]
    rows = list(scoring._in_processes(lambda number, _: [{"photo": number}], photos, 2))
    assert rows == [[{"photo": number}] for number in range(20)]
    assert max(most) == 4  # three within the bound, and the next before one is waited for
    most.clear()
    monkeypatch.setattr(scoring, "IN_FLIGHT", 1 << 30)
    list(scoring._in_processes(lambda number, _: [], photos, 2))
    assert max(most) == 2 * scoring.AHEAD + 1


def _segment():
    from leafwise.config import SegmentSettings

    return SegmentSettings()
