"""From the rounds of a workload to the figures of its table: medians, spread, ratios."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from harness.rounds import Measured

Report = dict[str, Any]
Row = dict[str, Any]


def summarise(measured: Measured) -> dict[str, Any]:
    """One workload, ready to be stored and to be printed."""
    workload = measured.workload
    rows = {row: row_of(reports, workload.connections) for row, reports in measured.rounds.items()}
    for row, figures in rows.items():
        figures["ratio"] = ratio(measured, row)
        figures |= wrk_figures(measured, row)
    return {
        "key": workload.key,
        "title": workload.title,
        "unit": workload.unit,
        "connections": workload.connections,
        "event_rate": workload.event_rate,
        "reference": workload.reference,
        "skipped": measured.skipped,
        "rows": rows,
        "rounds": measured.rounds,
        "wrk_rounds": measured.wrk,
    }


def row_of(reports: list[Report], connections: int) -> Row:
    cpu = [cpu_us(report) for report in reports]
    quantiles = "latency" if "latency" in reports[0] else "delay"
    return {
        "cpu_us": median(cpu),
        "cpu_us_min": min(cpu),
        "cpu_us_max": max(cpu),
        "per_second": middle(reports, lambda report: count(report) / report["seconds"]),
        "p50_us": middle(reports, lambda report: report[quantiles]["p50_ns"] / 1000),
        "p99_us": middle(reports, lambda report: report[quantiles]["p99_ns"] / 1000),
        "p999_us": middle(reports, lambda report: report[quantiles]["p999_ns"] / 1000),
        "memory_bytes": middle(reports, lambda report: report["watched"]["resident_bytes"]),
        # The first round: in later ones the process reuses what it has freed.
        "memory_bytes_per_connection": growth(reports[0]) / connections,
        "errors": sum(report["errors"] + report.get("stalled", 0) for report in reports),
    }


def count(report: Report) -> int:
    """Requests or events, at least one so that a dead row does not end the report."""
    counted: int = report["requests"] if "requests" in report else report["events"]
    return max(1, counted)


def cpu_us(report: Report) -> float:
    watched: dict[str, int] = report["watched"]
    return watched["cpu_ns"] / count(report) / 1000


def growth(report: Report) -> int:
    watched: dict[str, int] = report["watched"]
    return max(0, watched["resident_bytes"] - watched["resident_bytes_before"])


def middle(reports: list[Report], figure: Callable[[Report], float]) -> float:
    return median(figure(report) for report in reports)


def ratio(measured: Measured, row: str) -> float | None:
    """CPU per unit against the reference: the median of the ratios within each round."""
    reference = measured.rounds.get(measured.workload.reference)
    if reference is None or row == "direct":
        return None
    pairs = zip(measured.rounds[row], reference, strict=True)
    return median(cpu_us(report) / cpu_us(other) for report, other in pairs)


def wrk_figures(measured: Measured, row: str) -> Row:
    opinions = measured.wrk.get(row)
    if not opinions:
        return {}
    return {
        "wrk_cpu_us": median(cpu / 1000 for cpu in map(wrk_cpu_ns, opinions)),
        "wrk_per_second": median(each["requests"] / each["seconds"] for each in opinions),
    }


def wrk_cpu_ns(opinion: dict[str, float]) -> float:
    return opinion["cpu_ns"] / max(1, opinion["requests"])
