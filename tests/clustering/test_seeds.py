"""Greedy seeds against the algorithm written out in loops, and on groups that are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial.distance import cdist
from sklearn.cluster import MeanShift

from leafwise.clustering import mean_shift, seeded, seeds
from leafwise.clustering.seeds import core_sizes, densities, grow_seeds
from leafwise.config import ClusteringSettings

SETTINGS = ClusteringSettings(min_cluster_size=12, min_core_size=3)


def blobs(truth, seed=0, *, spread=0.05, apart=10.0):
    """Embeddings (4, h, w): a cloud for each label, the clouds' middles `apart` along the first axis."""
    embeddings = np.random.default_rng(seed).normal(0, spread, (4, *truth.shape))
    embeddings[0] += apart * truth
    return embeddings.astype(np.float32)


def four_leaves():
    """A label map (16, 16) with leaves of 60, 40, 24 and 16 pixels, the background the rest."""
    truth = np.zeros((16, 16), np.int32)
    truth[0:6, 0:10] = 1
    truth[6:10, 0:10] = 2
    truth[10:16, 0:4] = 3
    truth[12:16, 8:12] = 4
    return truth


def assert_same_partition(one, other):
    """Label maps are equal up to the names of their labels, 0 being 0 in both."""
    np.testing.assert_array_equal(one == 0, other == 0)
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def assert_whole_numbers(labels):
    """int32, numbered 1..n without gaps."""
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) - {0} == set(range(1, labels.max() + 1))


@pytest.mark.parametrize("seed", range(5))
def test_blobs_far_apart_are_found_exactly(seed):
    truth = four_leaves()
    found = seeded(blobs(truth, seed), truth > 0, SETTINGS)
    assert_whole_numbers(found)
    assert_same_partition(found, truth)


def test_without_a_foreground_the_largest_instance_is_the_background():
    truth = four_leaves()
    found = seeded(blobs(truth), None, SETTINGS)
    assert_whole_numbers(found)
    assert_same_partition(found, truth)
    on_top = np.where(truth == 0, 5, truth)  # whatever is known of it
    on_top[0:10] = 1
    found = seeded(blobs(on_top), None, SETTINGS)
    assert_same_partition(found, np.where(on_top == 1, 0, on_top))


def in_loops(embeddings, foreground, settings, every):
    """The algorithm as its docstring tells it, with sets of pixels and in float64."""
    pixels = [pixel for pixel in np.ndindex(foreground.shape) if foreground[pixel]]
    points = {pixel: embeddings[(slice(None), *pixel)].astype(np.float64) for pixel in pixels}

    def within(center, some, radius):
        return {pixel for pixel in some if np.linalg.norm(points[pixel] - center) < radius}

    def density(pixel):
        gaps = [np.linalg.norm(points[pixel] - points[other]) for other in pixels[::every]]
        return sum(max(settings.density_radius**2 - gap**2, 0) for gap in gaps)

    free, centers, groups = set(pixels), [], []
    for seed in sorted(pixels[::every], key=density, reverse=True):
        if seed not in free or len(free) < settings.min_cluster_size:
            continue
        center, group = points[seed], set()
        for _ in range(3):
            group = within(center, free, settings.seed_radius) or group
            center = np.mean([points[pixel] for pixel in sorted(group)], axis=0) if group else center
        if len(group) >= settings.min_cluster_size or not centers:
            centers.append(center)
            groups.append(group)
        free -= group | {seed}
    beside = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    cores = [sum(all((r + i, c + j) in group for i, j in beside) for r, c in group) for group in groups]
    real = [center for center, core in zip(centers, cores, strict=True) if core >= settings.min_core_size]
    real = real or centers[:1]
    labels = np.zeros(foreground.shape, np.int32)
    for pixel in pixels:
        labels[pixel] = 1 + np.argmin([np.linalg.norm(points[pixel] - center) for center in real])
    return labels, len(centers), len(real)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("radius", [0.85, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_algorithm_in_loops(monkeypatch, seed, radius, every):
    monkeypatch.setattr(seeds, "SPARSEST", every)
    monkeypatch.setattr(seeds, "SAMPLE", 1)  # never enough: as sparse as may be
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 4, (4, 5)), np.ones((4, 4), int)).astype(np.int32)
    embeddings = blobs(truth, seed, spread=0.4, apart=2.0)  # they overlap
    foreground = rng.random(truth.shape) < 0.9
    settings = ClusteringSettings(
        min_cluster_size=5, min_core_size=1, steepest=0, density_radius=0.6, seed_radius=radius
    )
    expected, n_centers, n_real = in_loops(embeddings, foreground, settings, every)
    assert n_centers > n_real > 1  # or this would say less
    assert_same_partition(seeded(embeddings, foreground, settings), expected)


