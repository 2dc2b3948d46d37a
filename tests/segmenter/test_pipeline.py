"""Pipelines on plants whose embeddings and masks are made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from leafwise.config import ClusteringSettings, PipelineSettings, RefineSettings, SegmentSettings
from leafwise.errors import ModelError
from leafwise.imaging import Square
from leafwise.segmenter import SeenPlant, Segmenter, cluster, find_leaves, finish_leaves

SIDE = 16
SETTINGS = SegmentSettings(clustering=ClusteringSettings(min_cluster_size=8, min_samples=3, min_core_size=1))


class Masks:
    """A ClusterNet that says what it is told, and keeps what it was asked."""

    def __init__(self, *masks):
        self.answer = np.array(masks, np.float32)
        self.asked = None

    def masks(self, likelihood):
        self.asked = likelihood
        return self.answer


def with_steps(steps, **refine):
    return replace(SETTINGS, pipeline=PipelineSettings(steps), refine=RefineSettings(**refine))


@pytest.fixture
def truth():
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[2:8, 2:14], labels[8:14, 2:8] = 1, 2
    return labels


def plant_of(truth, *, with_foreground=True):
    embeddings = 5 * (truth == np.arange(truth.max() + 1)[:, None, None]).astype(np.float32)
    foreground = (truth > 0).astype(np.float32) if with_foreground else None
    return SeenPlant(Square(0, 0, SIDE), embeddings, foreground)


def refined(plant, start, settings, network=None):
    return finish_leaves([plant], [start], SIDE, SIDE, settings, network).labels


@pytest.mark.parametrize("clustering", ["hdbscan", "seeded"])
def test_the_first_step_is_the_clustering_of_its_name(truth, clustering):
    found = cluster(plant_of(truth), with_steps(clustering))
    np.testing.assert_array_equal(found > 0, truth > 0)
    assert len(np.unique(found[truth == 1])) == len(np.unique(found[truth == 2])) == 1
    np.testing.assert_array_equal(
        find_leaves([plant_of(truth)], SIDE, SIDE, with_steps(clustering)).labels, truth
    )


def test_the_mrf_takes_a_speck_away(truth):
    start = truth.copy()
    start[4, 6] = 2  # one pixel of the second leaf inside the first
    np.testing.assert_array_equal(
        refined(plant_of(truth), start, with_steps("hdbscan+mrf", mrf_reduction=1)) == 1, truth == 1
    )


def test_cluster_net_sees_each_segments_likelihood_on_the_foreground(truth):
    network = Masks(truth == 1, truth == 2)
    found = refined(plant_of(truth), truth, with_steps("hdbscan+cluster_net"), network)
    np.testing.assert_array_equal(found, truth)
    assert network.asked.shape == (2, SIDE, SIDE)
    np.testing.assert_array_equal(network.asked[0] == 1, truth == 1)
    assert (network.asked[:, truth == 0] == 0).all()


def test_a_ghost_without_a_mask_goes_and_its_pixels_join_the_most_likely_leaf(truth):
    start = truth.copy()
    start[2:8, 13] = 3  # a ghost on the first leaf's edge
    nothing = np.full(truth.shape, 0.01)
    network = Masks(np.where(truth == 1, 0.4 + 0.5 * (start == 1), 0), truth == 2, nothing)
    found = refined(plant_of(truth), start, with_steps("hdbscan+cluster_net"), network)
    np.testing.assert_array_equal(found, truth)


def test_where_no_mask_is_left_the_segments_stay(truth):
    network = Masks(*np.zeros((2, SIDE, SIDE)))
    np.testing.assert_array_equal(
        refined(plant_of(truth), truth, with_steps("hdbscan+cluster_net"), network), truth
    )


def test_without_a_foreground_the_background_is_the_first_segment_and_is_applied_last(truth):
    wide = np.ones((SIDE, SIDE))  # a mask of the first leaf that covers everything
    network = Masks(truth == 0, wide, truth == 2)
    plant = plant_of(truth, with_foreground=False)
    found = refined(plant, truth, with_steps("hdbscan+cluster_net", merge="likelihood"), network)
    assert network.asked.shape == (3, SIDE, SIDE)
    np.testing.assert_array_equal(network.asked[0] == 1, truth == 0)
    np.testing.assert_array_equal(found == 0, truth == 0)


def test_by_size_the_larger_mask_wins_and_by_likelihood_the_surer(truth):
    first, second = np.where(truth > 0, 0.6, 0), np.where(truth == 2, 0.9, 0)
    network = Masks(first, second)
    by_size = refined(plant_of(truth), truth, with_steps("hdbscan+cluster_net", merge="size"), network)
    surer = refined(plant_of(truth), truth, with_steps("hdbscan+cluster_net", merge="likelihood"), network)
    np.testing.assert_array_equal(by_size, truth > 0)
    np.testing.assert_array_equal(surer, truth)


def test_a_model_without_cluster_net_refuses_a_pipeline_with_it(color_model):
    settings = replace(color_model.card.segment, pipeline=PipelineSettings("hdbscan+cluster_net"))
    with pytest.raises(ModelError, match="leafwise train-cluster-net"):
        Segmenter(color_model, settings)
