"""Every setting as a typed, frozen dataclass, read from TOML and from the command line."""

from leafwise.config.settings import (
    AugmentSettings,
    ClusteringSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    RunSettings,
    SegmentSettings,
    TrainingSettings,
)
from leafwise.config.toml import apply_overrides, from_dict, read_toml, to_dict, to_toml

__all__ = [
    "AugmentSettings",
    "ClusteringSettings",
    "LookSettings",
    "LossSettings",
    "NetSettings",
    "RunSettings",
    "SegmentSettings",
    "TrainingSettings",
    "apply_overrides",
    "from_dict",
    "read_toml",
    "to_dict",
    "to_toml",
]
