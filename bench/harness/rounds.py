"""Runs a workload: all proxies up, rounds interleaved, what each round measured."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.processes import LOAD_CORE, StartFailed, cpu_ns, find_program, pinned
from harness.proxies import LOADGEN, PROXIES, probe, start_upstream
from harness.running import Missing, Running, Site
from harness.workloads import Workload

# A loadgen that takes this much longer than its run has hung.
SLACK_SECONDS = 60
EVENTS_WARMUP_SECONDS = 1


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    name: str
    rounds: int
    seconds: float
    warmup: float
    # Streams need longer windows: they make fewer events than closed loops make requests.
    event_seconds: float
    # The first round says what there is to say about memory.
    idle_rounds: int
    wrk_rounds: int
    wrk_seconds: int

    def rounds_of(self, workload: Workload) -> int:
        return self.idle_rounds if workload.command == "idle" else self.rounds

    def warmup_of(self, workload: Workload) -> float:
        # An answer of many events has to be under way on every connection.
        return max(self.warmup, EVENTS_WARMUP_SECONDS) if workload.events else self.warmup

    def seconds_of(self, workload: Workload) -> float:
        return self.event_seconds if workload.command == "sse" or workload.events else self.seconds


FULL = Plan(
    "full", rounds=5, seconds=1, warmup=0.3, event_seconds=2, idle_rounds=1, wrk_rounds=3, wrk_seconds=2
)
QUICK = Plan(
    "quick", rounds=3, seconds=0.7, warmup=0.2, event_seconds=1, idle_rounds=1, wrk_rounds=0, wrk_seconds=0
)
SELF_TEST = Plan(
    "self-test",
    rounds=1,
    seconds=0.3,
    warmup=0.1,
    event_seconds=1,
    idle_rounds=1,
    wrk_rounds=0,
    wrk_seconds=0,
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
    with started(workload, rows) as lineup:
        if workload.command == "sse":
            meet(workload, lineup)
        rounds = interleaved(workload, plan, lineup)
        wrk = second_opinion(workload, plan, lineup)
    return Measured(workload, rounds, wrk, lineup.skipped)


@contextmanager
def started(workload: Workload, rows: tuple[str, ...]) -> Iterator[Lineup]:
    """The upstream, alone the row "direct", and the proxies of the other rows, until the block ends."""
    with ExitStack() as stack:
        directory = scratch(stack)
        lineup = Lineup()
        upstream = start_upstream(directory)
        stack.callback(upstream.stop)
        for row in rows:
            try:
                lineup.running[row] = (
                    upstream
                    if row == "direct"
                    else start(row, site_of(row, directory, upstream, workload.connections), stack)
                )
            except (Missing, StartFailed) as reason:
                lineup.skipped[row] = str(reason)
        yield lineup


def scratch(stack: ExitStack) -> Path:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pocketgate-bench-")))
    directory.chmod(0o755)  # a server that gives up its rights still has to find its files
    return directory


def site_of(row: str, directory: Path, upstream: Running, connections: int) -> Site:
    own_directory = directory / row.replace(" ", "-").replace(",", "")
    own_directory.mkdir()
    return Site(own_directory, upstream.authority, connections)


def start(row: str, site: Site, stack: ExitStack) -> Running:
    """Starts a proxy that answers; `stack` stops it."""
    proxy = PROXIES[row](site)
    stack.callback(proxy.stop)
    probe(proxy)
    return proxy


def meet(workload: Workload, lineup: Lineup) -> None:
    """One stream through each proxy: what the first makes resident of the program is no memory of each."""
    single = replace(workload, connections=1)
    for row in lineup.remaining():
        try:
            one_round(single, SELF_TEST, lineup.running[row])
        except StartFailed as reason:
            lineup.skipped[row] = str(reason)


def interleaved(workload: Workload, plan: Plan, lineup: Lineup) -> dict[str, list[dict[str, Any]]]:
    """One round of every row after the other, each time starting with another row."""
    order = lineup.remaining()
    reports: dict[str, list[dict[str, Any]]] = {row: [] for row in order}
    for number in range(plan.rounds_of(workload) if order else 0):
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
    return loadgen(
        proxy, workload.loadgen_arguments(proxy), plan.seconds_of(workload), plan.warmup_of(workload)
    )


def loadgen(proxy: Running, arguments: list[str], seconds: float, warmup: float) -> dict[str, Any]:
    """The report of one run of the load generator, with what `proxy` used."""
    with loadgen_process(proxy, arguments, seconds, warmup) as process:
        return report_of(process, seconds + warmup)


@contextmanager
def loadgen_process(
    proxy: Running, arguments: list[str], seconds: float, warmup: float
) -> Iterator[subprocess.Popen[str]]:
    """A run of the load generator, which ends with the block at the latest."""
    timing = ["--duration", str(seconds), "--warmup", str(warmup)]
    watch = ["--watch", ",".join(map(str, proxy.process.pids()))]
    process = subprocess.Popen(
        pinned(LOAD_CORE, [str(LOADGEN), *arguments, *timing, *watch]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # has no effect on one that has ended


def report_of(process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    try:
        printed, complaint = process.communicate(timeout=seconds + SLACK_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise StartFailed("the load generator did not end") from error
    if process.returncode != 0:
        raise StartFailed(complaint.strip())
    report: dict[str, Any] = json.loads(printed)
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
    load = [f"-c{workload.connections}", f"-d{plan.wrk_seconds}s", proxy.url(workload.path)]
    pids = proxy.process.pids()
    before, start = cpu_ns(pids), time.monotonic()
    command = pinned(LOAD_CORE, [wrk, "-t1", *load])
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    spent, seconds = cpu_ns(pids) - before, time.monotonic() - start
    counted = re.search(r"(\d+) requests in", ended.stdout)
    requests = int(counted.group(1)) if counted else 0
    return {"requests": requests, "seconds": seconds, "cpu_ns": spent}
