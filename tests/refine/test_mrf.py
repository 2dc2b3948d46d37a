from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import RefineSettings
from leafwise.imaging import compact_labels
from leafwise.refine import SOLVERS, denoise, ising_energy

FULL_SIZE = RefineSettings(mrf_reduction=1)
RATIO = Fraction(7, 10)
both_solvers = pytest.mark.parametrize("solver", sorted(SOLVERS))


@st.composite
def label_maps(draw):
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    return draw(arrays(np.int32, shape, elements=st.sampled_from([0, 1, 1, 1, 2, 2, 3, 5])))


def settings_of(solver, reduction=1):
    return RefineSettings(mrf_solver=solver, mrf_reduction=reduction)


def direct_energy(states, observed, settings):
    height, width = states.shape
    result = 0.0
    for row in range(height):
        for column in range(width):
            result -= settings.mrf_data_weight * states[row, column] * observed[row, column]
            if row + 1 < height:
                result -= settings.mrf_smoothness_weight * states[row, column] * states[row + 1, column]
            if column + 1 < width:
                result -= settings.mrf_smoothness_weight * states[row, column] * states[row, column + 1]
    return result


def direct_denoise(labels, solver, step):
    """Every segment's mask painted whole, smaller ones first; then every pixel of the full size by itself."""
    reduced, numbers = compact_labels(labels[::step, ::step])
    changes = SOLVERS[solver](reduced, RATIO)
    masks = []
    for segment in range(1, len(numbers)):
        mask = (reduced == segment).ravel()
        mask[changes[1][changes[0] == segment]] ^= True
        masks.append((mask.sum(), segment, mask.reshape(reduced.shape)))
    painted = np.zeros(reduced.shape, np.int64)
    for _, segment, mask in sorted(masks, key=lambda entry: entry[:2]):
        painted[mask] = numbers[segment]
    result = labels.copy()
    for row, column in np.ndindex(labels.shape):
        if labels[row, column] == labels[row // step * step, column // step * step]:
            result[row, column] = painted[row // step, column // step]
    return compact_labels(result)[0]


@given(
    states=arrays(np.int8, (4, 5), elements=st.sampled_from([-1, 1])),
    observed=arrays(np.int8, (4, 5), elements=st.sampled_from([-1, 1])),
)
def test_energy_is_the_double_loop(states, observed):
    for shape in [(4, 5), (1, 20), (20, 1)]:
        pair = states.reshape(shape), observed.reshape(shape)
        assert ising_energy(*pair, FULL_SIZE) == direct_energy(*pair, FULL_SIZE)


@both_solvers
@pytest.mark.parametrize("step", [1, 2, 3, 20])
@given(labels=label_maps())
def test_denoising_is_painting_each_mask(solver, step, labels):
    result = denoise(labels, settings_of(solver, step))
    np.testing.assert_array_equal(result, direct_denoise(labels, solver, step))
    assert result.dtype == np.int32


@both_solvers
def test_a_speck_goes_and_a_hole_is_filled(solver):
    labels = np.zeros((12, 12), np.int32)
    labels[2:9, 2:9] = 1
    clean = labels.copy()
    labels[5, 5] = 0
    labels[10, 10] = 1
    np.testing.assert_array_equal(denoise(labels, settings_of(solver)), clean)


@both_solvers
def test_a_speck_of_another_segment_moves_over(solver):
    labels = np.zeros((13, 24), np.int32)
    labels[3:10, 3:10] = 1
    labels[3:10, 13:20] = 2
    clean = labels.copy()
    labels[6, 6] = 2
    np.testing.assert_array_equal(denoise(labels, settings_of(solver)), clean)


def test_what_leaves_a_segment_and_joins_none_is_background():
    labels = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 2, 2], [0, 0, 0, 2, 2]], np.int32)
    np.testing.assert_array_equal(
        denoise(labels, FULL_SIZE), [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]
    )


def test_a_pixel_lost_to_a_neighbour_comes_back():
    labels = np.zeros((5, 7), np.int32)
    labels[:, :3], labels[:, 3:] = 1, 2
    clean = labels.copy()
    labels[2, 2] = 2  # one neighbour of its own, three of the other segment
    np.testing.assert_array_equal(denoise(labels, FULL_SIZE), clean)


