import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.clustering import centers_of, drop_close


def test_a_thin_border_between_two_leaves_goes_and_does_not_join_them():
    leaves = np.array([[0.0]] * 5 + [[2.0]] * 4, np.float32)
    border = np.array([[1.0]] * 2, np.float32)
    numbers = np.array([0] * 5 + [2] * 4 + [1] * 2, np.int32)
    found = drop_close(np.concatenate([leaves, border]), numbers, distance=1.5)
    assert found.tolist() == [0] * 5 + [1] * 4 + [-1] * 2


def test_the_smaller_of_two_close_clusters_becomes_noise():
    points = np.array([[0.0], [1.0], [1.0]], np.float32)
    assert drop_close(points, np.array([0, 1, 1], np.int32), distance=1.1).tolist() == [-1, 0, 0]


def test_a_distance_of_zero_drops_nothing():
    points = np.array([[0.0], [0.0], [5.0], [0.0]], np.float32)
    numbers = np.array([0, 1, 2, -1], np.int32)
    assert drop_close(points, numbers, distance=0).tolist() == numbers.tolist()


@given(seed=st.integers(0, 2**32 - 1), distance=st.floats(0, 4))
def test_centers_that_stay_keep_their_distance_and_those_that_go_are_close_to_a_larger_one(seed, distance):
    rng = np.random.default_rng(seed)
    numbers = np.concatenate([np.arange(6), rng.integers(-1, 6, 30)]).astype(np.int32)
    points = (numbers[:, None] * 0.7 + rng.normal(0, 0.2, (36, 3))).astype(np.float32)
    found = drop_close(points, numbers, distance)

    before = [(int((numbers == c).sum()), points[numbers == c].mean(0)) for c in range(6)]
    kept = {int(numbers[np.flatnonzero(found == c)[0]]) for c in range(found.max() + 1)}
    for cluster, (size, center) in enumerate(before):
        gaps = {other: float(np.linalg.norm(center - before[other][1])) for other in kept - {cluster}}
        if cluster in kept:
            assert all(gap >= distance - 1e-4 for gap in gaps.values())
        else:
            assert any(gap < distance + 1e-4 and before[other][0] >= size for other, gap in gaps.items())


@pytest.mark.parametrize("distance", [0.0, 1.0])
def test_members_of_a_cluster_stay_together(distance):
    rng = np.random.default_rng(3)
    numbers = rng.integers(-1, 4, 60).astype(np.int32)
    points = (numbers[:, None] + rng.normal(0, 0.1, (60, 2))).astype(np.float32)
    found = drop_close(points, numbers, distance)
    assert len(centers_of(points, found)) == found.max() + 1
    for cluster in range(4):
        assert len(set(found[numbers == cluster].tolist())) == 1
    assert (found[numbers < 0] == -1).all()
