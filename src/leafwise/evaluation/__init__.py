"""Scores of a model on photos with truth, under any number of pipelines; needs no torch."""

from leafwise.evaluation.pipelines import Evaluation, evaluate, unseen_by, usual_pipelines, write_evaluation
from leafwise.evaluation.scoring import Candidate, make_candidates, score_photos, without_nan

__all__ = [
    "Candidate",
    "Evaluation",
    "evaluate",
    "make_candidates",
    "score_photos",
    "unseen_by",
    "usual_pipelines",
    "without_nan",
    "write_evaluation",
]
