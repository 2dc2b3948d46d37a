import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import ClusteringSettings, LookSettings, PipelineSettings, SegmentSettings
from leafwise.imaging import Square, compact_labels
from leafwise.metrics import score_labels
from leafwise.segmenter import SeenPlant, votes
from leafwise.segmenter.votes import agree, vote


def plant():
    """Labels (40, 60) of three leaves that touch."""
    labels = np.zeros((40, 60), np.int32)
    labels[5:35, 5:25], labels[5:35, 25:40], labels[10:30, 40:55] = 1, 2, 3
    return labels


def same_leaves(found, truth):
    return score_labels(truth, found).sbd == 100 and found.max() == truth.max()


def test_one_look_decides_alone():
    np.testing.assert_array_equal(vote([plant()]), plant())


def test_looks_that_agree_stay_as_they_are_whatever_their_numbers():
    other = np.array([0, 9, 2, 7])[plant()]
    assert same_leaves(vote([plant(), other, plant()]), plant())


def test_a_leaf_that_one_look_has_cut_in_two_is_whole():
    cut = plant()
    cut[20:35, 5:25] = 4
    for looks in ([cut, plant(), plant()], [plant(), plant(), cut]):
        assert same_leaves(vote(looks), plant())


def test_leaves_that_one_look_has_joined_are_two():
    joined = np.where(plant() == 2, 1, plant())
    for looks in ([joined, plant(), plant()], [plant(), joined, plant()]):
        assert same_leaves(vote(looks), plant())


def test_a_leaf_that_one_look_misses_is_there_and_one_that_only_one_sees_is_not():
    misses, invents = np.where(plant() == 3, 0, plant()), plant()
    invents[0:5, 0:5] = 4
    assert same_leaves(vote([misses, invents, plant()]), plant())


def test_a_pixel_is_of_the_leaf_that_most_looks_give_it():
    left, right = plant(), plant()
    left[:, 23:25] *= 2  # the border of leaves 1 and 2, two pixels to the left
    left[left > 3] = 2
    right[5:35, 25:27] = 1  # and to the right
    assert same_leaves(vote([left, right, plant()]), plant())
    assert same_leaves(vote([left, left, right]), left)


def test_where_no_leaf_is_agreed_on_the_best_is_in():
    stripes = [np.zeros((12, 12), np.int32) for _ in range(3)]
    stripes[0][:, :6], stripes[0][:, 6:] = 1, 2
    stripes[1][:6], stripes[1][6:] = 1, 2
    stripes[2][::2], stripes[2][1::2] = 1, 2
    assert (vote(stripes) > 0).all()


def test_foreground_that_each_look_cuts_in_its_own_way_stays():
    looks = []
    for axis, parts in ((0, 3), (1, 2), (1, 9)):
        labels = np.zeros((30, 60), np.int32)
        labels[:, :20] = 1
        labels[5:25, 30:50] = 2 + np.indices((20, 20))[axis] * parts // 20
        looks.append(labels)
    found = vote(looks)
    np.testing.assert_array_equal(found > 0, looks[0] > 0)
    assert (found[:, :20] == found[0, 0]).all()
    assert found[0, 0] not in found[:, 20:]


def test_nothing_in_any_or_in_most_looks_is_nothing():
    empty = np.zeros((8, 9), np.int32)
    assert not vote([empty, empty, empty]).any()
    once = empty.copy()
    once[2:6, 2:6] = 1
    assert not vote([once, empty, empty]).any()


def test_large_plants_are_voted_on_in_strips(monkeypatch):
    rng = np.random.default_rng(0)
    looks = [np.where(rng.random((40, 60)) < 0.1, 0, np.roll(plant(), k, (0, 1))) for k in (0, 1, 2)]
    whole = vote(looks)
    monkeypatch.setattr(votes, "STRIP", 150)
    np.testing.assert_array_equal(vote(looks), whole)


@given(looks=st.lists(arrays(np.int32, (6, 7), elements=st.integers(0, 4)), min_size=3, max_size=3))
def test_any_looks_give_labels_without_gaps_on_pixels_that_most_have(looks):
    found = vote(looks)
    assert sorted(set(found.ravel()) - {0}) == list(range(1, found.max() + 1))
    n_looks = sum((labels > 0).astype(int) for labels in looks)
    assert (n_looks[found > 0] >= 2).all()


@given(
    labels=arrays(np.int32, (6, 7), elements=st.integers(0, 4)),
    other=arrays(np.int32, (6, 7), elements=st.integers(0, 4)),
)
def test_two_looks_that_agree_outvote_any_third(labels, other):
    found = vote([labels, other, labels])
    assert same_leaves(found, compact_labels(labels)[0])


@pytest.mark.parametrize("n_looks", [3, 5, 7])
def test_noise_of_single_looks_is_voted_down(n_looks):
    rng = np.random.default_rng(n_looks)
    looks = []
    for _ in range(n_looks):
        noisy, wrong = plant(), rng.random((40, 60)) < 0.2
        noisy[wrong] = rng.integers(1, 4, wrong.sum()) * (noisy[wrong] > 0)
        looks.append(noisy)
    alone = np.mean([score_labels(plant(), look).sbd for look in looks])
    assert score_labels(plant(), vote(looks)).sbd > alone + 5


def seen(labels):
    """What a perfect network says of a label map (h, w)."""
    embeddings = np.stack([5.0 * (labels == leaf) for leaf in range(1, 5)]).astype(np.float32)
    return SeenPlant(Square(0, 0, 64), embeddings, (labels > 0).astype(np.float32))


def settings_of(agreement, steps="seeded"):
    clustering = ClusteringSettings(min_core_size=3, steepest=0)
    return SegmentSettings(LookSettings(agreement=agreement), PipelineSettings(steps), clustering)


@pytest.mark.parametrize("steps", ["seeded", "hdbscan+mrf"])
def test_looks_agree_from_their_sbd_on(steps):
    other = plant()
    other[10:30, 40:55] = 0
    other[5:35, 40:45] = 3
    sbd = score_labels(plant(), other).sbd / 100
    assert 0.5 < sbd < 0.9
    for one, two in ((plant(), other), (other, plant())):
        assert agree(seen(one), seen(two), settings_of(sbd - 0.01, steps))
        assert not agree(seen(one), seen(two), settings_of(sbd + 0.01, steps))


def test_two_looks_that_see_nothing_agree_and_one_that_sees_a_leaf_agrees_with_none():
    nothing = seen(np.zeros((40, 60), np.int32))
    assert agree(nothing, nothing, settings_of(1.0))
    assert not agree(nothing, seen(plant()), settings_of(0.01))
