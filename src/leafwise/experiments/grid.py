"""Grids of settings to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from leafwise.config import ClusteringSettings

DEFAULT_GRID: Mapping[str, Sequence[float]] = {
    "min_cluster_size": (20, 30),
    "min_samples": (10, 20),
    "merge_distance": (0.0, 1.0, 1.25, 1.5),
}


def clustering_grid(
    start: ClusteringSettings, grid: Mapping[str, Sequence[float]] = DEFAULT_GRID
) -> list[ClusteringSettings]:
    """All combinations of the values in `grid`, the other settings as in `start`."""
    combinations: list[dict[str, Any]] = [
        dict(zip(grid, values, strict=True)) for values in product(*grid.values())
    ]
    return [replace(start, **values) for values in combinations]
