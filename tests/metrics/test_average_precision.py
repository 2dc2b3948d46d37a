"""AP against cases worked by hand, and against what COCO's own evaluation makes of a whole set."""

import math
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from leafwise.metrics import MatchCounts, average_precision, match_counts

MAPS = arrays(np.int32, (5, 6), elements=st.integers(0, 4))


def ap_of(*pairs):
    return average_precision([match_counts(truth, prediction) for truth, prediction in pairs])


def coco_ap(pairs):
    """AP and AP50 by COCOeval alone, of binary masks that its own encoder has made; ties by order."""
    sides = []
    for side in (0, 1):
        annotations = []
        for image, pair in enumerate(pairs, start=1):
            for value in np.unique(pair[side])[np.unique(pair[side]) > 0]:
                encoded = mask.encode(np.asfortranarray(pair[side] == value, np.uint8))
                area = int((pair[side] == value).sum())
                more = {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": 0,
                    "score": 1.0,
                }
                annotations.append({"segmentation": encoded, "area": area, **more})
        coco = COCO()
        images = [
            {"id": image, "height": pair[0].shape[0], "width": pair[0].shape[1]}
            for image, pair in enumerate(pairs, start=1)
        ]
        coco.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1}]}
        sides.append(coco)
    with redirect_stdout(StringIO()):
        for coco in sides:
            coco.createIndex()
        evaluation = COCOeval(*sides, "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return 100 * evaluation.stats[:2]


def test_one_instance_found_in_part():
    truth, found = np.array([[1, 1, 1, 1, 0]]), np.array([[0, 4, 4, 4, 0]])
    scores = ap_of((truth, found))  # IoU 3/4: right at 0.50, 0.55, 0.60, 0.65, 0.70, 0.75
    assert (scores.ap, scores.ap50) == (60, 100)


def test_one_of_two_found_and_one_that_is_not_there():
    truth, found = np.array([[1, 1, 2, 2, 0, 0]]), np.array([[1, 1, 0, 0, 2, 2]])
    scores = ap_of((truth, found))  # precision 1/2 at the recalls 0, 0.01, ..., 0.50
    assert scores.ap == scores.ap50 == pytest.approx(100 * 0.5 * 51 / 101)


def test_only_the_right_ones_found():
    truth, found = np.array([[1, 1, 2, 2, 3, 3]]), np.array([[1, 1, 0, 0, 2, 2]])
    assert ap_of((truth, found)).ap == pytest.approx(100 * 67 / 101)  # recalls 0 to 0.66 with precision 1


def test_half_an_instance_is_a_match_at_the_lowest_level_only():
    scores = ap_of((np.array([[1, 1]]), np.array([[3, 0]])))
    assert (scores.ap, scores.ap50) == (10, 100)


def test_nothing_there_and_nothing_found():
    nothing, one = np.zeros((1, 3), int), np.array([[0, 5, 5]])
    assert ap_of((one, nothing)).ap == ap_of((one, nothing)).ap50 == 0
    assert math.isnan(ap_of((nothing, nothing)).ap)
    assert math.isnan(ap_of((nothing, one)).ap50)
    assert math.isnan(average_precision([]).ap)
    assert ap_of((one, one), (nothing, one)).ap == pytest.approx(50)  # the second is found in vain


def test_more_than_a_hundred_instances_all_count():
    labels = np.arange(400).reshape(20, 20)
    assert match_counts(labels, labels).matched == (399,) * 10
    assert ap_of((labels, labels)).ap == 100


def test_instances_of_several_images_are_taken_together():
    truth, found = np.array([[1, 1, 2, 2]]), np.array([[1, 1, 0, 0]])
    assert ap_of((truth, truth), (truth, found)).ap == pytest.approx(100 * 76 / 101)  # 3 of 4 found


def test_equal_scores_count_as_in_coco_s_least_favourable_order():
    vain = np.array([[1, 1, 0, 0]]), np.array([[0, 0, 1, 1]])
    right = np.array([[1, 1, 0, 0]]), np.array([[1, 1, 0, 0]])
    ours = ap_of(vain, right)
    assert [ours.ap, ours.ap50] == pytest.approx(coco_ap([vain, right]))
    assert ap_of(right, vain) == ours
    assert coco_ap([right, vain])[0] > ours.ap


@given(pairs=st.lists(st.tuples(MAPS, MAPS), min_size=1, max_size=3))
def test_never_above_coco_s_own_in_any_order_and_equal_where_all_found_are_right(pairs):
    ours = ap_of(*pairs)
    if math.isnan(ours.ap):
        return
    assert ours.ap <= coco_ap(pairs)[0] + 1e-9
    assert ours.ap50 <= coco_ap(pairs)[1] + 1e-9
    kept = [(truth, np.where(truth % 2, truth, 0)) for truth, _ in pairs]
    same = ap_of(*kept)
    assert [same.ap, same.ap50] == pytest.approx(coco_ap(kept))


@given(truth=MAPS, found=MAPS, numbers=st.permutations([1, 2, 3, 4]))
def test_other_numbers_for_the_same_instances_change_nothing(truth, found, numbers):
    renumbered = np.array([0, *numbers])[found]
    assert match_counts(truth, renumbered) == match_counts(truth, found)


@given(truth=MAPS, found=MAPS)
def test_the_matches_are_the_pairs_of_enough_iou(truth, found):
    counts = match_counts(truth, found)
    for level, matched in zip(
        range(55, 100, 5), counts.matched[1:], strict=True
    ):  # above 0.5 a pair is unique
        pairs = 0
        for value in range(1, 5):
            for other in range(1, 5):
                shared = int(((truth == value) & (found == other)).sum())
                union = int(((truth == value) | (found == other)).sum())
                pairs += union > 0 and 100 * shared >= level * union
        assert matched == pairs


def test_nothing_is_printed(capsys):
    match_counts(np.array([[1, 2]]), np.array([[1, 2]]))
    assert capsys.readouterr().out == ""


def test_counts_start_without_matches():
    assert MatchCounts(2, 3).matched == (0,) * 10
