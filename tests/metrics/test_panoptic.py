import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torchmetrics.detection import PanopticQuality

from leafwise.errors import LabelMapError
from leafwise.metrics import PanopticCounts, panoptic_counts, panoptic_quality

MAPS = arrays(np.int32, (5, 6), elements=st.sampled_from([0, 1, 2, 3, 9]))


def quality_of(*pairs):
    return panoptic_quality([panoptic_counts(truth, prediction) for truth, prediction in pairs])


def test_worked_by_hand():
    truth = np.array([[1, 1, 1, 1, 2, 2, 0, 0]])
    found = np.array([[8, 8, 8, 0, 5, 5, 5, 3]])  # IoU 3/4 and 2/3, and one in vain
    assert panoptic_counts(truth, found) == PanopticCounts(2, 3, 2, pytest.approx(17 / 12))
    quality = quality_of((truth, found))
    assert quality.sq == pytest.approx(100 * 17 / 24)
    assert quality.rq == pytest.approx(80)
    assert quality.pq == pytest.approx(100 * 17 / 12 / 2.5)


def test_half_is_no_match():
    quality = quality_of((np.array([[1, 1]]), np.array([[1, 0]])))
    assert (quality.pq, quality.sq, quality.rq) == (0, 0, 0)


def test_nothing_there_and_nothing_found():
    nothing, one = np.zeros((1, 2), int), np.array([[0, 1]])
    assert quality_of((one, nothing)).pq == quality_of((nothing, one)).pq == 0
    assert all(math.isnan(value) for value in vars(quality_of((nothing, nothing))).values())
    assert math.isnan(panoptic_quality([]).pq)
    assert quality_of((one, one), (nothing, nothing)).pq == 100


def test_instances_of_several_images_are_taken_together():
    truth, nothing = np.array([[1, 1, 2, 2]]), np.zeros((1, 4), int)
    assert quality_of((truth, truth), (truth, nothing)).pq == pytest.approx(100 * 2 / 3)


def test_shapes_that_differ_are_named():
    with pytest.raises(LabelMapError, match=r"\(2, 3\).*\(3, 2\)"):
        panoptic_counts(np.zeros((2, 3), int), np.zeros((3, 2), int))


@settings(max_examples=60)
@given(pairs=st.lists(st.tuples(MAPS, MAPS), min_size=1, max_size=3))
def test_pq_sq_and_rq_are_those_of_torchmetrics(pairs):
    oracle = PanopticQuality(things={1}, stuffs={0}, return_sq_and_rq=True, return_per_class=True)
    for truth, found in pairs:
        # (1, pixels, 2): the class, 1 = leaf, 0 = background, and the number
        true, guess = (
            torch.from_numpy(np.stack([labels > 0, labels], axis=-1).astype(np.int64).reshape(1, -1, 2))
            for labels in (truth, found)
        )
        oracle.update(guess, true)
    quality = quality_of(*pairs)
    if not math.isnan(quality.pq):
        expected = 100 * oracle.compute()[0].numpy()
        assert [quality.pq, quality.sq, quality.rq] == pytest.approx(expected)


@given(truth=MAPS, found=MAPS)
def test_pq_is_symmetric_and_the_product_of_sq_and_rq(truth, found):
    quality, other = quality_of((truth, found)), quality_of((found, truth))
    assert vars(quality) == pytest.approx(vars(other), nan_ok=True)
    assert quality.pq == pytest.approx(quality.sq * quality.rq / 100, nan_ok=True)
