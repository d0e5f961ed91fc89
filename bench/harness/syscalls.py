"""What proxies ask of the kernel for a request, an event: system calls, counted with strace.

Counts hardly depend on how busy the machine is. A traced proxy is several times slower, so that more
is ready whenever it wakes up, and waits are shared by more requests than in the other tables.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from harness.administration import DIRECT
from harness.processes import StartFailed, find_program
from harness.rounds import loadgen_process, started
from harness.running import Missing, Running
from harness.workloads import Workload

ROWS = ("pocketgate", "nginx unbuffered", "haproxy http no-delay")
KEYS = ("get-1", "get-64", "get-1000", "post-64", "chunks-16", "bulk-4", "sse-500")
KINDS = {
    "reads": ("read", "readv", "recv", "recvfrom", "recvmsg"),
    "writes": ("write", "writev", "send", "sendto", "sendmsg", "sendfile", "splice"),
    "waits": ("epoll_wait", "epoll_pwait", "epoll_pwait2"),
}
WARMUP_SECONDS = 0.5
TRACE_SECONDS = 1.5
ATTACH_TIMEOUT_SECONDS = 5

Figures = dict[str, Any]


def measure(workloads: tuple[Workload, ...]) -> Figures:
    """By workload and proxy, the calls of each kind for one unit."""
    strace = find_program("strace")
    if strace is None:
        return {"skipped": "strace is not installed", "workloads": []}
    chosen = [workload for workload in workloads if workload.key in KEYS]
    return {"workloads": [figures_of(workload, strace) for workload in chosen]}


def figures_of(workload: Workload, strace: str) -> Figures:
    rows: dict[str, Figures] = {}
    skipped: dict[str, str] = {}
    for row in ROWS:
        try:
            with started(workload, ("direct", row)) as lineup:
                skipped |= lineup.skipped
                if row in lineup.running:
                    rows[row] = counted(workload, lineup.running[row], lineup.running["direct"], strace)
        except (Missing, StartFailed) as reason:
            skipped[row] = str(reason)
    return {"title": workload.title, "unit": workload.unit, "rows": rows, "skipped": skipped}


def counted(workload: Workload, proxy: Running, upstream: Running, strace: str) -> Figures:
    """Calls of each kind for one unit, while load runs."""
    seconds = WARMUP_SECONDS + TRACE_SECONDS + ATTACH_TIMEOUT_SECONDS
    with loadgen_process(proxy, workload.loadgen_arguments(proxy), seconds, 0):
        time.sleep(WARMUP_SECONDS)
        with Trace(proxy, strace) as trace:
            before, begin = requests_at(upstream), time.monotonic()
            time.sleep(TRACE_SECONDS)
            units = requests_at(upstream) - before - 1
            if workload.event_rate is not None:
                units = round(workload.event_rate * workload.connections * (time.monotonic() - begin))
        calls = trace.calls
    if units <= 0:
        raise StartFailed("nothing was answered while it was traced")
    kinds = {kind: sum(calls.get(name, 0) for name in names) for kind, names in KINDS.items()}
    kinds["others"] = sum(calls.values()) - sum(kinds.values())
    return {kind: count / units for kind, count in kinds.items()}


class Trace:
    """strace on all threads of a proxy, from the first to the last line of a block."""

    def __init__(self, proxy: Running, strace: str) -> None:
        self.calls: dict[str, int] = {}
        self._pids = proxy.process.pids()
        self._summary = proxy.process.log.with_name("strace")
        traced = [word for pid in self._pids for word in ("-p", str(pid))]
        self._command = [strace, "-f", "-c", "-U", "name,calls", "-o", str(self._summary), *traced]

    def __enter__(self) -> Trace:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + ATTACH_TIMEOUT_SECONDS
        while not all(map(is_traced, self._pids)):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                self._process.wait()
                raise StartFailed("it cannot be traced")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        if self._summary.exists():
            self.calls = parsed(self._summary.read_text())


def is_traced(pid: int) -> bool:
    return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def parsed(summary: str) -> dict[str, int]:
    lines = re.findall(r"^(\w+)\s+(\d+)$", summary, re.MULTILINE)
    return {name: int(calls) for name, calls in lines if name != "total"}


def requests_at(upstream: Running) -> int:
    with DIRECT.open(urllib.request.Request(f"{upstream.base}/statistics"), timeout=5) as response:
        requests: int = json.load(response)["requests"]
    return requests


def table(syscalls: Figures) -> list[list[str]]:
    rows = [
        [workload["title"], name, *(f"{count:.1f}" for count in row.values()), f"{sum(row.values()):.1f}"]
        for workload in syscalls["workloads"]
        for name, row in workload["rows"].items()
    ]
    return [["work", "proxy", *KINDS, "others", "all"], *rows]


def remarks(syscalls: Figures) -> list[str]:
    skipped = [("system calls", syscalls["skipped"])] if "skipped" in syscalls else []
    for workload in syscalls["workloads"]:
        skipped += [(f"{workload['title']}, {row}", reason) for row, reason in workload["skipped"].items()]
    return [f"Not measured: {what} ({reason})." for what, reason in skipped]
