"""Experiments: cross-validation, evaluation of pipelines, and the paper's Table 1."""

from leafwise.experiments.crossval import CrossValidation, cross_validate, prepare_folds
from leafwise.experiments.evaluation import (
    Evaluation,
    evaluate,
    unseen_by,
    usual_pipelines,
    write_evaluation,
)
from leafwise.experiments.grid import clustering_grid, grid_candidates, varied
from leafwise.experiments.scoring import Candidate, make_candidates, score_photos, without_nan
from leafwise.experiments.table1 import Table1, loss_variants, run_table1
from leafwise.experiments.table1_report import report_table1

__all__ = [
    "Candidate",
    "CrossValidation",
    "Evaluation",
    "Table1",
    "clustering_grid",
    "cross_validate",
    "evaluate",
    "grid_candidates",
    "loss_variants",
    "make_candidates",
    "prepare_folds",
    "report_table1",
    "run_table1",
    "score_photos",
    "unseen_by",
    "usual_pipelines",
    "varied",
    "without_nan",
    "write_evaluation",
]
