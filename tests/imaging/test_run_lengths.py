import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from leafwise.errors import LabelMapError
from leafwise.imaging import check_runs, label_runs, paint_runs, parse_runs, runs_area

LABEL_MAPS = arrays(
    np.int32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40), elements=st.integers(0, 5)
)


def painted(all_runs, shape):
    labels = np.zeros(shape, np.int32, order="F")
    for value, runs in all_runs.items():
        paint_runs(labels, runs, value)
    return labels


@given(labels=LABEL_MAPS)
def test_a_label_map_comes_back_from_its_run_lengths(labels):
    runs = label_runs(labels)
    assert list(runs) == sorted(set(labels.ravel().tolist()) - {0})
    assert np.array_equal(painted(runs, labels.shape), labels)
    assert all(runs_area(of_one) == (labels == value).sum() for value, of_one in runs.items())


@given(labels=LABEL_MAPS)
def test_the_compressed_text_of_pycocotools_is_read_and_its_runs_are_ours(labels):
    from pycocotools import mask

    texts = {
        value: mask.encode(np.asfortranarray(labels == value, np.uint8))["counts"]
        for value in np.unique(labels)
        if value
    }
    parsed = {value: parse_runs(text, labels.size) for value, text in texts.items()}
    assert np.array_equal(painted(parsed, labels.shape), labels)
    for value, runs in label_runs(labels).items():
        again = mask.frPyObjects([{"counts": runs.tolist(), "size": list(labels.shape)}], *labels.shape)
        assert again[0]["counts"] == texts[value]


def test_long_runs_are_read():
    from pycocotools import mask

    whole = np.zeros((3000, 4000), np.uint8, order="F")
    whole[10:2990, 1:3999] = 1
    whole[:, 2000:] = 0
    runs = parse_runs(mask.encode(whole)["counts"].decode(), whole.size)
    assert runs_area(runs) == whole.sum()
    assert np.array_equal(painted({1: runs}, whole.shape), whole)


def test_runs_worked_by_hand():
    labels = np.array([[9, 9, 0], [9, 3, 3]])  # down the columns: 9 9, 9 3, 0 3
    assert {value: runs.tolist() for value, runs in label_runs(labels).items()} == {
        3: [3, 1, 1, 1],
        9: [0, 3, 3],
    }
    assert label_runs(np.zeros((2, 2), int)) == label_runs(np.zeros((0, 2), int)) == {}


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.int64])
def test_every_integer_type_is_taken(dtype):
    assert {value: runs.tolist() for value, runs in label_runs(np.array([[0, 1]], dtype)).items()} == {
        1: [1, 1]
    }


@example(text="\ud800", n_pixels=4)
@given(text=st.text(st.characters(), max_size=30), n_pixels=st.integers(0, 50))
def test_any_text_is_runs_or_one_line(text, n_pixels):
    try:
        runs = parse_runs(text, n_pixels)
    except LabelMapError as error:
        assert "\n" not in str(error)
    else:
        assert runs.min() >= 0
        assert runs.sum() == n_pixels


@pytest.mark.parametrize("counts", [[1, 2], [5, -1, 2], [3.0, 3.0], ["6"], [True, 5], [10**30], [None], []])
def test_counts_that_do_not_fill_the_photo_are_refused(counts):
    with pytest.raises(LabelMapError):
        check_runs(counts, 6)


def test_painting_needs_columns():
    with pytest.raises(ValueError, match="Fortran"):
        paint_runs(np.zeros((2, 3), np.int32), np.array([1, 5]), 1)