def test_a_group_too_small_joins_the_nearest_instance():
    truth = four_leaves()
    embeddings = blobs(truth)
    speck = (slice(14, 16), slice(13, 15))  # 4 pixels
    embeddings[:, *speck] = blobs(np.full((2, 2), 3))  # a group of its own, nearest to the third leaf
    embeddings[1, *speck] += 3
    foreground = truth > 0
    foreground[speck] = True
    expected = truth.copy()
    expected[speck] = 3
    assert_same_partition(seeded(embeddings, foreground, SETTINGS), expected)
    expected[speck] = 5
    small = ClusteringSettings(min_cluster_size=4, min_core_size=0, steepest=0)
    assert_same_partition(seeded(embeddings, foreground, small), expected)


@pytest.mark.parametrize(("thickness", "n_leaves"), [(1, 2), (2, 2), (3, 3)])
def test_a_thin_border_between_two_leaves_is_no_leaf(thickness, n_leaves):
    truth = np.ones((20, 20), np.int32)
    truth[10:] = 2
    embeddings = blobs(truth)
    border = slice(10, 10 + thickness)
    embeddings[0, border] = 14.9  # nearly half way from 10 to 20; 20 pixels a row, enough for a leaf
    found = seeded(embeddings, truth > 0, SETTINGS)
    assert found.max() == n_leaves  # only a border of three rows has pixels with four neighbours: 18
    expected = truth.copy()
    expected[border] = 1 if n_leaves == 2 else 3
    assert_same_partition(found, expected)


def test_how_many_core_pixels_a_leaf_needs():
    truth = np.zeros((9, 12), np.int32)
    truth[1:4, 1:6], truth[5:8, 5:9] = 1, 2  # 15 and 12 pixels, 3 and 2 of them with four neighbours
    for least, n_leaves in [(2, 2), (3, 1), (4, 1)]:
        settings = ClusteringSettings(min_cluster_size=12, min_core_size=least)
        assert seeded(blobs(truth), truth > 0, settings).max() == n_leaves
    without = seeded(blobs(truth), truth > 0, ClusteringSettings(min_cluster_size=12, min_core_size=0))
    assert_same_partition(without, truth)


def test_one_blob_is_one_instance():
    truth = np.zeros((16, 16), np.int32)
    truth[2:14, 3:12] = 1
    np.testing.assert_array_equal(seeded(blobs(truth), truth > 0, SETTINGS), truth)


