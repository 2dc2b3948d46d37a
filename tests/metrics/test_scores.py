from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.direct_metrics import direct_scores
from leafwise.errors import LabelMapError
from leafwise.imaging import read_labels
from leafwise.metrics import score_labels

EMPTY = np.zeros((3, 4), np.int32)
VALUES = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 70_000, 2**31 - 1])


@st.composite
def label_map_pairs(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    return tuple(draw(arrays(np.int32, shape, elements=VALUES)) for _ in range(2))


@given(pair=label_map_pairs())
def test_scores_are_those_of_the_definition(pair):
    assert asdict(score_labels(*pair)) == pytest.approx(direct_scores(*pair), nan_ok=True)


@given(pair=label_map_pairs())
def test_truth_and_prediction_change_roles(pair):
    there, back = score_labels(*pair), score_labels(*pair[::-1])
    assert there.sbd == back.sbd
    assert there.fbd == back.fbd
    assert there.best_dice_truth == back.best_dice_prediction
    assert there.dic == -back.dic


@given(labels=label_map_pairs().map(lambda pair: pair[0]), shift=st.integers(1, 1000))
def test_other_numbers_for_the_same_leaves_are_perfect(labels, shift):
    numbers = labels.astype(np.int64)
    other = np.where(numbers > 0, 2**31 + shift - numbers, 0)  # in the reverse order
    scores = score_labels(labels, other)
    assert (scores.sbd, scores.fbd, scores.dic) == (100, 100, 0)


def test_scores_worked_by_hand():
    truth = np.array([[1, 1, 1, 1, 0, 0], [2, 2, 2, 2, 3, 3]])
    prediction = np.array([[5, 5, 5, 0, 0, 8], [6, 6, 7, 7, 0, 0]])
    scores = score_labels(truth, prediction)
    # Dice of leaf 1 with 5: 2*3/7, of leaf 2 with 6 and with 7: 2*2/6, of leaf 3 with any: 0; 8 meets no leaf
    assert scores.best_dice_truth == pytest.approx(100 * (6 / 7 + 2 / 3 + 0) / 3)
    assert scores.best_dice_prediction == pytest.approx(100 * (6 / 7 + 2 / 3 + 2 / 3 + 0) / 4)
    assert scores.sbd == scores.best_dice_truth
    assert scores.fbd == pytest.approx(100 * 2 * 7 / (10 + 8))
    assert (scores.n_truth, scores.n_prediction, scores.dic) == (3, 4, 1)
    # leaf 3 is the small one; leaves 1 and 2 have equal areas, so both have rank 1.5 of 3: 2/3 of the way
    assert scores.sbd_small == 0
    assert np.isnan(scores.sbd_medium)
    assert scores.sbd_large == pytest.approx(100 * (6 / 7 + 2 / 3) / 2)


def test_a_leaf_in_two_pieces_is_one_leaf():
    truth = np.array([[1, 0, 1, 2]])
    assert score_labels(truth, np.array([[3, 0, 3, 4]])).sbd == 100
    split = score_labels(truth, np.array([[3, 0, 5, 4]]))
    assert split.best_dice_truth == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert split.dic == 1


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [(EMPTY, EMPTY, 100), (EMPTY + 1, EMPTY, 0), (EMPTY, EMPTY + 1, 0), (EMPTY[:0], EMPTY[:0], 100)],
)
def test_no_leaf(truth, prediction, expected):
    scores = score_labels(truth, prediction)
    assert scores.sbd == scores.best_dice_truth == scores.best_dice_prediction == scores.fbd == expected


@pytest.mark.parametrize(
    ("n_leaves", "sizes"),
    [
        (1, "M"),
        (2, "SL"),
        (3, "SML"),
        (4, "SMML"),
        (5, "SSMLL"),
        (6, "SSMMLL"),
        (20, "S" * 7 + "M" * 6 + "L" * 7),
    ],
)
def test_thirds_by_size(n_leaves, sizes):
    areas = range(1, n_leaves + 1)
    truth = np.concatenate([np.full(area, number) for number, area in enumerate(areas, 1)])[None]
    for number, size in enumerate(sizes, 1):  # with one leaf lost, the score of its third alone falls
        scores = score_labels(truth, np.where(truth == number, 0, truth))
        thirds = {"S": scores.sbd_small, "M": scores.sbd_medium, "L": scores.sbd_large}
        assert [name for name, score in thirds.items() if score < 100] == [size]
        assert thirds[size] == pytest.approx(100 * (1 - 1 / sizes.count(size)))


def test_shapes_that_differ():
    with pytest.raises(LabelMapError, match="size"):
        score_labels(EMPTY, EMPTY.T)


@pytest.mark.shared
def test_real_leaves_moved_by_two_pixels(shared):
    truth = read_labels(shared / "data" / "cvppp_a1" / "plant001_label.png")
    prediction = np.roll(truth, 2, axis=0)
    scores = score_labels(truth, prediction)
    assert asdict(scores) == pytest.approx(direct_scores(truth, prediction))
    assert scores.sbd_small < scores.sbd_large < 100
