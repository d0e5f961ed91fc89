"""The stored results as tables: aligned for a terminal, Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Result = dict[str, Any]
Row = dict[str, Any]
Table = list[list[str]]

BEGIN = "<!-- bench:begin (written by `bench/run --write-docs`) -->"
END = "<!-- bench:end -->"


def terminal(results: Result) -> str:
    parts = [machine_line(results)]
    for workload in results["workloads"]:
        parts.append(f"{workload['title']}\n{aligned(table_of(workload))}")
        parts.extend(skipped_lines(workload))
    return "\n\n".join(parts)


def markdown(results: Result) -> str:
    parts = [machine_line(results)]
    for workload in results["workloads"]:
        parts.append(f"### {workload['title']}")
        parts.append(piped(table_of(workload)))
        parts.extend(skipped_lines(workload))
    return "\n\n".join(parts)


def replaced(document: str, results: Result) -> str:
    """The document with everything between its two markers written anew."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks a line {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}"


def machine_line(results: Result) -> str:
    machine = results["machine"]
    versions = ", ".join(results["versions"].values())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}"
    return f"Measured {results['date']} ({results['plan']} run) on {where}; {versions}."


def skipped_lines(workload: Result) -> list[str]:
    return [f"Not measured: {name} ({reason})." for name, reason in workload["skipped"].items()]


def table_of(workload: Result) -> Table:
    columns = columns_of(workload)
    rows = [[label(name), *(render(row) for _, render in columns)] for name, row in workload["rows"].items()]
    return [["proxy", *(title for title, _ in columns)], *rows]


def columns_of(workload: Result) -> list[tuple[str, Callable[[Row], str]]]:
    unit, streams = workload["unit"], workload["event_rate"] is not None
    columns: list[tuple[str, Callable[[Row], str]]] = [
        (f"CPU µs/{unit}", lambda row: number(row["cpu_us"])),
        ("range", lambda row: f"{number(row['cpu_us_min'])}-{number(row['cpu_us_max'])}"),
        (f"ratio to {workload['reference']}", lambda row: share(row["ratio"])),
        (f"{unit}s/s", lambda row: f"{row['per_second']:,.0f}"),
        ("p50 µs", lambda row: number(row["p50_us"])),
        ("p99 µs", lambda row: number(row["p99_us"])),
        ("memory MiB", lambda row: number(row["memory_bytes"] / 2**20)),
    ]
    if streams:
        columns.append(("KiB/stream", lambda row: number(row["memory_bytes_per_connection"] / 1024)))
    if any("wrk_cpu_us" in row for row in workload["rows"].values()):
        columns.append(("wrk: CPU µs", lambda row: number(row.get("wrk_cpu_us"))))
        columns.append(("wrk: requests/s", lambda row: f"{row.get('wrk_per_second', 0):,.0f}"))
    columns.append(("errors", lambda row: str(row["errors"])))
    return columns


def label(row: str) -> str:
    # Without a proxy the watched process is the upstream.
    return "direct (the upstream itself)" if row == "direct" else row


def number(value: float | None) -> str:
    """Three digits are what these figures are good for."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def aligned(table: Table) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    )


def piped(table: Table) -> str:
    head, *rows = table
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *rows])
