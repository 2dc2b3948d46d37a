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
from leafwise.imaging import Square
from leafwise.segmenter import find_leaves, leaves
from leafwise.segmenter.leaves import SeenPlant

SETTINGS = SegmentSettings(
    pipeline=PipelineSettings("hdbscan"), clustering=ClusteringSettings(min_cluster_size=8, min_samples=3)
)


def seen(truth, square, *, with_foreground=True, seed=0):
    """What a perfect network says of a label map (h, w) that covers a square."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(0, 0.02, (4, *truth.shape)).astype(np.float32)
    for leaf in range(1, truth.max() + 1):
        embeddings[leaf - 1, truth == leaf] += 5
    foreground = (truth > 0).astype(np.float32) if with_foreground else None
    return SeenPlant(square, embeddings, foreground)


def assert_same_partition(one, other):
    np.testing.assert_array_equal(one == 0, other == 0)
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def assert_ordered(result):
    """Leaves are numbered 1..n without gaps, plant by plant, the largest of a plant first."""
    areas = np.bincount(result.labels.ravel(), minlength=result.n_leaves + 1)
    assert len(areas) == len(result.plants) == result.n_leaves + 1
    assert areas[1:].all()
    assert result.plants[0] == 0
    assert (np.diff(result.plants) >= 0).all()
    for plant in np.unique(result.plants[1:]):
        assert (np.diff(areas[result.plants == plant]) <= 0).all()
    assert result.labels.dtype == result.plants.dtype == np.int32


def leaf_map():
    """Leaves (24, 24) of 30, 80, 48 and 24 pixels that touch each other, one in two pieces."""
    truth = np.zeros((24, 24), np.int32)
    truth[2:8, 2:7] = 1
    truth[8:16, 2:12] = 2
    truth[2:8, 7:15] = 3
    truth[20:24, 0:3], truth[20:24, 20:23] = 4, 4
    return truth


def test_borders_move_towards_the_smaller_leaf_as_the_settings_say():
    place = np.clip(
        np.arange(40) - 26, 0, 3
    )  # from one mean to the other, of less than half the size, in three steps
    embeddings = np.tile(place, (2, 40, 1)).astype(np.float32)
    plant = SeenPlant(Square(0, 0, 160), embeddings, np.ones((40, 40), np.float32))
    widths = []
    for shift in (0.0, 0.3, 1.0):
        clustering = ClusteringSettings(border_shift=shift, steepest=0, seed_radius=2)
        settings = SegmentSettings(pipeline=PipelineSettings("seeded"), clustering=clustering)
        result = find_leaves([plant], 160, 160, settings)
        assert result.labels[0, 0] != result.labels[0, -1]
        widths.append(int((result.labels[0] == result.labels[0, -1]).sum()))
    assert widths[0] > widths[1] > widths[2] > 0


def test_leaves_at_the_grids_own_scale_are_exact_and_ordered_by_size():
    truth = leaf_map()
    result = find_leaves([seen(truth, Square(0, 0, 24))], 24, 24, SETTINGS)
    by_size = np.array([0, 3, 1, 2, 4])  # the largest leaf is 1
    np.testing.assert_array_equal(result.labels, by_size[truth])
    np.testing.assert_array_equal(result.plants, [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(result.foreground, truth > 0)
    assert result.n_leaves == 4


@pytest.mark.parametrize("scale", [2, 5])
def test_straight_borders_stay_exact_when_scaled_up(scale):
    truth = np.zeros((12, 12), np.int32)
    truth[:, 2:5], truth[:, 5:9], truth[:, 9:11] = 1, 2, 3
    plant = seen(truth, Square(0, 0, 12 * scale))
    result = find_leaves([plant], 12 * scale, 12 * scale, SETTINGS)
    expected = np.kron(truth, np.ones((scale, scale), np.int32))
    # at the background the foreground decides, between two leaves the nearer mean: both half way
    assert_same_partition(result.labels, expected)
    assert_ordered(result)


def test_a_square_that_reaches_beyond_the_photo_is_cut_at_its_edges():
    truth = leaf_map()
    result = find_leaves([seen(truth, Square(-5, -3, 24))], 12, 30, SETTINGS)
    assert result.labels.shape == (12, 30)
    expected = np.zeros((12, 30), np.int32)
    expected[:, :21] = truth[5:17, 3:]
    assert_same_partition(result.labels, expected)
    assert_ordered(result)


def test_a_leaf_that_lies_beyond_the_photo_is_not_counted():
    truth = leaf_map()
    result = find_leaves([seen(truth, Square(-16, 0, 24))], 24, 24, SETTINGS)
    assert_same_partition(result.labels[:8], truth[16:])
    assert result.n_leaves == 1
    assert_ordered(result)


def test_two_plants_whose_squares_overlap_keep_their_own_leaves():
    left, right = np.zeros((20, 20), np.int32), np.zeros((20, 20), np.int32)
    left[2:10, 1:9], left[10:18, 1:9] = 1, 2
    right[2:8, 11:19], right[8:18, 11:19] = 1, 2
    plants = [seen(left, Square(0, 0, 20)), seen(right, Square(0, 4, 20), seed=1)]  # the photo is 24 wide
    result = find_leaves(plants, 20, 24, SETTINGS)
    expected = np.zeros((20, 24), np.int32)
    expected[:, :20] += left
    expected[:, 4:] += np.where(right > 0, right + 2, 0)
    assert_same_partition(result.labels, expected)
    assert_ordered(result)
    np.testing.assert_array_equal(result.plants, [0, 1, 1, 2, 2])
    assert set(result.labels[left.nonzero()]) == {1, 2}


def test_the_first_plant_keeps_what_both_claim():
    one, two = np.zeros((12, 12), np.int32), np.zeros((12, 12), np.int32)
    one[2:10, 2:6], one[2:10, 6:8] = 1, 2
    two[2:10, 4:10] = 1
    two[0:2, :] = 2
    result = find_leaves([seen(one, Square(0, 0, 12)), seen(two, Square(0, 0, 12))], 12, 12, SETTINGS)
    expected = np.where(one > 0, one, np.where(two > 0, two + 2, 0))
    assert_same_partition(result.labels, expected)
    assert_ordered(result)


def test_a_leaf_wholly_under_an_earlier_plant_is_gone_without_a_gap():
    one, two = np.zeros((12, 12), np.int32), np.zeros((12, 12), np.int32)
    one[2:6, :], one[6:10, :] = 1, 2
    two[3:9, 3:9], two[10:12, :] = 1, 2
    result = find_leaves([seen(one, Square(0, 0, 12)), seen(two, Square(0, 0, 12))], 12, 12, SETTINGS)
    np.testing.assert_array_equal(result.plants, [0, 1, 1, 2])
    assert_ordered(result)


@pytest.mark.parametrize("strip", [1, 40, 97, 10_000])
def test_strips_give_the_same_as_one_go(monkeypatch, strip):
    truth = leaf_map()
    plants = [seen(truth, Square(-3, 2, 61))]
    whole = find_leaves(plants, 50, 60, SETTINGS)
    assert whole.n_leaves == 4
    monkeypatch.setattr(leaves, "STRIP", strip)
    np.testing.assert_array_equal(find_leaves(plants, 50, 60, SETTINGS).labels, whole.labels)


def test_without_a_foreground_the_largest_cluster_is_left_out():
    truth = leaf_map()
    plant = seen(truth, Square(0, 0, 48), with_foreground=False)
    result = find_leaves([plant], 48, 48, SETTINGS)
    assert_same_partition(result.labels, np.kron(truth, np.ones((2, 2), np.int32)))
    assert_ordered(result)


def test_no_plants_and_plants_without_leaves_give_an_empty_map():
    nothing = seen(np.zeros((8, 8), np.int32), Square(0, 0, 20))
    for plants in ([], [nothing], [nothing, nothing]):
        result = find_leaves(plants, 20, 30, SETTINGS)
        np.testing.assert_array_equal(result.labels, np.zeros((20, 30), np.int32))
        np.testing.assert_array_equal(result.plants, [0])
        assert result.n_leaves == 0
        assert_ordered(result)


def test_a_plant_without_leaves_keeps_its_number():
    truth = leaf_map()
    nothing = seen(np.zeros((8, 8), np.int32), Square(0, 0, 20))
    result = find_leaves([nothing, seen(truth, Square(0, 0, 24))], 24, 24, SETTINGS)
    np.testing.assert_array_equal(result.plants, [0, 2, 2, 2, 2])
    assert_ordered(result)


def test_the_threshold_on_the_foreground_is_kept_to():
    truth = leaf_map()
    plant = seen(truth, Square(0, 0, 24))
    doubtful = np.where(truth == 1, 0.6, plant.foreground).astype(np.float32)
    plant = SeenPlant(plant.square, plant.embeddings, doubtful)
    low = find_leaves([plant], 24, 24, SETTINGS)
    strict = replace(SETTINGS.clustering, foreground_threshold=0.7)
    high = find_leaves([plant], 24, 24, replace(SETTINGS, clustering=strict))
    assert_same_partition(low.labels, truth)
    assert_same_partition(high.labels, np.where(truth == 1, 0, truth))


def with_specks():
    """Two leaves (40, 40) that touch, 400 and 200 pixels; beside them 11 and 12 of the first, 6 of it at the border."""
    truth = np.zeros((40, 40), np.int32)
    truth[4:24, 4:24], truth[4:24, 24:34] = 1, 2
    truth[30, 4:15], truth[30:33, 20:24], truth[38:40, 30:33] = 1, 1, 1
    return truth


@pytest.mark.parametrize(
    ("looks", "gone"),
    [
        ({"smallest_piece": 0.0}, []),
        ({"smallest_piece": 0.019}, [30]),  # 11 / 600 is less, 12 / 600 is not
        ({"smallest_piece": 0.021}, [30, 31, 32]),
        ({"smallest_piece": 0.5, "one_plant": True}, []),
    ],
)
@pytest.mark.parametrize("steps", ["hdbscan", "hdbscan+mrf"])
def test_pieces_too_small_for_a_leaf_are_left_out_but_not_at_the_border(steps, looks, gone):
    truth = with_specks()
    refine = RefineSettings(mrf_smoothness_weight=0)
    settings = replace(SETTINGS, looks=LookSettings(**looks), pipeline=PipelineSettings(steps), refine=refine)
    result = find_leaves([seen(truth, Square(0, 0, 40))], 40, 40, settings)
    kept = np.isin(np.arange(40), gone, invert=True)
    kept_truth = truth.copy()
    kept_truth[~kept] = 0
    if gone == [30]:
        kept_truth[30, 20:24] = 1
    assert_same_partition(result.labels, kept_truth)


@pytest.mark.parametrize(("smallest", "n_pixels"), [(0.0, 9), (0.02, 0)])
def test_a_ring_of_moss_that_an_mrf_has_filled_is_gone_as_a_whole(smallest, n_pixels):
    truth = with_specks()
    truth[29:34, 4:24] = 0
    truth[30:33, 20:23] = 1
    truth[31, 21] = 0
    settings = replace(
        SETTINGS, looks=LookSettings(smallest_piece=smallest), pipeline=PipelineSettings("hdbscan+mrf")
    )
    result = find_leaves([seen(truth, Square(0, 0, 40))], 40, 40, settings)
    assert np.count_nonzero(result.labels[29:34, 19:25]) == n_pixels
    assert result.n_leaves == 2


def test_a_leaf_that_is_nothing_but_a_speck_is_not_counted():
    truth = with_specks()
    truth[30:33, 20:24] = 3
    clustering = ClusteringSettings(min_cluster_size=8, min_samples=3)
    for smallest, n_leaves in ((0.0, 3), (0.021, 2)):
        settings = replace(SETTINGS, looks=LookSettings(smallest_piece=smallest), clustering=clustering)
        result = find_leaves([seen(truth, Square(0, 0, 40))], 40, 40, settings)
        assert result.n_leaves == n_leaves
        assert_ordered(result)
