"""Figures 5 and 6 of painted plants, one of which has a ghost, and what the page says of them."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leafwise.config import LossSettings, RunSettings
from leafwise.datasets import Folds, Split
from leafwise.evaluation.scoring import make_candidates, score_photos
from leafwise.evaluation.sheets import MAX_CELL
from leafwise.experiments import choice
from leafwise.experiments.table1 import Table1
from leafwise.experiments.table1_figures import draw_figure5, draw_figure6, spread_over
from leafwise.experiments.table1_report import report_table1
from leafwise.imaging import read_image
from leafwise.models import load_model, read_card

PIPELINES = ["hdbscan", "hdbscan+mrf", "hdbscan+cluster_net", "true_means+cluster_net"]
GAP = 4


def run_settings(card):
    """What a run would be called with whose models have this card."""
    net = replace(card.net, encoder_weights="none")
    return RunSettings(
        looks=card.looks, net=net, loss=LossSettings(background=True), clustering=card.clustering
    )


@pytest.fixture
def candidates(painted_model):
    settings = read_card(painted_model).segment
    return make_candidates(PIPELINES, [settings.clustering], settings)


def test_figure_5_has_a_column_for_photo_truth_and_each_candidate(painted_model, painted, candidates):
    sheet = draw_figure5(painted_model, painted, candidates)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 6 * 399 + GAP  # 2400 pixels at most
    one = draw_figure5(painted_model, painted[:1], candidates[:1])
    assert one.shape[1] == 3 * (MAX_CELL + GAP) + GAP


def test_figure_6_is_the_photo_whose_ghost_takes_the_most_background(painted_model, painted, candidates):
    example = draw_figure6(painted_model, painted, candidates[2])
    assert example.photo == "plant1"
    assert example.without == 100  # a likelihood of 0.91 on all of the soil
    assert example.with_background == 0
    assert example.sheet.shape[1] == 5 * (MAX_CELL + GAP) + GAP
    colored = (example.sheet.max(2) > 100).mean(0)  # how much of each column of pixels
    columns = [colored[GAP + i * (MAX_CELL + GAP) :][:MAX_CELL].mean() for i in range(5)]
    assert columns[3] > 0.9
    assert columns[1] == pytest.approx(columns[4], abs=0.01)
    assert columns[1] < columns[2] < columns[3]


def test_without_a_ghost_nothing_is_taken(painted_model, painted, candidates):
    example = draw_figure6(painted_model, [painted[0]], candidates[2])
    assert (example.photo, example.without, example.with_background) == ("plant0", 0, 0)


def test_figure_6_needs_a_mask_on_some_photo(painted_model, painted, candidates):
    assert draw_figure6(painted_model, [], candidates[2]) is None
    assert draw_figure6(painted_model, painted, candidates[0]) is None  # no ClusterNet, no masks


def test_photos_are_taken_from_good_to_bad():
    scores = pd.Series([50.0, 90, 70])
    assert spread_over(scores, 3) == [1, 2, 0]
    assert spread_over(scores, 1) == [2]
    assert spread_over(scores, 9) == [1, 2, 0]


def table_and_folds(model, painted, out, pipelines):
    """What a run with one fold in `out` would have left behind: the table, its folds and its settings."""
    shutil.copytree(model, out / "fold1" / "plain" / "cluster_net" / "model")
    loaded = load_model(model)
    settings = loaded.card.segment
    grid = [
        replace(settings.clustering, min_cluster_size=size) for size in (500, 20)
    ]  # the first finds nothing
    candidates = make_candidates(pipelines, grid, settings)
    scores = score_photos(painted, loaded, candidates).assign(fold=1, variant="plain")
    kinds = [choice.chosen_elsewhere(kind) for _, kind in scores.groupby("pipeline", sort=False)]
    table = Table1(pd.concat(kinds, ignore_index=True))
    others = tuple(replace(pair, name=f"other{i}") for i, pair in enumerate(painted * 2))
    return table, Folds(0, False, (Split(others, tuple(painted)),)), run_settings(loaded.card), candidates


def test_a_run_is_reported_with_both_figures(painted_model, painted, tmp_path):
    table, folds, settings, candidates = table_and_folds(painted_model, painted, tmp_path, PIPELINES)
    assert table.photos["number"].unique().tolist() == [1, 3, 5, 6]
    report_table1(table, tmp_path, settings, folds, candidates, n_shown=2)
    text = (tmp_path / "table1.md").read_text()
    assert "![Figure 5" in text
    assert "![Figure 6" in text
    assert "(plant1)" in text
    assert "100.0 % of it" in text
    sheet = read_image(tmp_path / "figure5.png")
    assert sheet.shape[1] <= 2400
    assert read_image(tmp_path / "figure6.png").shape[1] == 5 * (MAX_CELL + GAP) + GAP
    assert (tmp_path / "table1.csv").is_file()
    assert (tmp_path / "table1.json").is_file()


def test_without_clusternet_alone_in_the_table_the_page_says_why_figure_6_is_missing(
    painted_model, painted, tmp_path
):
    table, folds, settings, candidates = table_and_folds(painted_model, painted, tmp_path, PIPELINES[:2])
    report_table1(table, tmp_path, settings, folds, candidates)
    text = (tmp_path / "table1.md").read_text()
    assert "is not drawn: no pipeline of this table" in text
    assert not (tmp_path / "figure6.png").exists()


def test_with_a_foreground_head_the_page_says_why_figure_6_is_missing(
    tiny_model, write_cluster_net, painted, tmp_path
):
    model = shutil.copytree(tiny_model, tmp_path / "model")
    write_cluster_net(model / "clusternet.onnx")
    pipelines = ["hdbscan", "hdbscan+cluster_net"]
    table, folds, settings, candidates = table_and_folds(model, painted, tmp_path, pipelines)
    report_table1(table, tmp_path, settings, folds, candidates)
    text = (tmp_path / "table1.md").read_text()
    assert "is not drawn: this model has a foreground head" in text
    assert (tmp_path / "figure5.png").is_file()
    assert not (tmp_path / "figure6.png").exists()
