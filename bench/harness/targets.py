"""What the project has set itself, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.summary import Figure, cpu_us, divided, p50_us, p99_us, paired

Result = dict[str, Any]
KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Target:
    """An upper limit of what `measured` finds in a workload, or says nothing about."""

    workload: str
    text: str
    limit: float
    measured: Callable[[Result], float | None]
    unit: str = ""


def ratio(
    reference: str, row: str = "pocketgate", figure: Figure = cpu_us
) -> Callable[[Result], float | None]:
    return lambda workload: paired(workload["rounds"], row, reference, figure, divided)


def size(figure: str, unit_bytes: int) -> Callable[[Result], float | None]:
    def measured(workload: Result) -> float | None:
        row = workload["rows"].get("pocketgate")
        return None if row is None else float(row[figure]) / unit_bytes

    return measured


EVERYTHING = "pocketgate everything"
LOGGED = "pocketgate logged"
BARE = "pocketgate bare"
OPEN = "pocketgate breaker open"
MANY, FEW = "pocketgate 10,000 proxies", "pocketgate 10 proxies"
SATURATED, DEAD = "pocketgate beside a saturated proxy", "pocketgate beside a dead proxy"

TARGETS = (
    Target("get-64", "CPU per small GET, 64 connections, to nginx's", 0.60, ratio("nginx")),
    Target("get-64", "… to HAProxy's in http mode", 0.65, ratio("haproxy http")),
    Target("get-64", "… to HAProxy's in tcp mode", 1.00, ratio("haproxy tcp")),
    Target("get-64", "… to Envoy's", 0.18, ratio("envoy")),
    Target("get-64", "… to Caddy's", 0.15, ratio("caddy")),
    Target("get-64", "… to the Go program's", 0.17, ratio("go")),
    Target("get-1000", "CPU per small GET, 1,000 connections, to nginx's", 0.50, ratio("nginx")),
    Target("get-1000", "… to HAProxy's in http mode", 0.50, ratio("haproxy http")),
    Target("post-64", "CPU per POST of 1 KiB to nginx's", 0.65, ratio("nginx")),
    Target("chunks-16", "CPU per response of 100 chunks to HAProxy's (http)", 0.75, ratio("haproxy http")),
    Target("bulk-4", "CPU per response of 10 MiB to nginx's (buffering on)", 0.40, ratio("nginx")),
    Target("bulk-4", "… to HAProxy's in http mode", 0.60, ratio("haproxy http")),
    Target("sse-500", "CPU per event, 500 streams of 20/s, to nginx's", 0.75, ratio("nginx unbuffered")),
    Target("sse-500", "delay of an event, p50, to nginx's", 0.60, ratio("nginx unbuffered", figure=p50_us)),
    Target("sse-500", "delay of an event, p99, to nginx's", 0.80, ratio("nginx unbuffered", figure=p99_us)),
    Target("get-1", "latency at 1 connection, p50, to HAProxy's", 0.70, ratio("haproxy http", figure=p50_us)),
    Target("get-1", "latency at 1 connection, p99, to nginx's", 1.00, ratio("nginx", figure=p99_us)),
    Target("features-64", "everything on, CPU to plain nginx's", 0.75, ratio("nginx", EVERYTHING)),
    Target("features-64", "everything on, CPU to everything off", 1.10, ratio(BARE, EVERYTHING)),
    Target("features-64", "metrics and access log on, CPU to off", 1.08, ratio(BARE, LOGGED)),
    Target("proxies-64", "10,000 proxies, CPU to 10", 1.05, ratio(FEW, MANY)),
    Target("refusals-64", "refused by an open breaker, CPU to forwarded", 0.33, ratio("pocketgate", OPEN)),
    Target("neighbour-16", "beside a saturated proxy, CPU to alone", 1.05, ratio("pocketgate", SATURATED)),
    Target("neighbour-16", "… p99 to alone", 1.10, ratio("pocketgate", SATURATED, p99_us)),
    Target("neighbour-16", "beside a dead proxy, CPU to alone", 1.05, ratio("pocketgate", DEAD)),
    Target("neighbour-16", "… p99 to alone", 1.10, ratio("pocketgate", DEAD, p99_us)),
    Target("sse-500", "memory per open stream", 3, size("memory_bytes_per_connection", KIB), "KiB"),
    Target("idle-1000", "memory per idle connection", 2, size("memory_bytes_per_connection", KIB), "KiB"),
    Target("idle-1000", "memory of an idle process", 12, size("memory_bytes_before", MIB), "MiB"),
)
BINARY_LIMIT_MIB = 20
EFFECTIVE_LIMIT_MS = 100
# How much longer the longest wait may be while everything is edited.
STALL_LIMIT_MS = 2


def table(results: Result) -> list[list[str]]:
    """All targets whose workload was measured."""
    workloads = {workload["key"]: workload for workload in results["workloads"]}
    rows = [
        row_of(target.text, target.limit, target.measured(workloads[target.workload]), target.unit)
        for target in TARGETS
        if target.workload in workloads
    ]
    rows += rows_of_reload(results.get("reload"))
    program = results["binary_bytes"]
    size_mib = None if program is None else program / MIB
    rows.append(row_of("the program, without symbols", BINARY_LIMIT_MIB, size_mib, "MiB"))
    return [["target", "at most", "measured", ""], *rows]


def rows_of_reload(reload: Result | None) -> list[list[str]]:
    if reload is None:
        return []
    quiet, edited = reload["rows"]["without edits"], reload["rows"]["with edits"]
    stall_ms = max(0, edited["max_us"] - quiet["max_us"]) / 1000
    return [
        row_of("10,000 edited proxies are in force after", EFFECTIVE_LIMIT_MS, reload["effective_ms"], "ms"),
        row_of("… by which the longest wait grows", STALL_LIMIT_MS, stall_ms, "ms"),
    ]


def row_of(text: str, limit: float, measured: float | None, unit: str) -> list[str]:
    required = f"{limit:g} {unit}".strip()
    if measured is None:
        return [text, required, "not measured", ""]
    return [text, required, f"{measured:.2f} {unit}".strip(), "reached" if measured <= limit else "missed"]
