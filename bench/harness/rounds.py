"""Runs a workload: all proxies up, rounds interleaved, what each round measured."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.processes import LOAD_CORE, StartFailed, cpu_ns, find_program, pinned
from harness.proxies import LOADGEN, PROXIES, Missing, Running, probe, start_upstream
from harness.workloads import Workload

# A loadgen that takes this much longer than its run has hung.
SLACK_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    rounds: int
    seconds: float
    warmup: float
    # Streams need longer windows: they make fewer events than closed loops make requests.
    event_rounds: int
    event_seconds: float
    wrk_rounds: int
    wrk_seconds: int


FULL = Plan(rounds=5, seconds=3, warmup=0.5, event_rounds=5, event_seconds=6, wrk_seconds=3, wrk_rounds=3)
QUICK = Plan(rounds=3, seconds=1, warmup=0.3, event_rounds=2, event_seconds=2, wrk_seconds=1, wrk_rounds=1)
SELF_TEST = Plan(
    rounds=1, seconds=0.3, warmup=0.1, event_rounds=1, event_seconds=1, wrk_seconds=1, wrk_rounds=0
)


@dataclass
class Lineup:
    """What takes part in one workload, by row of its table, in the table's order."""

    running: dict[str, Running] = field(default_factory=dict)
    # Row to the reason why it is not in the table.
    skipped: dict[str, str] = field(default_factory=dict)

    def remaining(self) -> list[str]:
        return [row for row in self.running if row not in self.skipped]


@dataclass
class Measured:
    """The rounds of one workload: per row the load generator's reports, in order."""

    workload: Workload
    rounds: dict[str, list[dict[str, Any]]]
    wrk: dict[str, list[dict[str, float]]]
    skipped: dict[str, str]


def measure(workload: Workload, plan: Plan, rows: tuple[str, ...]) -> Measured:
    """Measures `rows` of a workload, in fresh processes so that memory starts from nothing."""
    with started(rows) as lineup:
        rounds = interleaved(workload, plan, lineup)
        wrk = second_opinion(workload, plan, lineup)
    return Measured(workload, rounds, wrk, lineup.skipped)


@contextmanager
def started(rows: tuple[str, ...]) -> Iterator[Lineup]:
    """The upstream, alone the row "direct", and the proxies of the other rows, until the block ends."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pocketgate-bench-")))
        directory.chmod(0o755)  # a server that gives up its rights still has to find its files
        lineup = Lineup()
        upstream = start_upstream(directory)
        stack.callback(upstream.process.stop)
        for row in rows:
            try:
                lineup.running[row] = upstream if row == "direct" else start(row, upstream, directory, stack)
            except (Missing, StartFailed) as reason:
                lineup.skipped[row] = str(reason)
        yield lineup


def start(row: str, upstream: Running, directory: Path, stack: ExitStack) -> Running:
    """Starts a proxy that answers; `stack` stops it."""
    own_directory = directory / row.replace(" ", "-")
    own_directory.mkdir()
    proxy = PROXIES[row](own_directory, upstream.authority)
    stack.callback(proxy.process.stop)
    probe(proxy)
    return proxy


def interleaved(workload: Workload, plan: Plan, lineup: Lineup) -> dict[str, list[dict[str, Any]]]:
    """One round of every row after the other, each time starting with another row."""
    order = lineup.remaining()
    reports: dict[str, list[dict[str, Any]]] = {row: [] for row in order}
    for number in range(plan.rounds if workload.event_rate is None else plan.event_rounds):
        first = number % len(order)
        for row in order[first:] + order[:first]:
            if row in lineup.skipped:
                continue
            try:
                reports[row].append(one_round(workload, plan, lineup.running[row]))
            except StartFailed as reason:
                lineup.skipped[row] = str(reason)
                del reports[row]
    return reports


def one_round(workload: Workload, plan: Plan, proxy: Running) -> dict[str, Any]:
    seconds = plan.seconds if workload.event_rate is None else plan.event_seconds
    timing = ["--duration", str(seconds), "--warmup", str(plan.warmup)]
    watch = ["--watch", ",".join(map(str, proxy.process.pids()))]
    headers = [f"--header={name}: {value}" for name, value in proxy.headers]
    command = [str(LOADGEN), *workload.loadgen_arguments(proxy.base), *headers, *timing, *watch]
    try:
        ended = subprocess.run(
            pinned(LOAD_CORE, command),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + plan.warmup + SLACK_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise StartFailed("the load generator did not end") from error
    if ended.returncode != 0:
        raise StartFailed(ended.stderr.strip())
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def second_opinion(workload: Workload, plan: Plan, lineup: Lineup) -> dict[str, list[dict[str, float]]]:
    """The same requests from wrk, for those who trust a load generator more that they know."""
    wrk = find_program("wrk")
    if not workload.second_opinion or plan.wrk_rounds == 0:
        return {}
    if wrk is None:
        lineup.skipped["wrk"] = "it is not installed"
        return {}
    rows = lineup.remaining()
    opinions: dict[str, list[dict[str, float]]] = {row: [] for row in rows}
    for _ in range(plan.wrk_rounds):
        for row in rows:
            try:
                opinions[row].append(one_wrk_round(wrk, workload, plan, lineup.running[row]))
            except subprocess.CalledProcessError as error:
                lineup.skipped[f"{row} with wrk"] = error.stderr.strip()
    return opinions


def one_wrk_round(wrk: str, workload: Workload, plan: Plan, proxy: Running) -> dict[str, float]:
    load = [f"-c{workload.connections}", f"-d{plan.wrk_seconds}s", workload.url(proxy.base)]
    pids = proxy.process.pids()
    before, start = cpu_ns(pids), time.monotonic()
    command = pinned(LOAD_CORE, [wrk, "-t1", *load])
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    spent, seconds = cpu_ns(pids) - before, time.monotonic() - start
    counted = re.search(r"(\d+) requests in", ended.stdout)
    requests = int(counted.group(1)) if counted else 0
    return {"requests": requests, "seconds": seconds, "cpu_ns": spent}
