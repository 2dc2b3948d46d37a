"""Experiments: cross-validation and the paper's Table 1."""

from leafwise.experiments.crossval import (
    CrossValidation,
    cross_validate,
    prepare_folds,
    write_cross_validation,
)
from leafwise.experiments.grid import clustering_grid, grid_candidates, varied
from leafwise.experiments.table1 import Table1, loss_variants, run_table1
from leafwise.experiments.table1_report import report_table1

__all__ = [
    "CrossValidation",
    "Table1",
    "clustering_grid",
    "cross_validate",
    "grid_candidates",
    "loss_variants",
    "prepare_folds",
    "report_table1",
    "run_table1",
    "varied",
    "write_cross_validation",
]
