"""Data sets of photos with label maps: reading, checking, splitting; `datasets.synthetic` draws some."""

from leafwise.datasets.check import Problem, check_dataset, checked_pairs
from leafwise.datasets.pairs import GROUP_PATTERN, Pair, group_of
from leafwise.datasets.read import read_dataset, read_datasets, set_name, set_of
from leafwise.datasets.roles import listed
from leafwise.datasets.splits import (
    Folds,
    Split,
    learnt_names,
    make_folds,
    make_holdout,
    read_folds,
    trained_names,
    unseen,
    write_folds,
)

__all__ = [
    "GROUP_PATTERN",
    "Folds",
    "Pair",
    "Problem",
    "Split",
    "check_dataset",
    "checked_pairs",
    "group_of",
    "learnt_names",
    "listed",
    "make_folds",
    "make_holdout",
    "read_dataset",
    "read_datasets",
    "read_folds",
    "set_name",
    "set_of",
    "trained_names",
    "unseen",
    "write_folds",
]
