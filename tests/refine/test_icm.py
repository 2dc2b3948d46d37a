from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import RefineSettings
from leafwise.refine.icm import icm
from leafwise.refine.mrf import ising_energy

RATIO = Fraction(7, 10)
RATIOS = st.sampled_from([Fraction(n, 10) for n in (0, 5, 7, 10, 13, 20, 25, 30, 39, 40, 70)])


@st.composite
def label_maps(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    return draw(arrays(np.int32, shape, elements=st.sampled_from([0, 1, 1, 1, 2, 2, 3])))


def observed(labels, segment):
    return np.where(labels == segment, 1, -1)


def states(labels, segment, changes):
    """The states of a segment after the changes: integers (h, w) in {-1, 1}."""
    result = observed(labels, segment)
    result.reshape(-1)[changes[1][changes[0] == segment]] *= -1
    return result


def neighbour_sum(values, row, column):
    height, width = values.shape
    near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return sum(values[r, c] for r, c in near if 0 <= r < height and 0 <= c < width)


def direct_icm(start, ratio):
    """One pixel after the other, those of even row + column before the odd, until none changes."""
    result, changed = start.copy(), True
    while changed:
        changed = False
        for parity in (0, 1):
            for row, column in np.ndindex(start.shape):
                vote = ratio * int(start[row, column]) + int(neighbour_sum(result, row, column))
                if (row + column) % 2 == parity and vote * int(result[row, column]) < 0:
                    result[row, column] *= -1
                    changed = True
    return result


@given(labels=label_maps(), ratio=RATIOS)
def test_all_at_once_is_one_pixel_after_the_other(labels, ratio):
    changes = icm(labels, ratio)
    for segment in range(1, labels.max(initial=0) + 1):
        expected = direct_icm(observed(labels, segment), ratio)
        np.testing.assert_array_equal(states(labels, segment, changes), expected)


def test_the_same_on_a_large_ragged_map():
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:41, :56]
    labels = (1 + (rows > 15) + (columns > 30)).astype(np.int32) * (np.hypot(rows - 20, columns - 28) < 19)
    labels = np.where(rng.random(labels.shape) < 0.25, rng.integers(0, 4, labels.shape), labels)
    changes = icm(labels, RATIO)
    for segment in (1, 2, 3):
        expected = direct_icm(observed(labels, segment), RATIO)
        np.testing.assert_array_equal(states(labels, segment, changes), expected)


@given(labels=label_maps(), ratio=RATIOS)
def test_no_single_change_lowers_the_energy(labels, ratio):
    settings = RefineSettings(
        mrf_data_weight=float(ratio.numerator), mrf_smoothness_weight=float(ratio.denominator)
    )
    changes = icm(labels, ratio)
    for segment in range(1, labels.max(initial=0) + 1):
        start, result = observed(labels, segment), states(labels, segment, changes)
        lowest = ising_energy(result, start, settings)
        assert lowest <= ising_energy(start, start, settings)
        for pixel in np.ndindex(labels.shape):
            other = result.copy()
            other[pixel] *= -1
            assert ising_energy(other, start, settings) >= lowest


@given(labels=label_maps(), ratio=RATIOS)
def test_a_segment_alone_changes_as_among_others(labels, ratio):
    changes = icm(labels, ratio)
    for segment in range(1, labels.max(initial=0) + 1):
        alone = icm((labels == segment).astype(np.int32), ratio)
        np.testing.assert_array_equal(alone[1], changes[1][changes[0] == segment])


@given(labels=label_maps(), ratio=RATIOS)
def test_changes_are_sorted_and_each_is_told_once(labels, ratio):
    before = labels.copy()
    segments, pixels = changes = icm(labels, ratio)
    assert (np.diff(segments * labels.size + pixels) > 0).all()
    assert changes.dtype == np.int64
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(icm(labels, ratio), changes)


def test_a_line_is_eaten_from_its_ends_by_turns():
    labels = np.zeros((3, 7), np.int32)
    labels[1, 1:6] = 1
    # in the middle 2 neighbours of 4 agree: 0 + 0.7 keeps it; an end has 1: -2 + 0.7 does not
    np.testing.assert_array_equal(icm(labels, RATIO), [[1] * 5, [8, 9, 10, 11, 12]])


def test_a_tie_changes_nothing():
    end_of_line = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], np.int32)
    assert icm(end_of_line, Fraction(2)).shape == (2, 0)  # -2 + 2 = 0
    assert icm(end_of_line, Fraction(19, 10)).shape == (2, 2)


def test_at_the_edge_of_the_image_fewer_neighbours_vote():
    corner = np.array([[1, 0, 0], [0, 0, 0]], np.int32)  # -2 + ratio, inside it would be -4
    assert icm(corner, Fraction(25, 10)).shape == (2, 0)
    np.testing.assert_array_equal(icm(corner, Fraction(15, 10)), [[1], [0]])


@pytest.mark.parametrize(
    ("row", "turned"),
    [
        ([1, 1, 0, 1, 1], [2]),
        ([0, 0, 1, 0, 0], [2]),
        ([1, 0, 0, 0, 1], [0, 4]),
        ([1, 1, 1], []),
        ([0, 1, 1], [0]),
        ([1], []),
    ],
)
def test_one_row_or_one_column(row, turned):
    labels = np.array([row], np.int32)
    for line in (labels, labels.T):
        np.testing.assert_array_equal(icm(line, RATIO)[1], turned)


@pytest.mark.parametrize("labels", [np.zeros((4, 5), np.int32), np.ones((4, 5), np.int32)])
def test_nothing_to_do(labels):
    assert icm(labels, RATIO).shape == (2, 0)


def test_a_gap_in_the_numbers_is_no_segment():
    labels = np.array([[3, 3, 3], [3, 0, 3], [3, 3, 3]], np.int32)
    np.testing.assert_array_equal(icm(labels, RATIO), [[3], [4]])
