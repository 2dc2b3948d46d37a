"""Experiments: cross-validation, evaluation of pipelines, and the paper's Table 1."""

from leafwise.experiments.crossval import CrossValidation, cross_validate, prepare_folds
from leafwise.experiments.grid import clustering_grid, varied
from leafwise.experiments.scoring import Candidate, make_candidates, score_photos
from leafwise.experiments.table1 import Table1, loss_variants, run_table1

__all__ = [
    "Candidate",
    "CrossValidation",
    "Table1",
    "clustering_grid",
    "cross_validate",
    "loss_variants",
    "make_candidates",
    "prepare_folds",
    "run_table1",
    "score_photos",
    "varied",
]
