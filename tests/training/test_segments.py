"""ClusterNet's training set: which true leaf a segment stands for, and what is kept of a photo."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from leafwise.config import (
    ClusteringSettings,
    ClusterNetSettings,
    LookSettings,
    NetSettings,
    PipelineSettings,
)
from leafwise.imaging import Square, compact_labels, cut_labels, whole_square
from leafwise.models import ModelCard
from leafwise.models.network import Embedded
from leafwise.training.photos import Photo
from leafwise.training.segments import SegmentSet, make_segments, owners_of

SIDE = 32


def owners_by_loop(labels, truth):
    owners = [0]
    for segment in range(1, labels.max() + 1):
        under = truth[labels == segment]
        values, counts = np.unique(under, return_counts=True)
        leaf = values[counts.argmax()]  # the lowest of equals
        rivals = [np.sum((truth == leaf) & (labels == other)) for other in range(labels.max() + 1)]
        owners.append(leaf if leaf > 0 and rivals.index(max(rivals)) == segment else -1)
    return owners


maps = arrays.arrays(np.int32, (5, 6), elements=st.integers(0, 4))


@given(found=maps, truth=maps)
def test_owners_equal_the_plain_loop(found, truth):
    labels = compact_labels(found)[0]
    assert owners_of(labels, truth).tolist() == owners_by_loop(labels, truth)


def painted_model(truth, *, foreground_head=True, ghost=None):
    """A network whose embeddings tell every leaf, the background and, where asked, a ghost from each other."""
    shown = truth if ghost is None else np.where(ghost, truth.max() + 1, truth)
    embeddings = 5 * (shown == np.arange(shown.max() + 1)[:, None, None]).astype(np.float32)
    foreground = None
    if foreground_head:
        foreground = ((truth > 0) | (False if ghost is None else ghost)).astype(np.float32)[None]
    card = ModelCard(
        name="painted",
        leafwise_version="0.1.0",
        stride=1,
        looks=LookSettings(input_size=SIDE),
        pipeline=PipelineSettings("hdbscan"),
        clustering=ClusteringSettings(min_cluster_size=5, min_samples=2),
        net=NetSettings(foreground_head=foreground_head),
    )
    return SimpleNamespace(card=card, embed=lambda images: Embedded(embeddings[None], foreground))


@pytest.fixture
def truth():
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[4:14, 4:12], labels[4:14, 12:24], labels[20:30, 8:16] = 3, 5, 9
    return labels


def photo_of(truth):
    return Photo(np.zeros((SIDE, SIDE, 3), np.uint8), truth, whole_square(SIDE, SIDE))


def segments_of(truth, model, means, **settings):
    return make_segments([photo_of(truth)], model, ClusterNetSettings(means=means, window=0, **settings))


@pytest.mark.parametrize("foreground_head", [True, False])
def test_with_true_means_each_leaf_has_its_image_and_mask(truth, foreground_head):
    found = segments_of(truth, painted_model(truth, foreground_head=foreground_head), "leaves")
    np.testing.assert_array_equal(found.masks, truth == np.array([3, 5, 9])[:, None, None])
    for likelihood, mask in zip(found.likelihood, found.masks, strict=True):
        assert (likelihood[mask] == 1).all()
        assert likelihood[~mask].max() < 0.5
        if foreground_head:
            assert (likelihood[truth == 0] == 0).all()


def test_a_ghost_has_an_empty_mask_and_both_has_both(truth):
    ghost = np.zeros_like(truth, bool)
    ghost[1:3, 4:24] = True
    model = painted_model(truth, ghost=ghost)
    clustered = segments_of(truth, model, "clusters")
    sizes = sorted(clustered.masks.sum((1, 2)))
    assert sizes == [0, 80, 80, 120]
    both = segments_of(truth, model, "both")
    assert len(both.masks) == 3 + 4


def test_the_background_is_a_segment_only_where_it_has_embeddings_of_its_own(truth):
    clustered = segments_of(truth, painted_model(truth, foreground_head=False), "clusters")
    assert len(clustered.masks) == 4
    np.testing.assert_array_equal(clustered.masks[0], truth == 0)


def test_a_window_shows_the_segment_and_its_mask_alike(truth):
    model = painted_model(truth)
    whole = segments_of(truth, model, "leaves")
    windows = make_segments([photo_of(truth)], model, ClusterNetSettings(means="leaves", window=16))
    assert windows.likelihood.shape == windows.masks.shape == (3, 16, 16)
    np.testing.assert_array_equal(
        windows.masks.sum((1, 2)), whole.masks.sum((1, 2))
    )  # each fits into 16 x 16
    np.testing.assert_array_equal(windows.likelihood == 1, windows.masks)


def test_items_are_what_the_network_takes(truth):
    likelihood, mask = SegmentSet(segments_of(truth, painted_model(truth), "leaves"))[1]
    assert (likelihood.shape, mask.shape) == ((1, SIDE, SIDE), (SIDE, SIDE))
    assert float(mask.sum()) == 120


@pytest.mark.parametrize("means", ["leaves", "clusters", "both"])
def test_a_photo_on_which_the_model_sees_nothing_gives_no_segments(truth, means):
    blind = painted_model(np.zeros_like(truth))
    for window in (0, 16):
        settings = ClusterNetSettings(means=means, window=window)
        found = make_segments([photo_of(truth), photo_of(truth)], blind, settings)
        side = window or SIDE
        assert found.likelihood.shape == found.masks.shape == (0, side, side)


def test_a_segment_without_any_likely_pixel_has_a_window_too():
    seen = np.zeros((SIDE, SIDE), np.int32)
    seen[3, 5:7] = 1, 2  # all that the model sees: each pixel is as far from their mean as any
    model = painted_model(seen)
    found = make_segments([photo_of(seen)], model, ClusterNetSettings(means="clusters", window=16))
    assert found.masks.shape == (1, 16, 16)
    assert not found.likelihood.any()


@pytest.mark.parametrize("foreground_head", [True, False])
def test_true_means_and_clusters_come_one_after_the_other(truth, foreground_head):
    model = painted_model(truth, foreground_head=foreground_head)
    true, clustered, both = (segments_of(truth, model, means) for means in ("leaves", "clusters", "both"))
    assert len(true.masks) == 3  # never the background: the paper trains on leaves
    assert len(clustered.masks) == (3 if foreground_head else 4)
    np.testing.assert_array_equal(both.masks, np.concatenate([true.masks, clustered.masks]))
    np.testing.assert_array_equal(both.likelihood, np.concatenate([true.likelihood, clustered.likelihood]))


def test_segments_of_photos_follow_each_other_and_each_photo_is_told_of(truth):
    told, model = [], painted_model(truth)
    settings = ClusterNetSettings(means="leaves", window=0)
    found = make_segments([photo_of(truth), photo_of(truth[::-1])], model, settings, lambda: told.append(1))
    assert told == [1, 1]
    assert found.likelihood.dtype == np.float16
    first, second = np.split(found.masks, 2)
    np.testing.assert_array_equal(first, truth == np.array([3, 5, 9])[:, None, None])
    # what the second photo's truth says, on what the model sees of the first's leaves
    assert second.any()
    assert not second[:, truth == 0].any()


@pytest.mark.parametrize(
    ("labels", "truth", "owners"),
    [
        ([[1, 1, 1, 2, 2]], [[4, 4, 6, 6, 6]], [0, 4, 6]),
        ([[1, 1, 2, 2, 0]], [[4, 4, 4, 4, 4]], [0, 4, -1]),  # of equals the first
        ([[1, 1, 1, 0, 0]], [[0, 0, 4, 0, 4]], [0, -1]),  # mostly on the background
        (
            [[1, 0, 0, 2, 2]],
            [[4, 4, 4, 4, 4]],
            [0, -1, -1],
        ),  # most of the leaf was not found at all... of 2, 2
        ([[0, 0, 0]], [[4, 4, 4]], [0]),
        ([[1, 1, 2]], [[0, 0, 0]], [0, -1, -1]),
    ],
)
def test_owners_by_hand(labels, truth, owners):
    found = owners_of(np.array(labels, np.int32), np.array(truth, np.int32))
    assert found.dtype == np.int32
    assert found.tolist() == owners


@pytest.mark.parametrize("foreground_head", [True, False])
def test_a_model_sees_the_plants_square_or_without_a_foreground_the_whole_photo(foreground_head):
    labels = np.zeros((40, 60), np.int32)
    labels[10:20, 12:22], labels[20:28, 12:30] = 2, 7
    colors = np.zeros((8, 3), np.uint8)
    colors[2], colors[7] = (10, 255, 0), (120, 255, 0)
    photo, card = Photo(colors[labels], labels, Square(8, 10, 24)), painted_model(labels).card
    card = replace(card, net=NetSettings(foreground_head=foreground_head))

    def embed(images):
        foreground = (images[..., 1] > 127).astype(np.float32) if foreground_head else None
        return Embedded(images.transpose(0, 3, 1, 2).astype(np.float32), foreground)

    settings = ClusterNetSettings(means="leaves", window=0)
    found = make_segments([photo], SimpleNamespace(card=card, embed=embed), settings)
    seen = cut_labels(labels, photo.square if foreground_head else whole_square(40, 60), SIDE)
    assert len(found.masks) == 2
    for number, likelihood, mask in zip((2, 7), *found, strict=True):
        assert mask.sum() > 20
        same = np.mean(mask == (seen == number))
        assert same > 0.98  # at borders the photo is interpolated, its labels are picked
        assert np.median(likelihood[mask]) > 0.8 > 0.6 > np.median(likelihood[~mask])
