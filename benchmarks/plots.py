"""Plots of the rows, as SVG, by matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import Result, Row
from benchmarks.tables import AXES, series_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FASTER, SLOWER = "#1b7f4b", "#c2410c"
LONGEST = 96  # letters of a bar's name
Points = Sequence[tuple[float, float]]


def draw_plots(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write performance-*.svg into a folder: times against what grows, and times faster than alternatives."""
    from matplotlib import rc_context

    rows = [result for result in results if isinstance(result, Row)]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    faster = [row for row in rows if row.ratio is not None and not row.is_floor]
    if faster:
        names = [f"{row.case} — {row.alternative}" for row in faster]
        pictures["ratios"] = bars(names, [row.ratio or 1.0 for row in faster])
    for axis, name in AXES.items():
        series = {case: points for case, points in series_of(rows, axis).items() if len(points) > 1}
        if series:
            pictures[axis] = lines(series, name)
    paths = []
    for name, figure in pictures.items():
        paths.append(folder / f"performance-{name}.svg")
        with rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": name}
        ):  # text as text, the same file every time
            figure.savefig(paths[-1], metadata={"Date": None}, bbox_inches="tight")
    return paths


def lines(series: Mapping[str, Points], axis: str) -> "Figure":
    """A curve of seconds for each series, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure((7, 4))
    axes = figure.subplots()
    for number, (name, points) in enumerate(series.items()):
        xs, seconds = zip(*sorted(points), strict=True)
        axes.plot(xs, seconds, "o-" if number < 10 else "o--", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel=axis, ylabel="seconds", title=f"Time by {axis}")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    return figure


def bars(names: Sequence[str], ratios: Sequence[float]) -> "Figure":
    """A bar for each ratio from 1 on, logarithmic: to the right is faster, to the left slower."""
    from matplotlib.figure import Figure

    figure = Figure((6, 1 + 0.22 * len(names)))
    axes = figure.subplots()
    short = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in names]
    places = range(len(names))  # two may have one name
    colors = [FASTER if ratio >= 1 else SLOWER for ratio in ratios]
    drawn = axes.barh(places, [ratio - 1 for ratio in ratios], left=1, color=colors)
    axes.bar_label(
        drawn, [f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}" for ratio in ratios], padding=3, fontsize=7
    )
    axes.set_yticks(places, short, fontsize=7)
    axes.invert_yaxis()
    axes.set(xscale="log", title="How many times faster than the alternative")
    axes.margins(x=0.15, y=0.01)
    return figure
