"""Panoptic quality of label maps (Kirillov et al. 2019), of one class: leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.metrics.contingency import contingency_table


@dataclass(frozen=True)
class PanopticCounts:
    """What PQ is made of; counts of several images add up."""

    n_truth: int
    n_prediction: int
    n_matched: int  # pairs with an IoU above 0.5: no instance can be in two of them
    iou_sum: float  # of these pairs


@dataclass(frozen=True)
class PanopticQuality:
    """PQ = SQ * RQ in percent; nan where neither map has an instance."""

    pq: float
    sq: float  # segmentation quality: mean IoU of the pairs, 0 where there is none
    rq: float  # recognition quality: F1 of truth and prediction


def panoptic_counts(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> PanopticCounts:
    """Count the matches of two label maps, integers (h, w), 0 = background; values may have gaps.

    Raises LabelMapError where the shapes differ, or one of them is no label map.
    """
    table = contingency_table(truth, prediction)
    shared = table[1:, 1:]  # (n_truth, n_prediction)
    unions = table.sum(axis=1)[1:, None] + table.sum(axis=0)[1:] - shared
    is_match = 2 * shared > unions
    return PanopticCounts(
        n_truth=shared.shape[0],
        n_prediction=shared.shape[1],
        n_matched=int(is_match.sum()),
        iou_sum=float((shared[is_match] / unions[is_match]).sum()),
    )


def panoptic_quality(counts: Sequence[PanopticCounts]) -> PanopticQuality:
    """PQ over the instances of all images together.

    >>> truth, prediction = np.array([[1, 1, 1, 1, 2]]), np.array([[0, 7, 7, 7, 0]])  # IoU 0.75, one missed
    >>> panoptic_quality([panoptic_counts(truth, prediction)])
    PanopticQuality(pq=50.0, sq=75.0, rq=66.66666666666667)
    """
    n_instances = sum(image.n_truth + image.n_prediction for image in counts)
    if n_instances == 0:
        return PanopticQuality(float("nan"), float("nan"), float("nan"))
    n_matched = sum(image.n_matched for image in counts)
    iou_sum = sum(image.iou_sum for image in counts)
    return PanopticQuality(
        pq=200 * iou_sum / n_instances,
        sq=100 * iou_sum / max(n_matched, 1),
        rq=200 * n_matched / n_instances,
    )
