import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hdbscan import HDBSCAN
from hypothesis import given, settings
from hypothesis import strategies as st

from leafwise.clustering import fast_hdbscan, hdbscan, sklearn_hdbscan
from leafwise.config import ClusteringSettings
from leafwise.errors import LeafwiseError

SETTINGS = ClusteringSettings(min_cluster_size=12, min_samples=5, merge_distance=0.0)


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


def library_labels(points, **options):
    return (
        HDBSCAN(min_cluster_size=12, min_samples=5, approx_min_span_tree=False, **options).fit(points).labels_
    )


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
    found = hdbscan(blobs(truth, seed), truth > 0, SETTINGS)
    assert found.shape == truth.shape
    assert_whole_numbers(found)
    assert_same_partition(found, truth)


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(12, 40), min_size=2, max_size=5),
    n_background=st.integers(0, 30),
    seed=st.integers(0, 99),
)
def test_scattered_instances_of_any_size_are_found_exactly(sizes, n_background, seed):
    truth = np.repeat(np.arange(len(sizes) + 1), [n_background, *sizes])
    truth = np.random.default_rng(seed).permutation(truth)[None].astype(np.int32)
    found = hdbscan(blobs(truth, seed), truth > 0, SETTINGS)
    assert_whole_numbers(found)
    assert_same_partition(found, truth)


def test_background_embeddings_do_not_matter_where_the_foreground_is_known():
    truth = four_leaves()
    embeddings = blobs(truth)
    disturbed = np.where(truth > 0, embeddings, embeddings[:, ::-1, ::-1]).astype(np.float32)
    np.testing.assert_array_equal(
        hdbscan(disturbed, truth > 0, SETTINGS), hdbscan(embeddings, truth > 0, SETTINGS)
    )


def test_noise_of_the_foreground_joins_the_nearest_instance():
    truth = four_leaves()
    embeddings = blobs(truth)
    foreground = truth > 0
    expected = truth.copy()
    for row, col, nearest in [(2, 12, 1), (4, 14, 4), (14, 14, 3)]:  # far off, but nearest to that instance
        embeddings[:, row, col] = (10.0 * nearest, 30.0, 0.0, 0.0)
        foreground[row, col] = True
        expected[row, col] = nearest
    assert (library_labels(embeddings[:, foreground].T.astype(float)) == -1).sum() == 3
    found = hdbscan(embeddings, foreground, SETTINGS)
    assert_same_partition(found, expected)


@pytest.mark.parametrize("seed", range(4))
def test_with_a_foreground_it_equals_the_library_but_for_noise(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, (18, 20)).astype(np.int32)
    embeddings = blobs(truth, seed, spread=1.0, apart=4.0)  # they overlap
    foreground = rng.random(truth.shape) < 0.8
    found = hdbscan(embeddings, foreground, SETTINGS)
    expected = library_labels(embeddings[:, foreground].T.astype(np.float64))
    assert (found[foreground] > 0).all()
    assert not found[~foreground].any()
    assert_whole_numbers(found)
    assert (expected >= 0).any()
    clear = expected >= 0
    assert_same_partition(found[foreground][clear], expected[clear] + 1)
    # noise goes to the nearest mean of the library's clusters
    points = embeddings[:, foreground].T
    means = np.stack([points[expected == i].mean(0) for i in range(expected.max() + 1)])
    names = [found[foreground][expected == i][0] for i in range(expected.max() + 1)]
    for point, label in zip(points[~clear], found[foreground][~clear], strict=True):
        assert label == names[int(np.argmin(np.linalg.norm(means - point, axis=1)))]


def test_without_a_foreground_the_largest_cluster_is_the_background():
    truth = four_leaves()
    assert np.bincount(truth.ravel()).argmax() == 0
    found = hdbscan(blobs(truth), None, SETTINGS)
    assert_whole_numbers(found)
    assert_same_partition(found, truth)


