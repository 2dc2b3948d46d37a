"""Experiments: cross-validation of training and clustering settings."""

from leafwise.experiments.crossval import CrossValidation, cross_validate, prepare_folds
from leafwise.experiments.grid import clustering_grid

__all__ = ["CrossValidation", "clustering_grid", "cross_validate", "prepare_folds"]
