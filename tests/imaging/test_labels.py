"""Label maps without gaps in their numbers."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from leafwise.imaging import compact_labels
from leafwise.imaging import labels as module

VALUES = st.sampled_from([0, 1, 2, 3, 7, 300, 65_536, 2**31 - 1])
LABEL_MAPS = arrays(np.int32, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8), elements=VALUES)


@given(labels=LABEL_MAPS)
def test_compact_labels_can_be_undone_and_have_no_gaps(labels):
    compact, values = compact_labels(labels)
    assert compact.dtype == np.int32
    assert values[0] == 0
    assert np.array_equal(values[compact], labels)
    assert list(values[1:]) == sorted(set(labels.ravel().tolist()) - {0})


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.int64, np.uint64])
def test_every_integer_type_is_taken(dtype):
    compact, values = compact_labels(np.array([[0, 1]], dtype))
    assert compact.tolist() == [[0, 1]]
    assert values.tolist() == [0, 1]


@given(
    labels=arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 40)),
    strip=st.integers(1, 90),
)
def test_compact_labels_in_strips_are_the_same(labels, strip):
    whole, values = compact_labels(labels)
    with mock.patch.object(module, "STRIP", strip):
        in_strips, same_values = compact_labels(labels)
    np.testing.assert_array_equal(in_strips, whole)
    np.testing.assert_array_equal(same_values, values)
