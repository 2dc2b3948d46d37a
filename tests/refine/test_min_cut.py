from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from leafwise.config import RefineSettings
from leafwise.refine.icm import icm
from leafwise.refine.min_cut import min_cut
from leafwise.refine.mrf import ising_energy

RATIO = Fraction(7, 10)
RATIOS = [Fraction(n, 10) for n in (1, 3, 5, 7, 10, 15, 20, 39)]


def observed(labels, segment=1):
    return np.where(labels == segment, 1, -1)


def states(labels, changes, segment=1):
    """The states of a segment after the changes: integers (h, w) in {-1, 1}."""
    result = observed(labels, segment)
    result.reshape(-1)[changes[1][changes[0] == segment]] *= -1
    return result


def energy(result, start, ratio):
    """In whole numbers, so that equal energies compare equal."""
    weights = RefineSettings(
        mrf_data_weight=float(ratio.numerator), mrf_smoothness_weight=float(ratio.denominator)
    )
    return ising_energy(result, start, weights)


def all_states(height, width):
    """Every state of a small map: int64 (2 ** (h * w), h, w) in {-1, 1}."""
    bits = np.arange(2 ** (height * width))[:, None] >> np.arange(height * width) & 1
    return (2 * bits - 1).reshape(-1, height, width)


def energies_of_all(every, start, ratio):
    pairs = (every[:, 1:] * every[:, :-1]).sum((1, 2)) + (every[:, :, 1:] * every[:, :, :-1]).sum((1, 2))
    return -ratio.numerator * (every * start).sum((1, 2)) - ratio.denominator * pairs


def lowest_energy_by_whole_frame(start, ratio):
    """By the value of the maximum flow through all pixels of the image: no box, no state read off."""
    height, width = start.shape
    nodes = np.arange(start.size).reshape(start.shape)
    capacities = np.zeros((start.size + 2, start.size + 2), np.int32)
    for row, column in np.ndindex(start.shape):
        for r, c in [(row + 1, column), (row, column + 1)]:
            if r < height and c < width:
                capacities[nodes[row, column], nodes[r, c]] = ratio.denominator
                capacities[nodes[r, c], nodes[row, column]] = ratio.denominator
    capacities[-2, :-2] = ratio.numerator * (start.ravel() > 0)
    capacities[:-2, -1] = ratio.numerator * (start.ravel() < 0)
    flow = maximum_flow(csr_array(capacities), start.size, start.size + 1, method="edmonds_karp").flow_value
    n_pairs = (height - 1) * width + height * (width - 1)
    return 2 * flow - ratio.numerator * start.size - ratio.denominator * n_pairs


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shape", [(3, 4), (1, 7), (6, 1), (2, 5)])
def test_no_state_has_less_energy_nor_as_little_with_fewer_pixels(shape, ratio):
    every = all_states(*shape)
    chosen = np.random.default_rng(0).permutation(len(every))[:40]
    for start in every[chosen]:
        result = states(labels := (start > 0).astype(np.int32), min_cut(labels, ratio))
        energies = energies_of_all(every, start, ratio)
        assert energy(result, start, ratio) == energies.min()
        assert (result > 0).sum() == (every[energies == energies.min()] > 0).sum((1, 2)).min()


@given(labels=arrays(np.int32, (3, 4), elements=st.integers(0, 2)), ratio=st.sampled_from(RATIOS))
def test_each_of_several_segments_has_its_minimum(labels, ratio):
    every, changes = all_states(3, 4), min_cut(labels, ratio)
    for segment in range(1, labels.max() + 1):
        start = observed(labels, segment)
        found = energy(states(labels, changes, segment), start, ratio)
        assert found == energies_of_all(every, start, ratio).min()


@st.composite
def blocks_in_a_frame(draw):
    """Ragged blocks, at a distance of their own from each edge of the image."""
    sides = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    gaps = draw(st.tuples(*[st.integers(0, 5)] * 4))
    block = draw(arrays(np.int32, sides, elements=st.sampled_from([0, 1, 1, 1])))
    return np.pad(block, (gaps[:2], gaps[2:]))


@given(labels=blocks_in_a_frame(), ratio=st.sampled_from(RATIOS))
def test_the_box_is_as_good_as_the_whole_frame(labels, ratio):
    found = energy(states(labels, min_cut(labels, ratio)), observed(labels), ratio)
    assert found == lowest_energy_by_whole_frame(observed(labels), ratio)


@given(
    labels=arrays(np.int32, (9, 8), elements=st.sampled_from([0, 1, 1, 2, 3])), ratio=st.sampled_from(RATIOS)
)
def test_never_more_energy_than_icm(labels, ratio):
    exact, local = min_cut(labels, ratio), icm(labels, ratio)
    for segment in (1, 2, 3):
        start = observed(labels, segment)
        lowest = energy(states(labels, exact, segment), start, ratio)
        assert lowest <= energy(states(labels, local, segment), start, ratio)


def test_a_strip_to_the_edge_of_the_image_is_filled_where_that_is_cheaper():
    labels = np.ones((6, 5), np.int32)
    labels[0] = 0  # a column costs 7 for the pixel and saves 10 for the pair
    np.testing.assert_array_equal(min_cut(labels, RATIO), [[1] * 5, range(5)])
    assert min_cut(labels, Fraction(1)).shape == (2, 0)  # costs as much as it saves
    labels[1] = 0  # 14 for two pixels
    assert min_cut(labels, RATIO).shape == (2, 0)


def test_a_square_goes_where_its_border_costs_more_than_its_pixels():
    labels = np.zeros((10, 10), np.int32)
    labels[2:7, 2:7] = 1  # 25 * 7 < 20 * 10
    assert min_cut(labels, RATIO).shape == (2, 25)
    labels[2:8, 2:8] = 1  # 36 * 7 > 24 * 10
    assert min_cut(labels, RATIO).shape == (2, 0)


def test_input_stays_and_the_result_is_the_same_again():
    labels = np.random.default_rng(3).integers(0, 4, (20, 23)).astype(np.int32)
    before = labels.copy()
    segments, pixels = changes = min_cut(labels, RATIO)
    assert (np.diff(segments * labels.size + pixels) > 0).all()
    assert changes.dtype == np.int64
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(min_cut(labels, RATIO), changes)


@pytest.mark.parametrize("labels", [np.zeros((4, 5), np.int32), np.ones((4, 5), np.int32)])
def test_nothing_to_do(labels):
    assert min_cut(labels, RATIO).shape == (2, 0)


def test_a_gap_in_the_numbers_is_no_segment():
    labels = np.array([[3, 3, 3], [3, 0, 3], [3, 3, 3]], np.int32)
    np.testing.assert_array_equal(min_cut(labels, RATIO), [[3], [4]])
