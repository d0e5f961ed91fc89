"""The stored results as tables: aligned for a terminal, Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import syscalls, targets

Result = dict[str, Any]
Row = dict[str, Any]
Table = list[list[str]]
Column = tuple[str, Callable[[Row], str]]

BEGIN = "<!-- bench:begin (written by `bench/run --write-docs`) -->"
END = "<!-- bench:end -->"
SPECIFICATION_BEGIN = "<!-- specification:begin (written by `bench/specification --write-docs`) -->"
SPECIFICATION_END = "<!-- specification:end -->"
# The directory of the charts, seen from the document.
CHARTS = "performance"


def terminal(results: Result) -> str:
    parts = [machine_line(results)]
    for workload in results["workloads"]:
        parts.append(f"{workload['title']}\n{aligned(table_of(workload))}")
        parts.extend(skipped_lines(workload))
    if "reload" in results:
        reload = results["reload"]
        parts += [f"{reload['title']}\n{aligned(table_of_reload(reload))}", effective(reload)]
    if "syscalls" in results:
        calls = results["syscalls"]
        parts += [f"System calls for a request or an event\n{aligned(syscalls.table(calls))}"]
        parts += syscalls.remarks(calls)
    parts += skipped_lines(results)
    return "\n\n".join([*parts, aligned(targets.table(results))])


def markdown(results: Result) -> str:
    parts = [machine_line(results), "### Targets", piped(targets.table(results))]
    for workload in results["workloads"]:
        parts.append(f"### {workload['title']}")
        if workload["chart"]:
            parts.append(f"![CPU per {workload['unit']}]({CHARTS}/{workload['key']}.svg)")
        parts.append(piped(table_of(workload)))
        parts.extend(skipped_lines(workload))
    if "reload" in results:
        reload = results["reload"]
        parts += [f"### {reload['title']}", piped(table_of_reload(reload)), effective(reload)]
    if "syscalls" in results:
        calls = results["syscalls"]
        parts += ["### System calls for a request or an event", piped(syscalls.table(calls))]
        parts += syscalls.remarks(calls)
    return "\n\n".join([*parts, *skipped_lines(results)])


def replaced(document: str, begin: str, end: str, text: str) -> str:
    """The document with everything between two of its lines written anew."""
    before, first, rest = document.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(f"the document lacks a line {begin} or {end}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def machine_line(results: Result) -> str:
    versions = ", ".join(results["versions"].values())
    return f"Measured {results['date']} ({results['plan']} run) on {place(results['machine'])}; {versions}."


def place(machine: Result) -> str:
    return f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}"


def skipped_lines(result: Result) -> list[str]:
    return [f"Not measured: {name} ({reason})." for name, reason in result["skipped"].items()]


def table_of(workload: Result) -> Table:
    columns = columns_of(workload)
    rows = [[label(name), *(render(row) for _, render in columns)] for name, row in workload["rows"].items()]
    return [["proxy", *(title for title, _ in columns)], *rows]


def table_of_reload(reload: Result) -> Table:
    figures = {"p50 µs": "p50_us", "p99 µs": "p99_us", "p99.9 µs": "p999_us", "longest µs": "max_us"}
    rows = [
        [name, *(number(row[figure]) for figure in figures.values()), str(row["errors"])]
        for name, row in reload["rows"].items()
    ]
    return [["load", *figures, "errors"], *rows]


def effective(reload: Result) -> str:
    return (
        f"From the commit of an edit until the first request shows it: {reload['effective_ms']:.0f} ms, "
        f"the median of {reload['edits']} (longest {reload['effective_ms_max']:.0f} ms)."
    )


def columns_of(workload: Result) -> list[Column]:
    if workload["command"] == "idle":
        return [
            per_connection(workload),
            MEMORY,
            ("CPU ms/s", lambda row: number(row["cpu_ms_per_second"])),
            ERRORS,
        ]
    unit = workload["unit"]
    columns: list[Column] = [
        (f"CPU µs/{unit}", lambda row: number(row["cpu_us"])),
        ("range", lambda row: f"{number(row['cpu_us_min'])}-{number(row['cpu_us_max'])}"),
        (f"ratio to {workload['reference']}", lambda row: share(row["ratio"])),
        (f"{unit}s/s", lambda row: f"{row['per_second']:,.0f}"),
        *latency_columns(workload),
        MEMORY,
    ]
    if workload["command"] == "sse":
        columns.append(per_connection(workload))
    if any("wrk_cpu_us" in row for row in workload["rows"].values()):
        columns.append(("wrk: CPU µs", lambda row: number(row.get("wrk_cpu_us"))))
        columns.append(("wrk: requests/s", lambda row: f"{row.get('wrk_per_second', 0):,.0f}"))
    return [*columns, ERRORS]


def latency_columns(workload: Result) -> list[Column]:
    if any("gap_p99_us" in row for row in workload["rows"].values()):
        return [
            ("first event: p50 µs", lambda row: number(row["first_p50_us"])),
            ("p99 µs", lambda row: number(row["first_p99_us"])),
            ("added to p50", lambda row: number(row["p50_added_us"])),
            ("added to p99", lambda row: number(row["p99_added_us"])),
            ("gap: p50 µs later", lambda row: number(row["gap_p50_us"])),
            ("p99 µs later", lambda row: number(row["gap_p99_us"])),
        ]
    columns: list[Column] = [
        ("p50 µs", lambda row: number(row["p50_us"])),
        ("p99 µs", lambda row: number(row["p99_us"])),
    ]
    # A proxy's own part can be told only where the proxy is not what limits the load.
    if workload["rate"] is not None or workload["connections"] == 1:
        columns.append(("added to p50", lambda row: number(row["p50_added_us"])))
        columns.append(("added to p99", lambda row: number(row["p99_added_us"])))
    return columns


def per_connection(workload: Result) -> Column:
    what = "stream" if workload["command"] == "sse" else "connection"
    return (f"KiB/{what}", lambda row: number(row["memory_bytes_per_connection"] / 1024))


MEMORY: Column = ("memory MiB", lambda row: number(row["memory_bytes"] / 2**20))
ERRORS: Column = ("errors", lambda row: str(row["errors"]))


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
