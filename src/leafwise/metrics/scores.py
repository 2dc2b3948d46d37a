"""The leaf segmentation challenge's scores of one image (Scharr et al. 2016; the paper, section 6.1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.metrics.contingency import contingency_table


@dataclass(frozen=True)
class ImageScores:
    """Scores of one predicted label map; Dice scores in percent, 0 to 100."""

    sbd: float  # symmetric best Dice: the smaller of the two best Dice scores
    best_dice_truth: float  # each leaf of the truth against the predicted leaf that fits it best, mean
    best_dice_prediction: float  # each predicted leaf against the leaf of the truth that fits it best, mean
    fbd: float  # Dice of all leaves together: plant against background
    n_truth: int
    n_prediction: int
    dic: int  # difference in count: n_prediction - n_truth
    sbd_small: float  # best_dice_truth of the smaller third of the truth's leaves; nan where it is empty
    sbd_medium: float
    sbd_large: float


def score_labels(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> ImageScores:
    """Score a predicted label map against the true one.

    With the Dice score of two leaves, 2 |A and B| / (|A| + |B|), best Dice of the truth is the mean over its
    leaves of the highest Dice score with any predicted leaf, best Dice of the prediction the same the other
    way round, and SBD the smaller of both. A leaf is all pixels of one value, in however many pieces.

    No leaf in either map is a perfect prediction: 100 for SBD, both best Dice scores and FBD. No leaf in just
    one of them is 0 for all four.

    By size: an image's true leaves are ranked by area, and one of rank r (from 0) out of n is small where
    (r + 1/2) / n < 1/3, large where it is at least 2/3, else medium; leaves of equal area share the middle of
    their ranks. So one leaf alone is medium, two are small and large. Each score by size is the mean over
    those leaves of the highest Dice score with any predicted leaf.

    Args:
        truth: label map, integers (h, w), 0 = background; values may have gaps.
        prediction: label map of the same shape.

    Raises:
        LabelMapError: the shapes differ, or one of them is no label map.

    >>> scores = score_labels(np.array([[0, 1, 1, 2]]), np.array([[0, 4, 4, 4]]))
    >>> scores.sbd, scores.best_dice_truth, scores.best_dice_prediction, scores.fbd, scores.dic
    (65.0, 65.0, 80.0, 100.0, -1)
    """
    table = contingency_table(truth, prediction)
    truth_areas, prediction_areas = table.sum(axis=1), table.sum(axis=0)
    sums = truth_areas[1:, None] + prediction_areas[1:]  # (n_truth, n_prediction)
    dice = 200 * table[1:, 1:] / sums
    of_truth, of_prediction = dice.max(axis=1, initial=0), dice.max(axis=0, initial=0)
    both_empty = dice.shape == (0, 0)
    best_truth = _mean(of_truth, both_empty=both_empty)
    best_prediction = _mean(of_prediction, both_empty=both_empty)
    small, medium, large = _mean_by_size(of_truth, truth_areas[1:])
    return ImageScores(
        sbd=min(best_truth, best_prediction),
        best_dice_truth=best_truth,
        best_dice_prediction=best_prediction,
        fbd=_foreground_dice(table),
        n_truth=len(of_truth),
        n_prediction=len(of_prediction),
        dic=len(of_prediction) - len(of_truth),
        sbd_small=small,
        sbd_medium=medium,
        sbd_large=large,
    )


def _mean(best_dice: NDArray[np.float64], *, both_empty: bool) -> float:
    if both_empty:
        return 100.0
    return float(best_dice.mean()) if len(best_dice) else 0.0


def _foreground_dice(table: NDArray[np.int64]) -> float:
    truth_area, prediction_area = table[1:].sum(), table[:, 1:].sum()
    if truth_area + prediction_area == 0:
        return 100.0
    return float(200 * table[1:, 1:].sum() / (truth_area + prediction_area))


def _mean_by_size(scores: NDArray[np.float64], areas: NDArray[np.int64]) -> list[float]:
    """Mean score of the small, the medium and the large leaves, nan where there is none."""
    ordered = np.sort(areas)  # equal areas have the ranks below..up_to - 1, r is their middle
    below, up_to = np.searchsorted(ordered, areas, "left"), np.searchsorted(ordered, areas, "right")
    thirds = 3 * (below + up_to) // max(2 * len(areas), 1)  # 3 (r + 1/2) / n
    return [float(scores[thirds == k].mean()) if np.any(thirds == k) else float("nan") for k in range(3)]
