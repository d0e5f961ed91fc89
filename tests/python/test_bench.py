"""What the benchmarks make of what they measured."""

from __future__ import annotations

import pytest
from harness import criteria, specification, syscalls, tables, targets
from harness.charts import charts
from harness.summary import added, cpu_us, divided, p50_us, paired
from harness.workloads import WORKLOADS


def report(cpu_us: float, p50_us: float = 100) -> dict[str, object]:
    """One round of a thousand requests."""
    return {
        "requests": 1000,
        "latency": {"p50_ns": p50_us * 1000},
        "watched": {"cpu_ns": cpu_us * 1_000_000},
    }


def test_a_ratio_is_the_median_of_the_ratios_within_each_turn() -> None:
    # The machine is three times slower in the second turn, and the proxy unlucky in the third.
    rounds = {"ours": [report(10), report(30), report(40)], "theirs": [report(20), report(60), report(20)]}
    assert paired(rounds, "ours", "theirs", cpu_us, divided) == 0.5


def test_what_is_added_is_taken_against_the_same_turn() -> None:
    rounds = {"ours": [report(1, 150), report(1, 950)], "direct": [report(1, 100), report(1, 900)]}
    assert paired(rounds, "ours", "direct", p50_us, added) == 50


def test_a_row_that_was_not_measured_has_no_ratio() -> None:
    rounds = {"ours": [report(10)]}
    assert paired(rounds, "ours", "theirs", cpu_us, divided) is None
    assert paired(rounds, "theirs", "ours", cpu_us, divided) is None


def test_only_what_stands_between_the_markers_is_written_anew() -> None:
    document = "before\n<a>\nold\n<b>\nafter"
    assert tables.replaced(document, "<a>", "<b>", "new") == "before\n<a>\n\nnew\n\n<b>\nafter"
    with pytest.raises(ValueError, match="lacks a line"):
        tables.replaced(document, "<a>", "<c>", "new")


@pytest.mark.parametrize(("ours", "verdict"), [(59, "reached"), (61, "missed")])
def test_a_target_is_reached_up_to_its_limit(ours: float, verdict: str) -> None:
    workload = {"key": "get-64", "rows": {}, "rounds": {"pocketgate": [report(ours)], "nginx": [report(100)]}}
    rows = targets.table({"workloads": [workload], "binary_bytes": None})
    assert rows[1] == ["CPU per small GET, 64 connections, to nginx's", "0.6", f"{ours / 100:.2f}", verdict]
    assert rows[2][2:] == ["not measured", ""]


def test_targets_name_workloads_and_rows_that_there_are() -> None:
    workloads = {workload.key: workload for workload in WORKLOADS}
    for target in targets.TARGETS:
        rounds = {
            row: [{**report(1), "latency": {"p50_ns": 1, "p99_ns": 1}}]
            for row in workloads[target.workload].rows
        }
        sizes = {"memory_bytes_per_connection": 1, "memory_bytes_before": 1}
        workload = {"rounds": rounds, "rows": {"pocketgate": sizes}}
        assert target.measured(workload) is not None, target


def test_a_criterion_may_be_a_least_or_a_most() -> None:
    shares = {"reused_percent": 89.0, "steady_p99_ms": 49.0}
    rows = {row[1]: row[3:] for row in criteria.table(dict(shares))}
    assert rows["connections reused, 100 requests"] == ["89.0 %", "MISSED"]
    assert rows["p99 at 1,000 requests a second"] == ["49.0 ms", "met"]
    assert rows["buffers used again"] == ["not measured", ""]


def test_samples_are_added_up_over_the_workers() -> None:
    buckets = ['{worker="0",le="0.01"} 3', '{worker="1",le="0.01"} 4', '{worker="1",le="0.1"} 9']
    text = "".join(f"a_bucket{bucket}\n" for bucket in buckets) + "a 1\n"
    assert specification.sample(text, "a_bucket", 'le="0.01"') == 7
    assert specification.sample(text, "a") == 1
    assert specification.sample(text, "b") is None


def test_calls_are_read_from_the_summary_of_strace() -> None:
    rule = "-------------- ------"
    lines = [
        "syscall          calls",
        rule,
        "recvfrom           20",
        "epoll_wait          3",
        rule,
        "total 23",
    ]
    summary = "\n".join(lines) + "\n"
    assert syscalls.parsed(summary) == {"recvfrom": 20, "epoll_wait": 3}


def test_a_chart_shows_each_row_and_its_range() -> None:
    row = {"cpu_us": 20.0, "cpu_us_min": 10.0, "cpu_us_max": 40.0}
    workload = {"key": "x", "title": "A < B", "unit": "event", "chart": True, "rows": {"pocketgate": row}}
    picture = charts({"workloads": [workload, {"chart": False}]})["x.svg"]
    assert "A &lt; B" in picture
    assert 'width="240.0"' in picture  # half of 480
    assert "M310.0 42.0H670.0" in picture
