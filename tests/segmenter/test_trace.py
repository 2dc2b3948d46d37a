import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest

from leafwise.clustering import hdbscan
from leafwise.config import PipelineSettings, SegmentSettings
from leafwise.errors import ImageError
from leafwise.imaging import cut_square
from leafwise.models import Model
from leafwise.refine import denoise, segment_likelihood
from leafwise.segmenter import Segmenter, trace_leaves

PIPELINES = ["hdbscan", "hdbscan+mrf", "seeded+cluster_net", "hdbscan+mrf+cluster_net+mrf"]


@pytest.fixture(scope="session")
def with_cluster_net(write_cluster_net, tmp_path_factory):
    """Adds a ClusterNet to a model."""

    def add_to(model):
        folder = shutil.copytree(model.folder, tmp_path_factory.mktemp("with_cluster_net") / "model")
        write_cluster_net(folder / "clusternet.onnx")
        return Model.load(folder, threads=1)

    return add_to


def segmenter_of(model, steps):
    settings = SegmentSettings(model.card.looks, PipelineSettings(steps), model.card.clustering)
    return Segmenter(model, settings)


def two_plants():
    """Labels (100, 180) of two plants of two leaves that touch."""
    truth = np.zeros((100, 180), np.int32)
    truth[20:50, 20:60], truth[50:80, 20:60] = 1, 2
    truth[30:80, 120:140], truth[30:80, 140:165] = 3, 4
    return truth


@pytest.mark.parametrize("steps", PIPELINES)
def test_it_ends_as_the_segmenter_does(color_model, with_cluster_net, paint, steps):
    segmenter, photo = segmenter_of(with_cluster_net(color_model), steps), paint(two_plants())
    trace, expected = trace_leaves(segmenter, photo), segmenter.segment(photo)
    np.testing.assert_array_equal(trace.segmentation.labels, expected.labels)
    np.testing.assert_array_equal(trace.segmentation.plants, expected.plants)
    assert expected.n_leaves == 4
    assert len(trace.plants) == 2


def test_a_plant_is_shown_as_it_is_and_its_leaves_are_those_of_all_turns(color_model, paint, monkeypatch):
    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", lambda *_: False)
    looks = replace(color_model.card.looks, turns=3)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    photo = paint(two_plants())
    trace, expected = trace_leaves(segmenter, photo), segmenter.segment(photo)
    np.testing.assert_array_equal(trace.segmentation.labels, expected.labels)
    plain = trace_leaves(Segmenter(color_model), photo)
    assert len(trace.plants) == len(plain.plants) == 2
    for one, other in zip(trace.plants, plain.plants, strict=True):
        np.testing.assert_array_equal(one.view, other.view)
        np.testing.assert_array_equal(one.stages[-1].leaves.labels, other.stages[-1].leaves.labels)


def test_of_more_plants_than_asked_for_the_fullest_are_kept(color_model, paint):
    photo = paint(two_plants())[:, ::-1]  # 45 x 50 pixels on the left, 60 x 40 on the right
    every, one = (trace_leaves(Segmenter(color_model), photo, most) for most in (None, 1))
    assert [plant.number for plant in every.plants] == [1, 2]
    areas = [np.count_nonzero(plant.stages[-1].leaves.labels) for plant in every.plants]
    (kept,) = one.plants
    assert kept.number == 1 + np.argmax(areas)
    np.testing.assert_array_equal(kept.view, every.plants[kept.number - 1].view)
    assert one.squares == every.squares == tuple(plant.seen.square for plant in every.plants)
    np.testing.assert_array_equal(one.segmentation.labels, every.segmentation.labels)


def test_what_turns_show_is_not_kept(color_model, paint, monkeypatch):
    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", lambda *_: False)
    looks = replace(color_model.card.looks, turns=7)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    looked_at, turned, held = segmenter.look_at, [], []

    def look_at(image, views):
        for seen in looked_at(image, views):
            if seen.turn:
                turned.append(weakref.ref(seen.embeddings))
            held.append(sum(embeddings() is not None for embeddings in turned))
            yield seen

    monkeypatch.setattr(segmenter, "look_at", look_at)
    trace_leaves(segmenter, paint(two_plants()))
    assert len(turned) == 2 * 6
    assert max(held) <= 3  # the last, and what is about to be let go


