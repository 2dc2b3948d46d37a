"""Pipelines on plants whose embeddings and masks are made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from leafwise.config import (
    ClusteringSettings,
    LookSettings,
    PipelineSettings,
    RefineSettings,
    SegmentSettings,
)
from leafwise.errors import ModelError
from leafwise.imaging import Square
from leafwise.segmenter import SeenPlant, Segmenter, cluster, find_leaves, finish_leaves, leaves

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


def test_on_a_foreground_every_pixel_of_it_and_no_other_belongs_to_a_leaf(truth):
    wide = np.where(np.arange(SIDE) < 8, 0.9, 0.3) * np.ones((SIDE, 1))  # far beyond the plant
    network = Masks(wide, np.where(truth == 2, 0.4, 0.1))
    settings = with_steps("hdbscan+cluster_net")
    found = refined(plant_of(truth), truth, settings, network)
    # the second mask has no pixel at all, and what no mask has goes to the first, the only one left
    np.testing.assert_array_equal(found, truth > 0)
    network = Masks(wide, np.where(truth == 2, 0.95, 0.1))
    np.testing.assert_array_equal(refined(plant_of(truth), truth, settings, network), truth)


def test_without_a_foreground_what_no_mask_has_is_background(truth):
    nowhere = np.zeros((SIDE, SIDE))
    network = Masks(nowhere, truth == 1, np.where(truth == 2, 0.4, 0.0))
    found = refined(plant_of(truth, with_foreground=False), truth, with_steps("hdbscan+cluster_net"), network)
    np.testing.assert_array_equal(found, truth == 1)


def test_the_steps_are_done_in_their_order(truth):
    specks = truth == 1
    specks[11, 12] = True  # outside the second leaf
    start = truth.copy()
    start[4, 6] = 2
    plant = plant_of(np.where(specks, 1, truth))
    network = Masks(specks, truth == 2)
    asked = []
    for steps in ("hdbscan+mrf+cluster_net", "hdbscan+cluster_net+mrf"):
        settings = replace(with_steps(steps), looks=LookSettings(smallest_piece=0))
        found = refined(plant, start, settings, network)
        assert (found[11, 12] > 0) == steps.endswith("cluster_net")  # the MRF comes before it, or after
        asked.append(network.asked)
    likelihood = asked[0][1][truth == 2]
    assert (likelihood == 1).all()  # the speck had left the second leaf before its mean was taken
    assert asked[1][1][truth == 2].max() < 1


@pytest.mark.parametrize("steps", ["hdbscan+mrf", "hdbscan+cluster_net", "hdbscan+cluster_net+mrf"])
@pytest.mark.parametrize("with_foreground", [True, False])
def test_straight_borders_stay_where_they_are_when_scaled_up(truth, steps, with_foreground):
    truth = np.zeros((SIDE, SIDE), np.int32)
    truth[:, 2:9], truth[:, 9:14] = 1, 2
    masks = [truth == 1, truth == 2] if with_foreground else [truth == 0, truth == 1, truth == 2]
    plant = replace(plant_of(truth, with_foreground=with_foreground), square=Square(-6, 3, 3 * SIDE))
    settings = with_steps(steps)
    found = finish_leaves([plant], [truth], 40, 60, settings, Masks(*masks))
    expected = np.zeros((40, 60), np.int32)
    large = np.kron(truth, np.ones((3, 3), np.int32))
    expected[:, 3:51] = large[6:46]
    np.testing.assert_array_equal(found.labels, expected)
    assert found.n_leaves == 2


@pytest.mark.parametrize("with_foreground", [True, False])
@pytest.mark.parametrize("merge", ["size", "likelihood"])
def test_a_large_photo_is_put_together_from_strips(truth, monkeypatch, merge, with_foreground):
    rng = np.random.default_rng(0)
    masks = rng.random((2, SIDE, SIDE))
    network = Masks(*masks) if with_foreground else Masks(rng.random((SIDE, SIDE)), *masks)
    plant = replace(plant_of(truth, with_foreground=with_foreground), square=Square(2, 1, 50))
    settings = with_steps("hdbscan+cluster_net", merge=merge)
    whole = finish_leaves([plant], [truth], 55, 48, settings, network).labels
    assert whole.max() == 2
    monkeypatch.setattr(leaves, "STRIP", 100)
    np.testing.assert_array_equal(finish_leaves([plant], [truth], 55, 48, settings, network).labels, whole)


def test_each_plant_goes_through_the_network_on_its_own(truth):
    class Sharp:
        asked = 0

        def masks(self, likelihood):
            self.asked += 1
            return (likelihood > 0.9).astype(np.float32)

    nothing = SeenPlant(Square(0, 0, SIDE), np.zeros((3, SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE)))
    second = replace(plant_of(truth), square=Square(0, SIDE, SIDE))
    network = Sharp()
    found = find_leaves(
        [plant_of(truth), nothing, second], SIDE, 2 * SIDE, with_steps("seeded+cluster_net"), network
    )
    np.testing.assert_array_equal(found.labels, np.hstack([truth, np.where(truth > 0, truth + 2, 0)]))
    np.testing.assert_array_equal(found.plants, [0, 1, 1, 3, 3])
    assert network.asked == 2  # nothing is asked of a plant without leaves


def test_a_model_without_cluster_net_refuses_a_pipeline_with_it(color_model):
    settings = replace(color_model.card.segment, pipeline=PipelineSettings("hdbscan+cluster_net"))
    with pytest.raises(ModelError, match="leafwise train-cluster-net"):
        Segmenter(color_model, settings)


def test_the_step_cluster_net_without_a_network_is_refused(truth):
    with pytest.raises(ModelError, match="cluster_net needs a model with a ClusterNet"):
        refined(plant_of(truth), truth, with_steps("hdbscan+cluster_net"), None)
