"""COCO's mask AP of label maps: which instances match, found by COCO's own evaluation, pycocotools."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import missing_extra
from leafwise.imaging import label_runs, runs_area

N_LEVELS = 10  # of IoU: 0.50, 0.55, ..., 0.95
_RECALLS = np.linspace(0, 1, 101)  # those at which COCO reads the precision


@dataclass(frozen=True)
class MatchCounts:
    """How many instances match at each level of IoU; counts of several images add up."""

    n_truth: int
    n_prediction: int
    matched: tuple[int, ...] = (0,) * N_LEVELS


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's mask AP in percent; nan where the truth has no instance."""

    ap: float  # mean over the levels of IoU
    ap50: float  # at IoU 0.50


def match_counts(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> MatchCounts:
    """Count the matches of two label maps of one shape, integers (h, w), 0 = background.

    All instances take part, where COCO's evaluation stops at 100 an image. Raises LeafwiseError where
    pycocotools is missing.

    >>> match_counts(np.array([[1, 1, 1, 1, 0]]), np.array([[0, 7, 7, 7, 0]])).matched  # IoU 0.75
    (1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    """
    coco_class, evaluation_class = require_pycocotools()
    true, found = _annotations(truth), _annotations(prediction)
    if not true or not found:
        return MatchCounts(len(true), len(found))
    with redirect_stdout(StringIO()):  # it prints each of its steps
        evaluation = evaluation_class(
            _as_coco(coco_class, true, truth.shape), _as_coco(coco_class, found, prediction.shape), "segm"
        )
        evaluation.params.maxDets = [len(found)]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, truth.size]], ["all"]
        evaluation.evaluate()
    matches = evaluation.evalImgs[0]["dtMatches"]  # (N_LEVELS, n_prediction): the match's number, 0 = none
    return MatchCounts(len(true), len(found), tuple((matches > 0).sum(axis=1).tolist()))


def average_precision(counts: Sequence[MatchCounts]) -> AveragePrecision:
    """AP over the instances of all images together.

    A label map ranks nothing: each instance has score 1. So the curve of precision over recall has one point,
    and AP is its precision times the share of COCO's 101 recalls that are reached. pycocotools would rank equal
    scores by their order in the file; this is what it gives in the least favourable order.

    >>> one_of_two = MatchCounts(n_truth=2, n_prediction=2, matched=(1,) * 10)
    >>> round(average_precision([one_of_two]).ap, 2)  # precision 0.5 at 51 of 101 recalls
    25.25
    """
    n_truth = sum(image.n_truth for image in counts)
    n_prediction = sum(image.n_prediction for image in counts)
    if n_truth == 0:
        return AveragePrecision(float("nan"), float("nan"))
    levels = []
    for matched in np.sum([image.matched for image in counts], axis=0).tolist():
        precision = matched / max(n_prediction, 1)
        levels.append(100 * precision * float((matched / n_truth >= _RECALLS).mean()))
    return AveragePrecision(sum(levels) / len(levels), levels[0])


def require_pycocotools() -> tuple[Any, Any]:
    """COCO and COCOeval. Raises LeafwiseError where the extra is not installed."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise missing_extra("AP needs pycocotools", "coco") from error
    return COCO, COCOeval


def _annotations(labels: NDArray[np.integer]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "score": 1.0,
            "area": runs_area(runs),
            "segmentation": {"size": list(labels.shape), "counts": runs.tolist()},
        }
        for number, runs in enumerate(label_runs(labels).values(), start=1)
    ]


def _as_coco(coco_class: Any, annotations: list[dict[str, Any]], shape: tuple[int, ...]) -> Any:
    coco = coco_class()
    image = {"id": 1, "height": shape[0], "width": shape[1]}
    coco.dataset = {"images": [image], "annotations": annotations, "categories": [{"id": 1}]}
    coco.createIndex()
    return coco
