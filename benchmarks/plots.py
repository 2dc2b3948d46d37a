"""Plots of the rows as SVG: text that is drawn sharp at any size, without a library."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path

from benchmarks.rows import Result, Row
from benchmarks.tables import AXES, series_of, time_text

COLORS = ("#1b7f4b", "#c2410c", "#1d4ed8", "#7e22ce", "#a16207", "#0e7490", "#be123c", "#4b5563")
WIDTH, LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 860, 80, 300, 40, 60, 420
BAR, BAR_WIDTH, BAR_LEFT = 20, 1000, 540
Points = Sequence[tuple[float, float]]


def draw_plots(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write performance-*.svg into a folder: times against what grows, and times faster than alternatives."""
    rows = [result for result in results if isinstance(result, Row)]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    faster = [row for row in rows if row.ratio is not None and not row.is_floor]
    if faster:
        pictures["ratios"] = bars(
            [(f"{row.case} — {row.alternative}", row.ratio or 1.0) for row in faster],
            "How many times faster than the alternative",
        )
    for axis, name in AXES.items():
        series = {case: points for case, points in series_of(rows, axis).items() if len(points) > 1}
        if series:
            pictures[axis] = lines(series, f"Time by {name}", name)
    paths = []
    for name, text in pictures.items():
        paths.append(folder / f"performance-{name}.svg")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def lines(series: Mapping[str, Points], title: str, x_name: str) -> str:
    """A curve for each series, both axes logarithmic, seconds upward."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    low_x, high_x = log10(min(xs)), max(log10(max(xs)), log10(min(xs)) + 1e-9)
    low_y, high_y = floor(log10(min(ys))), max(ceil(log10(max(ys))), floor(log10(min(ys))) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (log10(x) - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        up = HEIGHT - BOTTOM - (log10(y) - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(up, 1)

    parts = []
    for power in range(low_y, high_y + 1):
        _, y = place(min(xs), 10.0**power)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, time_text(10.0**power), anchor="end"))
    for value in sorted(set(xs)):
        x, _ = place(value, 10.0**low_y)
        parts.append(f'<path d="M{x} {HEIGHT - BOTTOM}v5" stroke="#666"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 20, f"{value:,g}".replace("e+", "e"), anchor="middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name, anchor="middle"))
    for number, (name, points) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        dash = ' stroke-dasharray="6 3"' if number >= len(COLORS) else ""
        corners = [place(*point) for point in sorted(points)]
        path = " ".join(f"{x},{y}" for x, y in corners)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>' for x, y in corners]
        row = TOP + 10 + 22 * number
        parts.append(f'<path d="M{WIDTH - RIGHT + 16} {row}h22" stroke="{color}" stroke-width="3"{dash}/>')
        parts.append(_text(WIDTH - RIGHT + 46, row + 4, name))
    return _svg(WIDTH, HEIGHT, title, parts)


def bars(values: Sequence[tuple[str, float]], title: str) -> str:
    """A bar for each ratio from 1 on, logarithmic: to the right is faster, to the left slower."""
    ratios = [value for _, value in values]
    low, high = min(floor(log10(min(ratios))), 0), max(ceil(log10(max(ratios))), 1)
    height = TOP + BAR * len(values) + BOTTOM

    def place(value: float) -> float:
        return round(BAR_LEFT + (log10(value) - low) / (high - low) * (BAR_WIDTH - BAR_LEFT - 70), 1)

    parts = []
    for power in range(low, high + 1):
        x = place(10.0**power)
        stroke = "#666" if power == 0 else "#ddd"
        parts.append(f'<path d="M{x} {TOP}V{height - BOTTOM}" stroke="{stroke}"/>')
        parts.append(_text(x, height - BOTTOM + 18, f"{10.0**power:g}", anchor="middle"))
    for number, (name, value) in enumerate(values):
        y = TOP + BAR * number
        left, right = sorted((place(1), place(value)))
        color = COLORS[0] if value >= 1 else COLORS[1]
        parts.append(
            f'<rect x="{left}" y="{y + 4}" width="{max(right - left, 1):.1f}" height="12" fill="{color}"/>'
        )
        parts.append(_text(BAR_LEFT - 8, y + 14, _short(name), anchor="end"))
        parts.append(_text(right + 5, y + 14, f"{value:.3g}" if value < 1000 else f"{value:.0f}"))
    return _svg(BAR_WIDTH, height, title, parts)


def _short(text: str, length: int = 96) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="#222">'
    )
    name = f'<text x="{width / 2}" y="22" text-anchor="middle" font-size="15">{escape(title)}</text>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', name, *parts, "</svg>", ""])
