"""Rows as tables: on the terminal by rich, in a page as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.rows import Note, Result, Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
AXES = {"pixels": "pixels", "instances": "instances", "megapixels": "megapixels", "plants": "plants"}
TITLES = {
    "segment": "End to end: `leafwise segment`",
    "size": "End to end, by the photo's size and its plants",
    "mosaic": "A mosaic, and its photos one by one",
    "inference": "The embedding network",
    "clustering": "Clustering",
    "mrf": "MRF",
    "cluster_net": "ClusterNet",
    "losses": "Losses",
    "training": "Training",
    "metrics": "Metrics",
    "growth": "Growth of each step",
    "peers": "Peers",
}
COLUMNS = {  # names of extras that are not read as they stand
    "sbd": "SBD",
    "sbd_more": "SBD more than hdbscan",
    "abs_dic": "|DiC|",
    "abs_dic_more": "|DiC| more than hdbscan",
    "ari": "ARI",
    "true_leaves": "true leaves",
    "fbd": "FBD",
    "gflop": "GFLOP",
    "peak_mb": "peak MB",
    "more_mb": "MB more at the peak",
    "all_distances_mb": "MB of all distances",
    "size_mb": "MB on the disk",
    "changed_percent": "% of label pixels changed",
    "photos_per_s": "photos a second",
    "whole_command_s": "whole command, s",
}


@dataclass(frozen=True)
class Sheet:
    """A table of text."""

    header: list[str]
    lines: list[list[str]]


def sheets_of(results: Sequence[Result]) -> list[Sheet]:
    """The tables of one stage: rows beside alternatives, and a line for each series that grows."""
    rows = [result for result in results if isinstance(result, Row)]
    sheets = [series_sheet(rows, axis) for axis in AXES if any(axis in row.extras for row in rows)]
    plain = [row for row in rows if not AXES.keys() & row.extras.keys()]
    return [*([_plain_sheet(plain)] if plain else []), *sheets]


def print_stage(stage: str, results: Sequence[Result], console: Console) -> None:
    """Tables and notes of one stage on the terminal."""
    for sheet in sheets_of(results):
        table = Table(title=TITLES.get(stage, stage).replace("`", ""), title_justify="left")
        for number, name in enumerate(sheet.header):
            table.add_column(name, justify="left" if number == 0 else "right")
        for line in sheet.lines:
            table.add_row(*line)
        console.print(table)
    for note in _notes(results):
        console.print(note, markup=False)


def markdown_of(
    machine: Mapping[str, Any], command: str, results: Sequence[Result], plots: Sequence[str]
) -> str:
    """All that was measured, as Markdown; `plots` are pictures beside the page."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in machine["gflops"].items())
    parts = [
        f"`{command}`, {machine['date']}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}; {versions}. "
        f"Load before the run: {machine['load_at_start']}. "
        f"Rates on all cores, float32, GFLOP/s: {rates}."
    ]
    parts += [f"![{Path(plot).stem.replace('-', ' ')}]({plot})" for plot in plots]
    for stage in dict.fromkeys(result.stage for result in results):
        own = [result for result in results if result.stage == stage]
        parts.append(f"### {TITLES.get(stage, stage)}")
        parts += [_markdown(sheet) for sheet in sheets_of(own)]
        parts += _notes(own)
    return "\n\n".join(parts) + "\n"


def put_between_markers(page: Path, text: str) -> None:
    """Replace what a page holds between BEGIN and END. Raises ValueError where it has no such lines."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page}: has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def series_of(rows: Sequence[Row], axis: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each series: what grows, and seconds."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if axis in row.extras and row.seconds is not None:
            series.setdefault(row.case, []).append((float(row.extras[axis]), row.seconds))
    return series


def growth_exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The power of x that y grows with between the first point and the last, by least squares of the logarithms.

    >>> growth_exponent([(1, 2), (2, 8), (4, 32)])
    2.0
    """
    if len(points) < 2:
        return None
    x, y = ([log(value) for value in values] for values in zip(*points, strict=True))
    return round(float(np.polyfit(x, y, 1)[0]), 2)


def series_sheet(rows: Sequence[Row], axis: str) -> Sheet:
    """A line for each series, a column for each value of what grows, and the power that it grows with."""
    own = [row for row in rows if axis in row.extras]
    values = sorted({float(row.extras[axis]) for row in own})
    lines = []
    for case, points in series_of(own, axis).items():
        times = dict(points)
        exponent = growth_exponent(points)
        cells = [time_text(times.get(value)) for value in values]
        lines.append([case, *cells, "" if exponent is None else f"{exponent:.2f}"])
        peaks = {
            float(r.extras[axis]): r.extras["peak_mb"]
            for r in own
            if r.case == case and "peak_mb" in r.extras
        }
        if peaks:
            cells = [f"{peaks[value]:.0f} MB" if value in peaks else "" for value in values]
            lines.append([f"{case}: peak memory", *cells, ""])
    header = [f"{value:,.0f}" if value >= 1 else f"{value:g}" for value in values]
    return Sheet([f"by {AXES[axis]}", *header, "exponent"], lines)


def time_text(seconds: float | None) -> str:
    """Three digits with a unit.

    >>> time_text(0.00123), time_text(12.34), time_text(None)
    ('1.23 ms', '12.3 s', '')
    """
    if seconds is None:
        return ""
    value, unit = (seconds, "s") if seconds >= 1 else (seconds * 1e3, "ms")
    if seconds < 1e-3:
        value, unit = seconds * 1e6, "µs"
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def ratio_text(row: Row) -> str:
    """How many times faster than the alternative, or how many times a floor."""
    if row.ratio is None:
        return ""
    ratio = 1 / row.ratio if row.ratio < 1 and not row.is_floor else row.ratio
    digits = f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"
    if row.is_floor:
        return f"{digits} times its time"
    return f"{digits} times {'faster' if row.ratio >= 1 else 'slower'}"


def _plain_sheet(rows: Sequence[Row]) -> Sheet:
    names = list(dict.fromkeys(name for row in rows for name in row.extras))
    has_alternatives = any(row.alternative for row in rows)
    header = ["", "time", *(["beside", "its time", "ratio"] if has_alternatives else [])]
    lines = []
    for row in rows:
        beside = [row.alternative, time_text(row.alternative_seconds), ratio_text(row)]
        extras = [_value_text(row.extras.get(name)) for name in names]
        lines.append([row.case, time_text(row.seconds), *(beside if has_alternatives else []), *extras])
    header += [COLUMNS.get(name, name.replace("_", " ")) for name in names]
    used = [n for n in range(len(header)) if n == 0 or any(line[n] for line in lines)]
    return Sheet([header[n] for n in used], [[line[n] for n in used] for line in lines])


def _value_text(value: float | int | str | None) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
    return "" if value is None else str(value)


def _markdown(sheet: Sheet) -> str:
    lines = [sheet.header, ["---", *("---:" for _ in sheet.header[1:])], *sheet.lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _notes(results: Sequence[Result]) -> list[str]:
    return [result.text for result in results if isinstance(result, Note)]
