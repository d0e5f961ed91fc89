"""Hot reload: ten thousand proxies are edited at once while requests run."""

from __future__ import annotations

import http.client
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from harness import pocketgate
from harness.processes import StartFailed
from harness.proxies import start_upstream
from harness.rounds import Plan, loadgen_process, report_of, scratch, site_of
from harness.running import PREFIX, Running

PROXIES = 10_000
CONNECTIONS = 64
REQUESTS_PER_SECOND = 1000
# Between two edits, so that each meets a gateway that is done with the one before.
PAUSE_SECONDS = 0.3
# Switched off and on by every edit, and asked until it shows.
PROBE = "/probe"
EFFECTIVE_TIMEOUT_SECONDS = 10

FORM = pocketgate.Form(
    lambda upstream: [*pocketgate.numbered(PROXIES)(upstream), pocketgate.proxy(upstream, PROBE)],
    spread=PROXIES,
    prefix=f"{PREFIX}{{n}}",
)

Figures = dict[str, Any]


def measure(plan: Plan) -> Figures:
    """Rounds with and without edits, in turn."""
    with started() as running:
        quiet: list[Figures] = []
        edited: list[Figures] = []
        effective: list[float] = []
        for _ in range(plan.rounds):
            quiet.append(one_round(plan, running, effective=None))
            edited.append(one_round(plan, running, effective))
    return {
        "title": f"Edits of {PROXIES:,} proxies at once, {REQUESTS_PER_SECOND:,} requests a second",
        "proxies": PROXIES,
        "effective_ms": median(effective),
        "effective_ms_max": max(effective),
        "edits": len(effective),
        "rows": {"without edits": row_of(quiet), "with edits": row_of(edited)},
        "rounds": {"without edits": quiet, "with edits": edited, "effective_ms": effective},
    }


@contextmanager
def started() -> Iterator[Running]:
    with ExitStack() as stack:
        directory = scratch(stack)
        upstream = start_upstream(directory)
        stack.callback(upstream.stop)
        running = pocketgate.start(site_of("pocketgate", directory, upstream, CONNECTIONS), FORM)
        stack.callback(running.stop)
        yield running


def one_round(plan: Plan, running: Running, effective: list[float] | None) -> Figures:
    """The load generator's report; with a list, edits are made until it ends and their times go into it."""
    load = ["load", running.url("/1k"), "--connections", str(CONNECTIONS), "--spread", str(running.spread)]
    load += ["--rate", str(REQUESTS_PER_SECOND)]
    with loadgen_process(running, load, plan.event_seconds, plan.warmup) as process:
        if effective is not None:
            time.sleep(plan.warmup)
            edit_until_end(process, running, effective)
        return report_of(process, plan.event_seconds + plan.warmup)


def edit_until_end(process: subprocess.Popen[str], running: Running, effective: list[float]) -> None:
    database = running.process.log.parent / "data" / "data.db"
    while process.poll() is None:
        effective.append(1000 * edit(database, running))
        time.sleep(PAUSE_SECONDS)


def edit(database: Path, running: Running) -> float:
    """Changes every proxy in one transaction; the seconds from its commit until a request shows it."""
    with closing(sqlite3.connect(database, timeout=EFFECTIVE_TIMEOUT_SECONDS)) as connection, connection:
        connection.execute("UPDATE _proxies SET timeout = timeout % 60 + 1")
        connection.execute("UPDATE _proxies SET active = NOT active WHERE path = ?", [PROBE])
        (active,) = connection.execute("SELECT active FROM _proxies WHERE path = ?", [PROBE]).fetchone()
    begin = time.monotonic()
    expected = 200 if active else 404
    with closing(http.client.HTTPConnection(running.authority, timeout=5)) as client:
        while status_of(client) != expected:
            if time.monotonic() - begin > EFFECTIVE_TIMEOUT_SECONDS:
                raise StartFailed("an edit did not take effect")
    return time.monotonic() - begin


def status_of(client: http.client.HTTPConnection) -> int:
    client.request("GET", f"{PROBE}/1k")
    response = client.getresponse()
    response.read()
    return response.status


def row_of(reports: list[Figures]) -> Figures:
    def of(quantile: str) -> list[float]:
        return [report["latency"][quantile] / 1000 for report in reports]

    return {
        "p50_us": median(of("p50_ns")),
        "p99_us": median(of("p99_ns")),
        "p999_us": median(of("p999_ns")),
        # Of the rounds, the middle one: the longest of all is the machine's more often than ours.
        "max_us": median(of("max_ns")),
        "errors": sum(report["errors"] + report["stalled"] for report in reports),
    }
