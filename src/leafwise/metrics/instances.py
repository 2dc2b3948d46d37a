"""AP and PQ of label maps: the scores of COCO and of panoptic segmentation, of one image or of many together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.metrics.average_precision import MatchCounts, average_precision, match_counts
from leafwise.metrics.panoptic import PanopticCounts, panoptic_counts, panoptic_quality


@dataclass(frozen=True)
class InstanceCounts:
    """What AP and PQ of one image are made of."""

    matches: MatchCounts
    panoptic: PanopticCounts


@dataclass(frozen=True)
class InstanceScores:
    """AP and PQ in percent; nan where the truth (AP) or both maps (PQ, SQ, RQ) have no instance."""

    ap: float  # mean over IoU 0.50, 0.55, ..., 0.95; every instance has score 1
    ap50: float
    pq: float  # sq * rq
    sq: float
    rq: float


def count_instances(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> InstanceCounts:
    """Match the instances of two label maps, integers (h, w), 0 = background.

    Raises:
        LabelMapError: the shapes differ, or one of them is no label map.
        LeafwiseError: pycocotools is not installed.
    """
    panoptic = panoptic_counts(truth, prediction)  # first: it checks both
    return InstanceCounts(match_counts(truth, prediction), panoptic)


def score_instances(counts: Sequence[InstanceCounts]) -> InstanceScores:
    """Score the instances of all images together, as both scores are defined; of one image where it is alone.

    >>> truth, prediction = np.array([[1, 1, 1, 1]]), np.array([[0, 5, 5, 5]])
    >>> score_instances([count_instances(truth, prediction)])
    InstanceScores(ap=60.0, ap50=100.0, pq=75.0, sq=75.0, rq=100.0)
    """
    precision = average_precision([image.matches for image in counts])
    quality = panoptic_quality([image.panoptic for image in counts])
    return InstanceScores(precision.ap, precision.ap50, quality.pq, quality.sq, quality.rq)
