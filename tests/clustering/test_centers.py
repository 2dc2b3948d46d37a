import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.clustering import balanced_center, centers_of, nearest_center

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


@given(points=POINTS, data=st.data())
def test_borders_that_are_not_moved_are_those_of_the_nearest_center(points, data):
    shape = (data.draw(st.integers(1, 5)), points.shape[1])
    centers = data.draw(arrays(np.float32, shape, elements=st.integers(-50, 50)))
    sizes = np.array(data.draw(st.lists(st.integers(1, 900), min_size=shape[0], max_size=shape[0])))
    expected = nearest_center(points, centers)
    np.testing.assert_array_equal(balanced_center(points, centers, sizes, 0), expected)
    equal = np.full(len(sizes), 7)
    distances = np.linalg.norm(points[:, None].astype(float) - centers[None], axis=2)
    moved = balanced_center(points, centers, equal, 1)
    np.testing.assert_array_equal(distances[np.arange(len(points)), moved], distances.min(1))


@given(
    sizes=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    apart=st.floats(1, 9),
    shift=st.floats(0, 1),
    chance=st.floats(0.02, 0.98),
)
def test_the_border_lies_where_the_pull_term_puts_a_pixel_of_either_instance(sizes, apart, shift, chance):
    """A pixel of a with chance 1 - p and of b with p lies where the weighted squared distances are least."""
    a, b = sizes
    weight_a, weight_b = (1 - chance) / a, chance / b
    place = np.array([[apart * weight_b / (weight_a + weight_b), 0]], np.float32)
    means = np.array([[0, 0], [apart, 0]], np.float32)
    border = apart * (0.5 + shift * 0.5 * (a - b) / (a + b))  # wholly undone, p = 1/2 lies at a / (a + b)
    if abs(place[0, 0] - border) < 1e-3:
        return
    (number,) = balanced_center(place, means, np.array(sizes), shift)
    assert number == (place[0, 0] > border)
    if shift == 1 and abs(chance - 0.5) > 1e-3:
        assert number == (chance > 0.5)


@given(points=POINTS, data=st.data(), shift=st.floats(0, 1))
def test_of_many_clusters_the_two_nearest_are_asked(points, data, shift):
    shape = (data.draw(st.integers(2, 5)), points.shape[1])
    centers = data.draw(arrays(np.float32, shape, elements=st.integers(-50, 50), unique=True))
    sizes = np.array(data.draw(st.lists(st.integers(1, 900), min_size=shape[0], max_size=shape[0])))
    found = balanced_center(points, centers, sizes, shift)
    for point, number in zip(points.astype(float), found, strict=True):
        squares = np.square(point - centers).sum(1)
        first, second = np.argsort(squares, kind="stable")[:2]
        apart = np.square(centers[first].astype(float) - centers[second]).sum()
        gap = squares[second] - squares[first]  # 0 on the border that is not moved
        moved = gap + shift * apart * (sizes[first] - sizes[second]) / (sizes[first] + sizes[second])
        if abs(moved) > 1e-2 and len(np.unique(squares)) == len(squares):  # no ties
            assert number == (first if moved > 0 else second)


def test_no_points_go_nowhere_however_borders_lie():
    found = balanced_center(np.zeros((0, 3), np.float32), np.eye(3, dtype=np.float32), np.arange(1, 4), 0.3)
    assert found.shape == (0,)


def test_one_cluster_takes_all():
    assert (
        balanced_center(
            np.ones((3, 2), np.float32), np.zeros((1, 2), np.float32), np.array([3]), 0.3
        ).tolist()
        == [0] * 3
    )
