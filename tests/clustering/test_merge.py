import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leafwise.clustering import drop_close


def clusters(*sizes_and_centers):
    """Points on a line and their clusters, of (size, center) each."""
    points = np.concatenate([np.full((size, 1), center, np.float32) for size, center in sizes_and_centers])
    return points, np.repeat(
        np.arange(len(sizes_and_centers), dtype=np.int32), [s for s, _ in sizes_and_centers]
    )


def kept(sizes_and_centers, distance):
    """The clusters that stay, from the largest to the smallest, one by one."""
    stay = []
    for i in sorted(range(len(sizes_and_centers)), key=lambda i: (-sizes_and_centers[i][0], i)):
        if all(abs(sizes_and_centers[i][1] - sizes_and_centers[j][1]) >= distance for j in stay):
            stay.append(i)
    return sorted(stay)


@given(
    groups=st.lists(st.tuples(st.integers(1, 9), st.integers(-20, 20)), min_size=1, max_size=7),
    distance=st.integers(0, 15),
)
def test_the_larger_ones_stay_and_keep_their_order(groups, distance):
    points, numbers = clusters(*groups)
    stay = kept(groups, distance)
    expected = [stay.index(i) if i in stay else -1 for i in numbers]
    found = drop_close(points, numbers, distance)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_a_border_between_two_instances_goes_and_does_not_join_them():
    points, numbers = clusters((50, 0.0), (5, 1.0), (30, 2.0))
    np.testing.assert_array_equal(drop_close(points, numbers, 1.5), np.repeat([0, -1, 1], [50, 5, 30]))


def test_noise_stays_noise_and_moves_no_center():
    points, numbers = clusters((5, 0.0), (5, 2.0), (9, 1.0))
    numbers[numbers == 2] = -1
    np.testing.assert_array_equal(drop_close(points, numbers, 1.5), np.repeat([0, 1, -1], [5, 5, 9]))


def test_a_distance_of_zero_drops_nothing():
    points, numbers = clusters((3, 1.0), (4, 1.0), (2, 5.0))
    np.testing.assert_array_equal(drop_close(points, numbers, 0.0), numbers)
