"""Data sets of photos with label maps: reading, checking, splitting; `datasets.synthetic` draws some."""

from leafwise.datasets.check import Problem, check_dataset, checked_pairs
from leafwise.datasets.pairs import GROUP_PATTERN, Pair, group_of
from leafwise.datasets.read import read_dataset, read_datasets, set_name, set_of
from leafwise.datasets.roles import listed
from leafwise.datasets.splits import (
    SPLIT_NAME,
    Folds,
    Seen,
    Split,
    learnt_names,
    make_folds,
    make_holdout,
    read_folds,
    seen_in,
    unseen,
    write_folds,
)

__all__ = [
    "GROUP_PATTERN",
    "SPLIT_NAME",
    "Folds",
    "Pair",
    "Problem",
    "Seen",
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
    "seen_in",
    "set_name",
    "set_of",
    "unseen",
    "write_folds",
]
