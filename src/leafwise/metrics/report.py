"""Scores of label maps on disk, where a bad file costs one line and not the rest."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from leafwise.errors import LabelMapError, LeafwiseError
from leafwise.imaging import read_labels
from leafwise.metrics.pairing import LabelPair
from leafwise.metrics.scores import ImageScores, score_labels
from leafwise.metrics.summary import Summary, summarise


@dataclass(frozen=True)
class Report:
    """Scores by image name, one line for each image that could not be scored, and the means of the others."""

    scores: dict[str, ImageScores]
    problems: tuple[str, ...]
    summary: Summary | None  # None where no image was scored

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: `images`, `summary` and `problems`, with None where a score is not defined."""
        images = {name: _without_nan(asdict(scores)) for name, scores in self.scores.items()}
        summary = _without_nan(asdict(self.summary)) if self.summary else None
        return {"images": images, "summary": summary, "problems": list(self.problems)}


def score_pairs(pairs: Iterable[LabelPair], *, problems: Iterable[str] = ()) -> Report:
    """Read and score pairs of label maps; `problems` are lines that the report begins with."""
    scores: dict[str, ImageScores] = {}
    lines = list(problems)
    for pair in pairs:
        try:
            scores[pair.name] = score_pair(pair)
        except LeafwiseError as error:
            lines.append(str(error))
    return Report(scores, tuple(lines), summarise(list(scores.values())) if scores else None)


def score_pair(pair: LabelPair) -> ImageScores:
    """Read and score one pair.

    Raises:
        LabelMapError: one of the two cannot be read, or their shapes differ.
    """
    truth, prediction = read_labels(pair.truth), read_labels(pair.prediction)
    try:
        return score_labels(truth, prediction)
    except LabelMapError as error:
        raise LabelMapError(f"{pair.prediction}: {error}") from error


def _without_nan(scores: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(score, float) and math.isnan(score) else score
        for name, score in scores.items()
    }