@pytest.mark.parametrize("steps", PIPELINES)
def test_every_step_is_there_by_its_name(color_model, with_cluster_net, paint, steps):
    trace = trace_leaves(segmenter_of(with_cluster_net(color_model), steps), paint(two_plants()))
    for plant in trace.plants:
        assert "+".join(stage.step for stage in plant.stages) == steps
        for stage in plant.stages:
            assert (stage.segments is not None) == (stage.step == "cluster_net")
            assert stage.leaves.labels.shape == (32, 32)
            assert set(np.unique(stage.leaves.labels)) == {0, 1, 2}


def test_each_step_starts_from_what_the_one_before_left(color_model, with_cluster_net, paint):
    segmenter = segmenter_of(with_cluster_net(color_model), "hdbscan+mrf+cluster_net")
    settings, photo = segmenter.settings, paint(two_plants())
    for plant in trace_leaves(segmenter, photo).plants:
        clustered, denoised, merged = plant.stages
        seen = plant.seen
        np.testing.assert_array_equal(plant.view, cut_square(photo, seen.square, 64))
        np.testing.assert_array_equal(plant.inside, seen.foreground > 0.5)
        labels = hdbscan(seen.embeddings, plant.inside, settings.clustering)
        np.testing.assert_array_equal(clustered.leaves.labels, labels)
        labels = denoise(labels, settings.refine)
        np.testing.assert_array_equal(denoised.leaves.labels, labels)
        likelihood = segment_likelihood(seen.embeddings, labels, plant.inside)
        np.testing.assert_array_equal(merged.segments.likelihood, likelihood)
        expected = 1 / (1 + np.exp(-40 * (likelihood - 0.8)))
        np.testing.assert_allclose(merged.segments.masks, expected, atol=1e-5)
        np.testing.assert_array_equal(merged.leaves.masks.leaves, merged.segments.masks)


def test_without_a_foreground_the_background_is_the_first_segment(
    color_model_without_foreground, with_cluster_net, paint
):
    truth = np.zeros((64, 64), np.int32)
    truth[8:24, 8:40], truth[40:56, 20:36] = 1, 2
    segmenter = segmenter_of(with_cluster_net(color_model_without_foreground), "hdbscan+cluster_net")
    trace = trace_leaves(segmenter, paint(truth))
    (plant,) = trace.plants
    assert plant.inside is None
    clustered, merged = plant.stages
    assert merged.segments.likelihood.shape == merged.segments.masks.shape == (3, 32, 32)
    for number in range(3):
        here = clustered.leaves.labels == number
        assert merged.segments.masks[number][here].min() > 0.9
        assert merged.segments.masks[number][~here].max() < 0.1
    np.testing.assert_array_equal(trace.segmentation.labels, truth)


def test_masks_of_which_nothing_is_left_are_kept_to_be_looked_at(color_model, with_cluster_net, paint):
    segmenter = segmenter_of(with_cluster_net(color_model), "hdbscan+cluster_net")
    refine = replace(segmenter.settings.refine, mask_threshold=0.99999)  # sigmoid(40 * 0.2) is below
    segmenter = Segmenter(segmenter.model, replace(segmenter.settings, refine=refine))
    for plant in trace_leaves(segmenter, paint(two_plants())).plants:
        clustered, merged = plant.stages
        assert merged.segments.masks.max() < refine.mask_threshold
        assert merged.leaves.masks is None
        np.testing.assert_array_equal(merged.leaves.labels, clustered.leaves.labels)


def test_a_photo_without_a_plant_has_no_way(color_model, paint):
    trace = trace_leaves(segmenter_of(color_model, "hdbscan+mrf"), paint(np.zeros((50, 70), np.int32)))
    assert trace.plants == ()
    np.testing.assert_array_equal(trace.segmentation.labels, np.zeros((50, 70), np.int32))


def test_a_plant_without_leaves_goes_the_way_to_its_end(
    color_model_without_foreground, with_cluster_net, paint
):
    model = with_cluster_net(color_model_without_foreground)
    trace = trace_leaves(segmenter_of(model, "seeded+mrf+cluster_net"), paint(np.zeros((64, 64), np.int32)))
    (plant,) = trace.plants
    assert [stage.step for stage in plant.stages] == ["seeded", "mrf", "cluster_net"]
    assert not any(stage.leaves.labels.any() for stage in plant.stages)
    assert plant.stages[-1].segments is None
    assert trace.segmentation.n_leaves == 0


def test_what_is_no_photo_is_refused(color_model):
    with pytest.raises(ImageError, match="uint8 RGB"):
        trace_leaves(segmenter_of(color_model, "hdbscan"), np.zeros((64, 64), np.uint8))
