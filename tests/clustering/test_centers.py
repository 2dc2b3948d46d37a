import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.clustering import centers_of, nearest_center

POINTS = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.integers(-50, 50))


@given(points=POINTS, data=st.data())
def test_centers_are_the_means_of_their_members(points, data):
    numbers = np.array(
        data.draw(st.lists(st.integers(-1, 3), min_size=len(points), max_size=len(points))), np.int32
    )
    centers = centers_of(points, numbers)
    assert centers.dtype == np.float32
    assert centers.shape == (max(numbers.max() + 1, 0), points.shape[1]) or numbers.max() < 0
    for number, center in enumerate(centers):
        members = points[numbers == number]
        expected = members.mean(0) if len(members) else np.zeros(points.shape[1])
        np.testing.assert_allclose(center, expected, rtol=1e-5, atol=1e-5)


def test_the_mean_of_many_large_values_is_exact():
    points = np.full((100_000, 1), 1000.1, np.float32)
    assert centers_of(points, np.zeros(100_000, np.int32))[0, 0] == np.float32(1000.1)


@given(points=POINTS, data=st.data())
def test_every_point_goes_to_a_center_at_the_least_distance(points, data):
    shape = (data.draw(st.integers(1, 5)), points.shape[1])
    centers = data.draw(arrays(np.float32, shape, elements=st.integers(-50, 50)))
    numbers = nearest_center(points, centers)
    assert numbers.dtype == np.int32
    distances = np.linalg.norm(points[:, None].astype(float) - centers[None], axis=2)
    np.testing.assert_array_equal(
        numbers, distances.argmin(1)
    )  # whole numbers: ties are exact, the first wins


def test_no_points_go_nowhere():
    assert nearest_center(np.zeros((0, 3), np.float32), np.ones((2, 3), np.float32)).shape == (0,)
