"""Every setting as a typed, frozen dataclass, read from TOML and from the command line."""

from leafwise.config.settings import (
    PAPER_PIPELINES,
    AugmentSettings,
    ClusteringSettings,
    ClusterNetSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    OptimizerSettings,
    PipelineSettings,
    RefineSettings,
    RunSettings,
    SegmentSettings,
    TrainingSettings,
)
from leafwise.config.toml import apply_overrides, from_dict, read_toml, to_dict, to_toml

__all__ = [
    "PAPER_PIPELINES",
    "AugmentSettings",
    "ClusterNetSettings",
    "ClusteringSettings",
    "LookSettings",
    "LossSettings",
    "NetSettings",
    "OptimizerSettings",
    "PipelineSettings",
    "RefineSettings",
    "RunSettings",
    "SegmentSettings",
    "TrainingSettings",
    "apply_overrides",
    "from_dict",
    "read_toml",
    "to_dict",
    "to_toml",
]
