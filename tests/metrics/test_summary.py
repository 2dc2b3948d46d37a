import math

import numpy as np
import pytest

from leafwise.errors import LabelMapError
from leafwise.metrics import score_labels, summarise

ONE, TWO, THREE = np.array([[0, 1, 1, 1]]), np.array([[0, 1, 1, 2]]), np.array([[0, 1, 2, 3]])


def test_both_ways_to_sum_up_the_differences_in_count():
    summary = summarise([score_labels(ONE, THREE), score_labels(TWO, ONE), score_labels(TWO, TWO)])
    assert summary.mean_abs_dic == pytest.approx((2 + 1 + 0) / 3)
    assert summary.abs_mean_dic == pytest.approx((2 - 1 + 0) / 3)


def test_every_image_counts_the_same():
    scores = [score_labels(ONE, TWO), score_labels(TWO, TWO)]
    summary = summarise(scores)
    assert summary.n_images == 2
    assert summary.sbd == pytest.approx((scores[0].sbd + 100) / 2)
    assert summary.best_dice_truth == pytest.approx((80 + 100) / 2)
    assert summary.best_dice_prediction == pytest.approx((65 + 100) / 2)
    assert summary.fbd == 100


def test_images_without_a_size_are_left_out_of_its_mean():
    summary = summarise([score_labels(ONE, TWO), score_labels(TWO, TWO)])  # a medium one; a small and a large
    assert (summary.sbd_small, summary.sbd_medium, summary.sbd_large) == (100, 80, 100)
    assert math.isnan(summarise([score_labels(ONE, ONE)]).sbd_small)


def test_no_image():
    with pytest.raises(LabelMapError, match="no image was scored"):
        summarise([])
