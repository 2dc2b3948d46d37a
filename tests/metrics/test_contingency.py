from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.errors import LabelMapError
from leafwise.metrics import contingency, contingency_table
from leafwise.metrics.contingency import MAX_CELLS


def test_table_worked_by_hand():
    truth = np.array([[0, 0, 4, 4], [9, 9, 4, 0]])
    prediction = np.array([[0, 1, 1, 1], [2, 2, 2, 0]])
    assert contingency_table(truth, prediction).tolist() == [[2, 1, 0], [0, 2, 1], [0, 0, 2]]


def test_table_keeps_the_background_where_no_pixel_is():
    table = contingency_table(np.full((2, 2), 2**31 - 1), np.full((2, 2), 5))
    assert table.tolist() == [[0, 0], [0, 4]]
    assert table.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2, 3), int), "2 axes"),
        (np.zeros(4, int), "2 axes"),
        (np.zeros((2, 2)), "whole numbers"),
        (np.array([[-1, 0]]), "below 0"),
    ],
)
def test_what_is_no_label_map_is_named(labels, message):
    with pytest.raises(LabelMapError, match=message):
        contingency_table(labels, labels)


def test_shapes_that_differ_are_named():
    with pytest.raises(LabelMapError, match=r"\(2, 3\).*\(3, 2\)"):
        contingency_table(np.zeros((2, 3), int), np.zeros((3, 2), int))


def test_noise_taken_for_labels_does_not_fill_the_memory():
    noise = np.arange(90 * 90).reshape(90, 90)
    assert noise.size**2 > MAX_CELLS
    with pytest.raises(LabelMapError, match="too many for leaves"):
        contingency_table(noise, noise)


@given(
    labels=arrays(np.int32, (12, 9), elements=st.integers(0, 3)),
    other=arrays(np.int32, (12, 9), elements=st.integers(0, 2)),
    strip=st.integers(1, 120),
)
def test_pairs_counted_in_strips_are_those_of_a_loop(labels, other, strip):
    expected = np.zeros((4, 3), np.int64)
    for one, two in zip(labels.ravel(), other.ravel(), strict=True):
        expected[one, two] += 1
    with mock.patch.object(contingency, "STRIP", strip):
        np.testing.assert_array_equal(contingency.count_pairs(labels, other, (4, 3)), expected)
