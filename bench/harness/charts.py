"""Bar charts of the stored results, as SVG: CPU per unit, with the lowest and the highest round."""

from __future__ import annotations

from html import escape
from typing import Any

from harness.tables import number

Result = dict[str, Any]

WIDTH = 760
LABEL_WIDTH = 190
VALUE_WIDTH = 90
BAR_HEIGHT = 16
ROW_HEIGHT = 24
HEADER_HEIGHT = 34
# Legible on a white page and on a dark one.
TEXT_COLOUR = "#7d8590"
OWN_COLOUR = "#2f81f7"
OTHER_COLOUR = "#8b949e"
RANGE_COLOUR = "#57606a"
FLOOR_COLOUR = "#c9d1d9"


def charts(results: Result) -> dict[str, str]:
    """File name to SVG, for every workload that has a chart and was measured."""
    return {
        f"{workload['key']}.svg": chart(workload)
        for workload in results["workloads"]
        if workload["chart"] and workload["rows"]
    }


def chart(workload: Result) -> str:
    rows: dict[str, Result] = workload["rows"]
    height = HEADER_HEIGHT + ROW_HEIGHT * len(rows) + 6
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / max(row["cpu_us_max"] for row in rows.values())
    title = f"{workload['title']}: CPU µs per {workload['unit']}"
    bars = [
        bar(name, row, HEADER_HEIGHT + ROW_HEIGHT * index, scale)
        for index, (name, row) in enumerate(rows.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="sans-serif" font-size="13" fill="{TEXT_COLOUR}">',
            f"<title>{escape(title)}</title>",
            f'<text x="0" y="18" font-weight="bold">{escape(title)}</text>',
            *bars,
            "</svg>\n",
        ]
    )


def bar(name: str, row: Result, top: int, scale: float) -> str:
    middle, length = top + BAR_HEIGHT / 2, row["cpu_us"] * scale
    low, high = (LABEL_WIDTH + row[edge] * scale for edge in ("cpu_us_min", "cpu_us_max"))
    return "\n".join(
        [
            f'<text x="{LABEL_WIDTH - 8}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}" '
            f'fill="{colour(name)}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{RANGE_COLOUR}" stroke-width="2"/>',
            f'<text x="{high + 6:.1f}" y="{middle + 4.5:.1f}">{number(row["cpu_us"])}</text>',
        ]
    )


def colour(name: str) -> str:
    if name.startswith("pocketgate"):
        return OWN_COLOUR
    return FLOOR_COLOUR if name == "direct" else OTHER_COLOUR
