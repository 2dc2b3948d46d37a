import numpy as np
import pytest

from leafwise.errors import LabelMapError
from leafwise.metrics import (
    average_precision,
    count_instances,
    match_counts,
    panoptic_counts,
    panoptic_quality,
    score_instances,
)

TRUTH, FOUND = np.array([[1, 1, 1, 1, 2, 2]]), np.array([[0, 4, 4, 4, 9, 9]])


def test_both_scores_of_the_same_maps():
    scores = score_instances([count_instances(TRUTH, FOUND), count_instances(FOUND, FOUND)])
    pairs = [(TRUTH, FOUND), (FOUND, FOUND)]
    precision = average_precision([match_counts(*pair) for pair in pairs])
    quality = panoptic_quality([panoptic_counts(*pair) for pair in pairs])
    assert (scores.ap, scores.ap50) == (precision.ap, precision.ap50)
    assert (scores.pq, scores.sq, scores.rq) == (quality.pq, quality.sq, quality.rq)


def test_what_is_no_label_map_is_named():
    with pytest.raises(LabelMapError, match="below 0"):
        count_instances(np.array([[-1, 0]]), np.array([[1, 0]]))
    with pytest.raises(LabelMapError, match="shape"):
        count_instances(TRUTH, FOUND.T)
