"""Scores of label maps on disk, where a bad file costs one line and not the rest."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import LabelMapError, LeafwiseError
from leafwise.imaging import read_labels
from leafwise.metrics.average_precision import require_pycocotools
from leafwise.metrics.instances import InstanceCounts, InstanceScores, count_instances, score_instances
from leafwise.metrics.pairing import LabelPair
from leafwise.metrics.scores import ImageScores, score_labels
from leafwise.metrics.summary import Summary, summarise


@dataclass(frozen=True)
class Report:
    """Scores by image name, one line for each image that could not be scored, and the means of the others."""

    scores: dict[str, ImageScores]
    problems: tuple[str, ...]
    summary: Summary | None  # None where no image was scored
    instances: dict[str, InstanceScores] = field(default_factory=dict)  # AP and PQ, where they were asked for
    pooled: InstanceScores | None = None  # of the instances of all images together

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON, with None where a score is not defined.

        It has `images`, `summary` and `problems`; with AP and PQ they are among each image's scores, and those
        of all images together are in `pooled`.
        """
        images = {name: _without_nan(asdict(scores)) for name, scores in self.scores.items()}
        for name, scores in self.instances.items():
            images[name] |= _without_nan(asdict(scores))
        summary = _without_nan(asdict(self.summary)) if self.summary else None
        pooled = {"pooled": _without_nan(asdict(self.pooled))} if self.pooled else {}
        return {"images": images, "summary": summary, **pooled, "problems": list(self.problems)}


def score_pairs(pairs: Iterable[LabelPair], *, problems: Iterable[str] = (), ap_pq: bool = False) -> Report:
    """Read and score pairs of label maps, with `ap_pq` by AP and PQ too; the report begins with `problems`.

    Raises LeafwiseError where AP is asked for and pycocotools is not installed.
    """
    scores: dict[str, ImageScores] = {}
    counts: dict[str, InstanceCounts] = {}
    lines = list(problems)
    if ap_pq:
        require_pycocotools()  # better missed now than once a pair
    for pair in pairs:
        try:
            truth, prediction = read_labels(pair.truth), read_labels(pair.prediction)
            image_scores = _score(pair, truth, prediction)
            if ap_pq:
                counts[pair.name] = count_instances(truth, prediction)
            scores[pair.name] = image_scores  # last: an image is scored in full or is a problem
        except LeafwiseError as error:
            lines.append(str(error))
    return Report(
        scores,
        tuple(lines),
        summarise(list(scores.values())) if scores else None,
        {name: score_instances([image]) for name, image in counts.items()},
        score_instances(list(counts.values())) if counts else None,
    )


def _score(pair: LabelPair, truth: NDArray[np.int32], prediction: NDArray[np.int32]) -> ImageScores:
    try:
        return score_labels(truth, prediction)
    except LabelMapError as error:
        raise LabelMapError(f"{pair.prediction}: {error}") from error


def _without_nan(scores: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(score, float) and math.isnan(score) else score
        for name, score in scores.items()
    }
