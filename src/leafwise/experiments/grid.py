"""Grids of settings to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from leafwise.config import ClusteringSettings, PipelineSettings, RunSettings, apply_overrides
from leafwise.errors import SettingsError
from leafwise.evaluation.scoring import TRUE_MEANS, Candidate, make_candidates

_HDBSCAN_GRID = {
    "min_cluster_size": (20, 30),
    "min_samples": (10, 20),
    "merge_distance": (0.0, 1.0, 1.25, 1.5),
}
_SEEDS_GRID = {
    "min_cluster_size": (10, 20),
    "min_core_size": (5, 8, 12),
    "seed_radius": (1.5, 1.75, 1.9),
}
GRIDS: Mapping[str, Mapping[str, Sequence[float]]] = {  # of each clustering on a foreground
    "hdbscan": _HDBSCAN_GRID,
    "sklearn_hdbscan": _HDBSCAN_GRID,
    "fast_hdbscan": _HDBSCAN_GRID,
    "seeded": _SEEDS_GRID,
    "mean_shift": _SEEDS_GRID,
}
PAPER_GRID: Mapping[str, Sequence[float]] = {
    "min_cluster_size": (30, 35, 40, 45, 50, 55),
    "min_samples": (0,),
}


def clustering_grid(settings: RunSettings, choices: Sequence[str] = ()) -> list[ClusteringSettings]:
    """What `settings.clustering` may be changed to: all combinations of `key=value1,value2,...`.

    Without choices those of `GRIDS`, or the paper's sizes where the background is an instance. Raises SettingsError
    for a setting that does not exist or has another type.
    """
    if choices:
        keys = [f"clustering.{choice.strip().removeprefix('clustering.')}" for choice in choices]
        changed = varied(settings, keys, option="--grid")
        return [one.clustering for one in changed.values()]
    grid = GRIDS[settings.pipeline.clustering] if settings.net.foreground_head else PAPER_GRID
    return combinations(settings.clustering, grid)


def grid_candidates(
    settings: RunSettings, pipelines: Sequence[str], choices: Sequence[str] = ()
) -> list[Candidate]:
    """Every pipeline with every clustering setting of its own `clustering_grid`. Raises SettingsError as that does.

    A pipeline that begins with true means has the first settings of the settings' own clustering.
    """
    candidates = []
    for steps in pipelines:
        clustering = settings.pipeline.clustering if steps.split("+")[0] == TRUE_MEANS else steps
        own = replace(settings, pipeline=PipelineSettings(clustering))
        candidates += make_candidates([steps], clustering_grid(own, choices), own.segment)
    return candidates


def combinations(start: ClusteringSettings, grid: Mapping[str, Sequence[float]]) -> list[ClusteringSettings]:
    """All combinations of the values in `grid`, the other settings as in `start`."""
    changes: list[dict[str, Any]] = [
        dict(zip(grid, values, strict=True)) for values in product(*grid.values())
    ]
    return [replace(start, **values) for values in changes]


def varied(
    settings: RunSettings, choices: Sequence[str], *, option: str = "--vary"
) -> dict[str, RunSettings]:
    """Settings with all combinations of `section.key=value1,value2,...`, each under a name that says what it is.

    No choices at all give the settings themselves under the name "".

    >>> list(varied(RunSettings(), ["loss.push_margin=1.5,2", "loss.pull_margin=0.5"]))
    ['push_margin=1.5,pull_margin=0.5', 'push_margin=2,pull_margin=0.5']

    Raises SettingsError, which begins with the `option` that they were given by, for a setting that does not exist or
    has another type.
    """
    lists = []
    for choice in choices:
        key, equals, values = choice.partition("=")
        if not equals or not values:
            example = "seed_radius=1.5,1.75" if option == "--grid" else "loss.push_margin=5,10"
            raise SettingsError(f"{option}: {choice} has no values; write them as in {example}")
        lists.append([f"{key.strip()}={value.strip()}" for value in values.split(",")])
    return {
        ",".join(change.partition(".")[2] for change in changes): apply_overrides(
            settings, changes, option=option
        )
        for changes in product(*lists)
    }