@pytest.mark.parametrize("n_pixels", [1, 2, 11])
def test_a_foreground_smaller_than_any_instance_is_one(n_pixels):
    foreground = np.zeros((6, 6), bool)
    foreground.flat[:n_pixels] = True
    embeddings = np.random.default_rng(1).normal(0, 1, (3, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(seeded(embeddings, foreground, SETTINGS), foreground.astype(np.int32))


def test_an_empty_foreground_has_no_instances():
    found = seeded(np.ones((3, 8, 9), np.float32), np.zeros((8, 9), bool), SETTINGS)
    np.testing.assert_array_equal(found, np.zeros((8, 9), np.int32))
    assert found.dtype == np.int32


@pytest.mark.parametrize("foreground", [None, np.ones((10, 10), bool)])
def test_identical_embeddings_are_one_group(foreground):
    found = seeded(np.full((3, 10, 10), 2.5, np.float32), foreground, SETTINGS)
    np.testing.assert_array_equal(found, np.full((10, 10), 0 if foreground is None else 1))


def test_what_lies_within_the_seeds_radius_is_one_instance():
    truth = np.repeat(np.array([[1, 2]], np.int32), 20, axis=1).reshape(4, 10)
    embeddings = blobs(truth, spread=0.01, apart=1.0)
    for radius, n_leaves in [(0.9, 2), (1.1, 1)]:
        settings = ClusteringSettings(min_cluster_size=12, min_core_size=0, seed_radius=radius)
        assert seeded(embeddings, truth > 0, settings).max() == n_leaves


def dense_order(points, settings):
    return np.argsort(-densities(points, settings.density_radius), kind="stable")


def test_the_density_is_that_within_its_radius():
    tight, loose = [0.0, 0.01, 0.02], [9.0, 9.2, 9.4, 9.6, 9.8]
    points = np.array([tight + loose], np.float32).T
    for radius, first in [(0.1, 0.01), (0.9, 9.4)]:
        settings = ClusteringSettings(min_cluster_size=2, density_radius=radius, seed_radius=1.5)
        centers, takers = grow_seeds(points, dense_order(points, settings), settings)
        assert centers.shape == (2, 1)
        assert centers[0, 0] == pytest.approx(first, abs=1e-5)
        assert (takers == takers[:1]).tolist() == [True] * 3 + [False] * 5


def test_the_first_seed_stays_however_few_it_takes():
    points = np.array([[0.0], [5.0], [5.1]], np.float32)
    centers, takers = grow_seeds(points, [1, 2, 0], ClusteringSettings(min_cluster_size=3))
    assert centers == pytest.approx(np.array([[5.05]]))
    assert takers.tolist() == [-1, 0, 0]


def test_a_seed_that_its_instance_leaves_behind_is_no_seed_again():
    near, far = np.linspace(0.9, 0.99, 10), np.linspace(1.2, 1.8, 30)
    points = np.concatenate([[0, 0.1], near, far]).astype(np.float32)[:, None]  # one as dense as the other
    settings = ClusteringSettings(min_cluster_size=2, seed_radius=1.0)
    centers, takers = grow_seeds(points, [0, 0], settings)
    # the mean of what is within 1 moves: 0.8, then 1.3, and from there the first two are out of reach
    assert centers == pytest.approx(np.concatenate([near, far]).mean().reshape(1, 1))
    assert takers.tolist() == [-1, -1] + [0] * 40


@given(
    points=arrays(
        np.float32,
        st.tuples(st.integers(1, 30), st.integers(1, 3)),
        elements=st.integers(-16, 16).map(lambda number: number / 8),
    ),
    radius=st.floats(0.1, 3),
    rows=st.integers(1, 40),
)
def test_densities_are_those_of_all_distances(points, radius, rows):
    expected = np.maximum(radius**2 - cdist(points, points, "sqeuclidean"), 0).sum(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeds, "ROWS", rows)
        np.testing.assert_allclose(densities(points, radius), expected, rtol=1e-4, atol=1e-4)


def test_many_points_are_sampled_but_never_too_few(monkeypatch):
    tried = []
    monkeypatch.setattr(
        seeds, "densities", lambda points, radius: tried.append(len(points)) or np.ones(len(points))
    )
    for side in (40, 100, 200):  # 1,600, 10,000 and 40,000 points
        seeded(np.zeros((2, side, side), np.float32), np.ones((side, side), bool), SETTINGS)
    assert tried == [1600, 2500, 5000]


def test_mean_shift_finds_the_modes_of_scikit_learn():
    truth = four_leaves()
    embeddings = blobs(truth, spread=0.5, apart=4.0)
    settings = ClusteringSettings(min_cluster_size=12, min_core_size=0, seed_radius=1.8)
    found = mean_shift(embeddings, truth > 0, settings)
    theirs = np.zeros(truth.shape, np.int32)
    theirs[truth > 0] = MeanShift(bandwidth=1.8, min_bin_freq=1).fit(embeddings[:, truth > 0].T).labels_ + 1
    assert found.max() == 4
    assert_same_partition(found, theirs)
    np.testing.assert_array_equal(
        found, mean_shift(embeddings, truth > 0, settings)
    )  # its draws are the same


@given(
    numbers=arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(-1, 2))
)
def test_core_pixels_are_those_of_a_loop(numbers):
    expected, beside = [0, 0, 0], [(-1, 0), (1, 0), (0, -1), (0, 1)]
    inside = {(int(r), int(c)): int(number) for (r, c), number in np.ndenumerate(numbers)}
    for (row, col), number in inside.items():
        if number >= 0 and all(inside.get((row + i, col + j)) == number for i, j in beside):
            expected[number] += 1
    assert core_sizes(numbers, 3).tolist() == expected


def test_how_many_rows_are_counted_at_a_time_does_not_matter(monkeypatch):
    truth = four_leaves()
    embeddings = blobs(truth, spread=2.0)
    expected = seeded(embeddings, None, SETTINGS)
    monkeypatch.setattr(seeds, "ROWS", 7)
    np.testing.assert_array_equal(seeded(embeddings, None, SETTINGS), expected)


def test_the_same_embeddings_give_the_same_labels_and_are_left_alone():
    rng = np.random.default_rng(3)
    embeddings = rng.normal(0, 1, (4, 20, 20)).astype(np.float32)
    foreground = rng.random((20, 20)) < 0.7
    before = embeddings.copy(), foreground.copy()
    first = seeded(embeddings, foreground, SETTINGS)
    np.testing.assert_array_equal(seeded(embeddings, foreground, SETTINGS), first)
    np.testing.assert_array_equal(seeded(np.asfortranarray(embeddings), foreground, SETTINGS), first)
    disturbed = np.where(foreground, embeddings, 99).astype(np.float32)
    np.testing.assert_array_equal(seeded(disturbed, foreground, SETTINGS), first)
    np.testing.assert_array_equal(embeddings, before[0])
    np.testing.assert_array_equal(foreground, before[1])


def test_a_wide_border_between_two_leaves_is_none_itself():
    # two flat leaves 8 apart, and 20 pixels in which the embeddings go from the one to the other
    ramp = np.concatenate([np.zeros(40), np.linspace(0, 8, 20), np.full(40, 8.0)]).astype(np.float32)
    embeddings = np.stack([np.tile(ramp, (60, 1)), np.zeros((60, 100), np.float32)])
    foreground = np.ones((60, 100), bool)
    assert seeded(embeddings, foreground, replace(SETTINGS, steepest=0)).max() > 2
    found = seeded(embeddings, foreground, SETTINGS)
    np.testing.assert_array_equal(found, np.where(ramp < 4, found[0, 0], 3 - found[0, 0]) * foreground)
    larger = np.kron(embeddings, np.ones((1, 2, 2), np.float32))  # half as steep, twice as large
    assert seeded(larger, np.ones((120, 200), bool), SETTINGS).max() == 2


def test_slopes_are_those_of_central_differences():
    embeddings = np.random.default_rng(0).normal(size=(3, 9, 7)).astype(np.float32)
    down, right = np.gradient(embeddings, axis=(1, 2))
    down[:, [0, -1]] = right[:, :, [0, -1]] = 0
    expected = np.sqrt(np.square(down).sum(0) + np.square(right).sum(0))
    np.testing.assert_allclose(seeds.slopes_of(embeddings), expected, rtol=1e-5)
