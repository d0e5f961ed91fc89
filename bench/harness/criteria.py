"""The figures that the specifications ask for, as they word them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.tables import number

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Criterion:
    """A figure that must not be above its limit, or, with `at_least`, not below."""

    rows: str
    text: str
    figure: str
    limit: float
    unit: str
    at_least: bool = False

    def is_met(self, measured: float) -> bool:
        return measured >= self.limit if self.at_least else measured <= self.limit


CRITERIA = (
    Criterion("020-SC-001", "connections reused, 100 requests", "reused_percent", 90, "%", at_least=True),
    Criterion(
        "020-NFR-002, 019-SC-003",
        "connections reused, 1,000 requests a second",
        "reused_under_load_percent",
        90,
        "%",
        at_least=True,
    ),
    Criterion("020-SC-002", "p99 at 1,000 requests a second", "steady_p99_ms", 50, "ms"),
    Criterion(
        "020-SC-003, 020-NFR-004, 020-US5-AC1",
        "longest wait of a request at 1,000 a second, which no stall outlasts; median of the slices",
        "steady_longest_ms",
        10,
        "ms",
    ),
    Criterion(
        "020-SC-003, 020-NFR-004",
        "ticks of a worker's clock that came more than 10 ms late, ten a second, all the while",
        "stalls",
        0,
        "",
    ),
    Criterion(
        "020-NFR-005, 020-US5-AC2",
        "p99 of ten slices: the one farthest from their median",
        "jitter_percent",
        20,
        "%",
    ),
    Criterion(
        "020-NFR-001, 019-NFR-001, 005-SC-001",
        "p99 at 1,000 requests a second, without the upstream",
        "added_p99_ms",
        5,
        "ms",
    ),
    Criterion(
        "020-NFR-003, 019-NFR-003", "requests refused or lost at 1,000 connections", "errors_1000", 0, ""
    ),
    Criterion("020-NFR-003", "requests refused or lost at 5,000 connections", "errors_5000", 0, ""),
    Criterion("005-SC-003", "streams and events lost at 1,000 streams", "stream_errors", 0, ""),
    Criterion("019-SC-002", "p99 delay of an event, 1,000 streams", "event_p99_ms", 100, "ms"),
    Criterion("005-SC-004", "first event of an answer, added to p99", "first_event_added_ms", 10, "ms"),
    Criterion(
        "019-NFR-002",
        "first event of an answer, p99, the upstream's 20 ms included",
        "first_event_ms",
        100,
        "ms",
    ),
    Criterion("005-SC-002", "a change is in force after, longest of 20", "effective_ms", 100, "ms"),
    Criterion(
        "005-SC-006", "a proxy whose path is taken is refused after, longest of 20", "conflict_ms", 50, "ms"
    ),
    Criterion(
        "020-SC-004, 020-NFR-006", "an upstream that is back is served again after", "recovery_s", 31, "s"
    ),
    Criterion("020-NFR-006", "… with recovery_timeout 1", "recovery_configured_s", 2, "s"),
    Criterion(
        "020-SC-005", "requests at one time at an upstream limited to 8, during edits", "running_peak", 9, ""
    ),
    Criterion("020-SC-006", "metrics of 500 proxies, longest of 20", "metrics_ms", 50, "ms"),
    Criterion("", "… counted by 8 workers", "metrics_8_workers_ms", 20, "ms"),
    Criterion("020-US5-AC3", "buffers used again", "buffers_reused_percent", 80, "%", at_least=True),
)


def table(figures: Figures) -> list[list[str]]:
    return [["row", "criterion", "required", "measured", ""], *(row_of(each, figures) for each in CRITERIA)]


def row_of(criterion: Criterion, figures: Figures) -> list[str]:
    bound = "≥" if criterion.at_least else "≤"
    required = f"{bound} {criterion.limit:g} {criterion.unit}".strip()
    measured = figures.get(criterion.figure)
    if measured is None:
        return [criterion.rows, criterion.text, required, "not measured", ""]
    verdict = "met" if criterion.is_met(measured) else "MISSED"
    shown = f"{number(measured)} {criterion.unit}" if criterion.unit else f"{measured:.0f}"
    return [criterion.rows, criterion.text, required, shown, verdict]
