"""From the rounds of a workload to the figures of its table: medians, spread, ratios."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from harness.rounds import Measured
from harness.workloads import Workload

Report = dict[str, Any]
Row = dict[str, Any]
Figure = Callable[[Report], float]


def summarise(measured: Measured) -> dict[str, Any]:
    """One workload, ready to be stored and to be printed."""
    workload = measured.workload
    rows = {row: row_of(reports, workload) for row, reports in measured.rounds.items()}
    for row, figures in rows.items():
        figures["ratio"] = paired(measured.rounds, row, workload.reference, cpu_us, divided)
        figures |= added_to_direct(measured.rounds, row) | wrk_figures(measured, row)
    return {
        "key": workload.key,
        "title": workload.title,
        "unit": workload.unit,
        "command": workload.command,
        "connections": workload.connections,
        "event_rate": workload.event_rate,
        "rate": workload.rate,
        "reference": workload.reference,
        "chart": workload.chart,
        "skipped": measured.skipped,
        "rows": rows,
        "rounds": measured.rounds,
        "wrk_rounds": measured.wrk,
    }


def row_of(reports: list[Report], workload: Workload) -> Row:
    figures: Row = {
        "memory_bytes": middle(reports, lambda report: report["watched"]["resident_bytes"]),
        # The first round: in later ones the process reuses what it has freed.
        "memory_bytes_before": reports[0]["watched"]["resident_bytes_before"],
        "memory_bytes_per_connection": growth(reports[0]) / workload.connections,
        "errors": sum(report["errors"] + report.get("stalled", 0) for report in reports),
        "cpu_ms_per_second": middle(reports, cpu_ms_per_second),
    }
    return figures if workload.command == "idle" else figures | row_of_traffic(reports)


def row_of_traffic(reports: list[Report]) -> Row:
    cpu = [cpu_us(report) for report in reports]
    return {
        "cpu_us": median(cpu),
        "cpu_us_min": min(cpu),
        "cpu_us_max": max(cpu),
        "per_second": middle(reports, lambda report: count(report) / report["seconds"]),
        "p50_us": middle(reports, p50_us),
        "p99_us": middle(reports, p99_us),
        "p999_us": middle(reports, lambda report: quantiles(report)["p999_ns"] / 1000),
        "max_us": max(quantiles(report)["max_ns"] / 1000 for report in reports),
        **(row_of_events(reports) if reports[0].get("event_times") else {}),
    }


def row_of_events(reports: list[Report]) -> Row:
    def of(series: str, quantile: str) -> float:
        return middle(reports, lambda report: report["event_times"][series][quantile] / 1000)

    return {
        "first_p50_us": of("first", "p50_ns"),
        "first_p99_us": of("first", "p99_ns"),
        "gap_p50_us": of("gap", "p50_ns"),
        "gap_p99_us": of("gap", "p99_ns"),
    }


def quantiles(report: Report) -> dict[str, int]:
    """What waiting is about: for streams of many events the event, otherwise the request."""
    if report.get("event_times"):
        first: dict[str, int] = report["event_times"]["first"]
        return first
    found: dict[str, int] = report["latency"] if "latency" in report else report["delay"]
    return found


def p50_us(report: Report) -> float:
    return quantiles(report)["p50_ns"] / 1000


def p99_us(report: Report) -> float:
    return quantiles(report)["p99_ns"] / 1000


def count(report: Report) -> int:
    """Requests or events, at least one so that a dead row does not end the report."""
    counted: int = report["events"] if "delay" in report else report["requests"]
    return max(1, counted)


def cpu_us(report: Report) -> float:
    watched: dict[str, int] = report["watched"]
    return watched["cpu_ns"] / count(report) / 1000


def cpu_ms_per_second(report: Report) -> float:
    watched: dict[str, int] = report["watched"]
    return watched["cpu_ns"] / 1e6 / float(report["seconds"])


def growth(report: Report) -> int:
    watched: dict[str, int] = report["watched"]
    return max(0, watched["resident_bytes"] - watched["resident_bytes_before"])


def middle(reports: list[Report], figure: Figure) -> float:
    return median(figure(report) for report in reports)


def paired(
    rounds: dict[str, list[Report]],
    row: str,
    other: str,
    figure: Figure,
    compare: Callable[[float, float], float],
) -> float | None:
    """A figure compared with another row's: the median of the comparisons within each turn."""
    ours, others = rounds.get(row), rounds.get(other)
    if row == "direct" or not ours or not others or "connections" in ours[0]:
        return None  # nothing to compare with, or connections that idle
    pairs = zip(ours, others, strict=False)
    return median(compare(figure(report), figure(reference)) for report, reference in pairs)


def divided(value: float, reference: float) -> float:
    return value / reference


def added(value: float, reference: float) -> float:
    return value - reference


def added_to_direct(rounds: dict[str, list[Report]], row: str) -> Row:
    figures = {"p50_added_us": p50_us, "p99_added_us": p99_us}
    return {name: paired(rounds, row, "direct", figure, added) for name, figure in figures.items()}


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