@pytest.mark.parametrize(
    ("row", "changes", "merged"),
    [
        ([1, 1, 0, 2, 2, 2], [(1, 2), (2, 2)], [1, 1, 2, 2, 2, 2]),  # two join: the larger one
        ([1, 1, 1, 0, 2, 2], [(1, 3), (2, 3)], [1, 1, 1, 1, 2, 2]),
        ([1, 1, 0, 2, 2, 0], [(1, 2), (2, 2)], [1, 1, 2, 2, 2, 0]),  # equally large: the higher number
        ([1, 1, 2, 2, 2, 0], [(1, 2)], [1, 1, 2, 2, 2, 0]),  # so has the owner, as large and a higher number
        ([1, 1, 2, 2, 2, 2], [(1, 2)], [1, 1, 2, 2, 2, 2]),  # joins, but the owner keeps it and is larger
        ([1, 1, 1, 2, 2, 0], [(1, 3)], [1, 1, 1, 1, 2, 0]),
        ([1, 1, 1, 2, 2, 0], [(1, 0), (2, 2)], [0, 1, 2, 2, 2, 0]),  # sizes are the new ones
        ([1, 1, 2, 0, 0, 0], [(2, 2)], [1, 1, 0, 0, 0, 0]),
    ],
)
def test_where_claims_meet_the_larger_segment_s_stands(monkeypatch, row, changes, merged):
    monkeypatch.setitem(SOLVERS, "icm", lambda labels, ratio: np.array(changes, np.int64).T)
    np.testing.assert_array_equal(denoise(np.array([row], np.int32), FULL_SIZE), [merged])


def test_the_exact_minimum_takes_a_small_segment_within_a_large_one_and_icm_does_not():
    labels = np.ones((9, 9), np.int32)
    labels[3:5, 3:5] = 2  # 4 pixels cost 4 * 7, its 8 pairs 8 * 10; but each pixel has 2 of 4 neighbours
    np.testing.assert_array_equal(denoise(labels, settings_of("min_cut")), np.ones((9, 9)))
    np.testing.assert_array_equal(denoise(labels, settings_of("icm")), labels)


def test_a_cell_that_does_not_change_keeps_its_fine_border():
    labels = np.zeros((12, 12), np.int32)
    labels[2:9, 3:10] = 1  # no side lies on a border between cells but the upper
    np.testing.assert_array_equal(denoise(labels, RefineSettings(mrf_reduction=2)), labels)


def test_in_a_cell_that_changes_only_pixels_of_its_label_do():
    labels = np.ones((12, 12), np.int32)
    labels[4:6, 4:6] = [[2, 2], [3, 2]]
    labels[0, 11] = 3
    expected = labels.copy()
    expected[4:6, 4:6] = [[1, 1], [2, 1]]  # 2 has vanished, 3 has its number now
    expected[0, 11] = 2
    np.testing.assert_array_equal(denoise(labels, RefineSettings(mrf_reduction=2)), expected)


@both_solvers
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (3, 4), (1, 9), (9, 1)])
@pytest.mark.parametrize("reduction", [1, 2])
def test_no_segment_and_one_that_is_the_whole_image(solver, shape, reduction):
    for labels in (np.zeros(shape, np.int32), np.ones(shape, np.int32)):
        result = denoise(labels, settings_of(solver, reduction))
        np.testing.assert_array_equal(result, labels)
        assert result.dtype == np.int32


@both_solvers
@given(labels=label_maps())
def test_numbers_have_no_gaps_and_the_input_stays(solver, labels):
    before, settings = labels.copy(), settings_of(solver, 2)
    result = denoise(labels, settings)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(np.unique(result[result > 0]), range(1, result.max(initial=0) + 1))
    np.testing.assert_array_equal(denoise(labels, settings), result)


@both_solvers
def test_large_numbers_take_no_more_memory(solver):
    labels = np.zeros((13, 13), np.int32)
    labels[3:10, 3:10] = 2**31 - 1
    labels[6, 6] = 7
    np.testing.assert_array_equal(denoise(labels, settings_of(solver)), labels > 0)


@both_solvers
@pytest.mark.parametrize(("data", "smoothness"), [(4.0, 1.0), (0.0, 0.0), (1e300, 1e-300)])
def test_weights_that_move_nothing(solver, data, smoothness):
    labels = np.random.default_rng(0).integers(0, 3, (10, 11)).astype(np.int32)
    settings = RefineSettings(
        mrf_solver=solver, mrf_data_weight=data, mrf_smoothness_weight=smoothness, mrf_reduction=1
    )
    np.testing.assert_array_equal(denoise(labels, settings), labels)


@both_solvers
def test_only_the_ratio_of_the_weights_counts(solver):
    labels = np.random.default_rng(1).integers(0, 3, (20, 20)).astype(np.int32)
    small = RefineSettings(mrf_solver=solver, mrf_data_weight=0.07, mrf_smoothness_weight=0.1)
    np.testing.assert_array_equal(denoise(labels, small), denoise(labels, RefineSettings(mrf_solver=solver)))
