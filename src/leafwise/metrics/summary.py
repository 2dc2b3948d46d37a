"""Means of the scores over a set of images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leafwise.errors import LabelMapError
from leafwise.metrics.scores import ImageScores


@dataclass(frozen=True)
class Summary:
    """Means over images, each image counting the same; Dice scores in percent."""

    n_images: int
    sbd: float
    best_dice_truth: float
    best_dice_prediction: float
    fbd: float
    mean_abs_dic: float  # mean of the absolute differences in count: what published tables call |DiC|
    abs_mean_dic: (
        float  # absolute value of the mean difference (section 6.1's words): too many and too few cancel
    )
    sbd_small: float  # over the images that have such leaves; nan where none has
    sbd_medium: float
    sbd_large: float


def summarise(scores: Sequence[ImageScores]) -> Summary:
    """Average the scores of images.

    Raises:
        LabelMapError: there is no image to average over.

    >>> from leafwise.metrics import score_labels
    >>> one, two = np.array([[0, 1, 1, 1]]), np.array([[0, 1, 1, 2]])
    >>> summary = summarise([score_labels(one, two), score_labels(two, one)])
    >>> summary.mean_abs_dic, summary.abs_mean_dic
    (1.0, 0.0)
    """
    if not scores:
        raise LabelMapError(
            "no image was scored, so there is no mean; check that predictions and truth belong together"
        )
    differences = np.array([image.dic for image in scores])

    def mean(name: str) -> float:
        values = np.array([getattr(image, name) for image in scores], np.float64)
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else float("nan")

    return Summary(
        n_images=len(scores),
        sbd=mean("sbd"),
        best_dice_truth=mean("best_dice_truth"),
        best_dice_prediction=mean("best_dice_prediction"),
        fbd=mean("fbd"),
        mean_abs_dic=float(np.abs(differences).mean()),
        abs_mean_dic=float(abs(differences.mean())),
        sbd_small=mean("sbd_small"),
        sbd_medium=mean("sbd_medium"),
        sbd_large=mean("sbd_large"),
    )