@pytest.mark.parametrize("seed", range(4))
def test_without_a_foreground_it_equals_the_library_with_noise_as_one_more_label(seed):
    rng = np.random.default_rng(seed)
    truth = rng.choice(5, (18, 20), p=[0.5, 0.2, 0.1, 0.1, 0.1]).astype(np.int32)
    embeddings = blobs(truth, seed, spread=1.0, apart=4.0)
    found = hdbscan(embeddings, None, SETTINGS)
    expected = library_labels(embeddings.reshape(4, -1).T.astype(np.float64)).reshape(truth.shape) + 2
    assert (expected == 1).any()  # noise
    largest = np.bincount(expected.ravel()).argmax()
    assert_same_partition(found, np.where(expected == largest, 0, expected))
    assert_whole_numbers(found)


def test_noise_may_be_the_largest_label_and_then_is_the_background():
    rng = np.random.default_rng(0)
    truth = np.zeros((12, 12), np.int32)
    truth[:3, :6], truth[3:6, :6] = 1, 2
    embeddings = blobs(truth)
    embeddings[:, truth == 0] = rng.uniform(-1000, 1000, (4, (truth == 0).sum()))
    found = hdbscan(embeddings, None, SETTINGS)
    assert_same_partition(found, truth)


@pytest.mark.parametrize("n_pixels", [1, 2, 5, 11, 12])
def test_a_foreground_smaller_than_any_cluster_is_one_instance(n_pixels):
    foreground = np.zeros((6, 6), bool)
    foreground.flat[:n_pixels] = True
    embeddings = np.random.default_rng(1).normal(0, 1, (3, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(hdbscan(embeddings, foreground, SETTINGS), foreground.astype(np.int32))


def test_fewer_pixels_than_min_samples_are_one_instance_too():
    foreground = np.ones((3, 3), bool)
    embeddings = np.random.default_rng(1).normal(0, 1, (3, 3, 3)).astype(np.float32)
    found = hdbscan(embeddings, foreground, ClusteringSettings(min_cluster_size=2, min_samples=20))
    np.testing.assert_array_equal(found, np.ones((3, 3), np.int32))


def test_an_image_smaller_than_any_cluster_is_all_background_where_nothing_is_known():
    found = hdbscan(np.random.default_rng(1).normal(0, 1, (3, 3, 3)).astype(np.float32), None, SETTINGS)
    np.testing.assert_array_equal(found, np.zeros((3, 3), np.int32))


def test_no_foreground_gives_no_instances():
    embeddings = np.random.default_rng(1).normal(0, 1, (3, 8, 9)).astype(np.float32)
    found = hdbscan(embeddings, np.zeros((8, 9), bool), SETTINGS)
    np.testing.assert_array_equal(found, np.zeros((8, 9), np.int32))
    assert found.dtype == np.int32


def test_one_blob_is_one_instance():
    truth = np.zeros((16, 16), np.int32)
    truth[2:14, 3:12] = 1
    found = hdbscan(blobs(truth), truth > 0, ClusteringSettings(min_cluster_size=40, min_samples=10))
    np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("foreground", [None, np.ones((10, 10), bool)])
def test_identical_embeddings_are_one_group(foreground):
    found = hdbscan(np.full((3, 10, 10), 2.5, np.float32), foreground, SETTINGS)
    np.testing.assert_array_equal(found, np.full((10, 10), 0 if foreground is None else 1))


def test_flat_instances_are_found_exactly():
    truth = four_leaves()  # no noise at all inside an instance: every distance is 0
    assert_same_partition(hdbscan(blobs(truth, spread=0.0), truth > 0, SETTINGS), truth)


def test_clusters_closer_than_the_merge_distance_are_one_instance():
    truth = np.repeat(np.array([[1, 2, 3]], np.int32), 20, axis=1).reshape(6, 10)
    embeddings = blobs(truth, spread=0.02, apart=1.0)
    embeddings[0, truth == 3] += 100
    near = ClusteringSettings(min_cluster_size=12, min_samples=5, merge_distance=1.25)
    far = ClusteringSettings(min_cluster_size=12, min_samples=5, merge_distance=0.75)
    assert_same_partition(hdbscan(embeddings, truth > 0, near), np.maximum(truth, 2))
    assert_same_partition(hdbscan(embeddings, truth > 0, far), truth)


def test_the_same_embeddings_give_the_same_labels_and_are_left_alone():
    rng = np.random.default_rng(3)
    embeddings = rng.normal(0, 1, (4, 20, 20)).astype(np.float32)
    foreground = rng.random((20, 20)) < 0.7
    before = embeddings.copy(), foreground.copy()
    first = hdbscan(embeddings, foreground, SETTINGS)
    np.testing.assert_array_equal(hdbscan(embeddings, foreground, SETTINGS), first)
    np.testing.assert_array_equal(hdbscan(np.asfortranarray(embeddings), foreground, SETTINGS), first)
    np.testing.assert_array_equal(embeddings, before[0])
    np.testing.assert_array_equal(foreground, before[1])


def enlarged(truth, factor, height, width):
    """A label map with `factor` x `factor` pixels for each, cut to a size."""
    return np.kron(truth, np.ones((factor, factor), np.int32))[:height, :width]


@pytest.mark.parametrize("with_foreground", [True, False])
@pytest.mark.parametrize(("step", "height", "width"), [(2, 32, 32), (2, 31, 29), (3, 48, 47), (3, 47, 49)])
def test_every_nth_pixel_is_enough_where_the_leaves_are_large(step, height, width, with_foreground):
    truth = enlarged(four_leaves(), step, height, width)
    settings = ClusteringSettings(
        min_cluster_size=12 * step**2, min_samples=5 * step**2, merge_distance=0.0, pixel_step=step
    )
    found = hdbscan(blobs(truth), truth > 0 if with_foreground else None, settings)
    assert_whole_numbers(found)
    assert_same_partition(found, truth)  # borders of leaves lie between two cells of the step


@pytest.mark.parametrize(("step", "shape"), [(1, (9, 11)), (2, (18, 21)), (3, (28, 20)), (4, (41, 43))])
def test_with_a_step_pixels_between_go_to_the_nearest_mean_of_those_that_are_clustered(step, shape):
    rng = np.random.default_rng(step)
    truth = rng.integers(1, 4, shape).astype(np.int32)
    embeddings = blobs(truth, step, spread=1.5, apart=5.0)  # they overlap
    foreground = rng.random(shape) < 0.9
    picked = [
        (row, col)
        for row in range(step // 2, shape[0], step)
        for col in range(step // 2, shape[1], step)
        if foreground[row, col]
    ]
    points = np.stack([embeddings[:, row, col] for row, col in picked])
    numbers = HDBSCAN(min_cluster_size=6, min_samples=3, approx_min_span_tree=False).fit(points).labels_
    assert numbers.max() > 0
    assert (numbers < 0).any()
    means = [points[numbers == number].mean(0) for number in range(numbers.max() + 1)]
    expected = np.zeros(shape, np.int32)
    for row, col in np.argwhere(foreground):
        gaps = [np.linalg.norm(embeddings[:, row, col] - mean) for mean in means]
        expected[row, col] = 1 + np.argmin(gaps)
    for pixel, number in zip(picked, numbers, strict=True):
        expected[pixel] = number + 1 if number >= 0 else expected[pixel]
    settings = ClusteringSettings(
        min_cluster_size=6 * step**2, min_samples=3 * step**2, merge_distance=0.0, pixel_step=step
    )
    assert_same_partition(hdbscan(embeddings, foreground, settings), expected)


@pytest.mark.parametrize(("step", "shape"), [(2, (17, 20)), (3, (31, 26)), (4, (46, 33))])
def test_with_a_step_and_no_foreground_each_cell_is_what_its_middle_is(step, shape):
    rng = np.random.default_rng(step)
    truth = rng.choice(4, shape, p=[0.5, 0.2, 0.2, 0.1]).astype(np.int32)
    embeddings = blobs(truth, step, spread=1.5, apart=5.0)
    step_free = ClusteringSettings(min_cluster_size=6, min_samples=3)
    small = hdbscan(embeddings[:, step // 2 :: step, step // 2 :: step], None, step_free)
    assert small.max() > 1
    expected = np.zeros(shape, np.int32)
    for row, col in np.ndindex(shape):
        cell = [min(i // step, n - 1) for i, n in zip((row, col), small.shape, strict=True)]
        expected[row, col] = small[tuple(cell)]
    settings = ClusteringSettings(min_cluster_size=6 * step**2, min_samples=3 * step**2, pixel_step=step)
    np.testing.assert_array_equal(hdbscan(embeddings, None, settings), expected)


def test_a_foreground_between_the_pixels_that_are_clustered_is_one_instance():
    foreground = np.zeros((8, 8), bool)
    foreground[:, 0] = True  # of every fourth pixel, the first is at 2
    settings = ClusteringSettings(min_cluster_size=12, min_samples=5, pixel_step=4)
    np.testing.assert_array_equal(hdbscan(blobs(four_leaves()[:8, :8]), foreground, settings), foreground)


@pytest.mark.parametrize("size", [5, 12])
def test_no_min_samples_are_as_many_as_the_smallest_cluster_has(size):
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 4, (15, 16)).astype(np.int32)
    embeddings = blobs(truth, spread=1.5, apart=4.0)
    settings = ClusteringSettings(min_cluster_size=size, min_samples=0, merge_distance=0.0)
    points = embeddings.reshape(4, -1).T.astype(np.float64)
    expected = HDBSCAN(min_cluster_size=size, approx_min_span_tree=False).fit(points).labels_
    assert expected.max() > 0
    found = hdbscan(embeddings, np.ones(truth.shape, bool), settings).ravel()
    assert_same_partition(found[expected >= 0], expected[expected >= 0] + 1)
    other = hdbscan(embeddings, None, settings)
    named = hdbscan(embeddings, None, ClusteringSettings(min_cluster_size=size, min_samples=size))
    np.testing.assert_array_equal(other, named)


@pytest.mark.parametrize("other", [sklearn_hdbscan, fast_hdbscan])
def test_other_libraries_find_the_same_clusters(other):
    if other is fast_hdbscan:
        pytest.importorskip("fast_hdbscan", reason="the tests do not install it: it compiles long")
    truth = four_leaves()
    assert_same_partition(other(blobs(truth), truth > 0, SETTINGS), truth)
    assert_same_partition(other(blobs(truth), None, SETTINGS), truth)


@pytest.fixture
def fast_library(monkeypatch):
    """In the place of fast_hdbscan, with its options and hdbscan's clusters; notes of what it is asked for."""
    asked = []

    def make(*, min_cluster_size=10, min_samples=None, cluster_selection_epsilon=0.0, reproducible=False):
        asked.append((min_cluster_size, min_samples, cluster_selection_epsilon, reproducible))
        return HDBSCAN(
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            cluster_selection_epsilon=cluster_selection_epsilon,
            approx_min_span_tree=False,
        )

    monkeypatch.setitem(sys.modules, "fast_hdbscan", SimpleNamespace(HDBSCAN=make))
    return asked


@pytest.mark.parametrize("foreground", [True, False])
def test_fast_hdbscan_is_given_every_setting_and_its_clusters_are_taken(fast_library, foreground):
    rng = np.random.default_rng(3)
    truth = rng.integers(1, 4, (15, 16)).astype(np.int32)
    embeddings = blobs(truth, spread=1.5, apart=4.0)
    settings = ClusteringSettings(min_cluster_size=9, min_samples=4, split_distance=0.7, merge_distance=0.0)
    mask = np.ones(truth.shape, bool) if foreground else None
    found = fast_hdbscan(embeddings, mask, settings)
    assert fast_library == [(9, 4, 0.7, True)]
    assert found.max() > 1
    np.testing.assert_array_equal(found, hdbscan(embeddings, mask, settings))


def test_a_library_that_is_missing_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_hdbscan", None)
    truth = four_leaves()
    with pytest.raises(LeafwiseError, match=r"pip install 'leafwise\[fast_hdbscan\]'"):
        fast_hdbscan(blobs(truth), truth > 0, SETTINGS)
