"""The measurements behind the criteria of the specifications.

Each takes a few seconds but the steady load, which the specification wants for five minutes, and the
recovery of a breaker, which takes the 30 s that it is set to.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from harness import pocketgate
from harness.administration import DIRECT, administrator_token, call
from harness.criteria import Figures
from harness.pocketgate import FORMS, Form, proxy
from harness.processes import LOAD_CORE, Pinned, StartFailed, free_port
from harness.proxies import LOADGEN, start_upstream
from harness.rounds import loadgen, loadgen_process, report_of, scratch, site_of
from harness.running import Running
from harness.workloads import CONNECTIONS_PER_SOURCE

RECORDS = "/api/collections/_proxies/records"
METRICS = "/api/gateway/metrics"
REQUESTS_PER_SECOND = 1000
SLICES = 10
TRIES = 20
WARMUP_SECONDS = 1
LIMIT = 8
METRICS_PROXIES = 500
# What a worker may be late; the bound of a bucket.
STALL_SECONDS = 0.01
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Durations:
    """Of what takes long, in seconds."""

    slice: float
    crowd: float
    edits: float
    metrics: float


AS_SPECIFIED = Durations(slice=30, crowd=10, edits=10, metrics=5)
SHORT = Durations(slice=1, crowd=1, edits=1, metrics=1)


def measure(durations: Durations, say: Callable[[str], None]) -> Figures:
    figures: Figures = {}
    for experiment in EXPERIMENTS:
        say(f"measuring: {(experiment.__doc__ or '').splitlines()[0].rstrip('.')}")
        try:
            figures |= experiment(durations)
        except (StartFailed, OSError) as reason:
            say(f"not measured: {reason}")
    return figures


@contextmanager
def started(form: Form, connections: int = 64) -> Iterator[tuple[Running, Running]]:
    """A gateway, and the upstream behind it."""
    with ExitStack() as stack:
        directory = scratch(stack)
        upstream = start_upstream(directory)
        stack.callback(upstream.stop)
        gateway = pocketgate.start(site_of("pocketgate", directory, upstream, connections), form)
        stack.callback(gateway.stop)
        yield gateway, upstream


def reuse(_durations: Durations) -> Figures:
    """Connections that a hundred requests need, one after another."""
    with started(FORMS["pocketgate"]) as (gateway, upstream):
        before = statistics(upstream)
        for _ in range(100):
            fetch(gateway.url("/1k"))
        after = statistics(upstream)
    return {"reused_percent": reused_percent(before, after)}


def steady(durations: Durations) -> Figures:
    """A thousand requests a second, in ten slices."""
    with started(replace(FORMS["pocketgate"], with_administrator=True)) as (gateway, upstream):
        before = statistics(upstream)
        slices = [steady_slice(gateway, durations.slice) for _ in range(SLICES)]
        after = statistics(upstream)
        direct = steady_slice(upstream, durations.slice)
        counted = own_metrics(gateway)
    p99 = [milliseconds(each, "p99_ns") for each in slices]
    middle = median(p99)
    lost = sum(each["errors"] + each["stalled"] for each in slices)
    return {
        "steady_p99_ms": max(p99) if lost == 0 else None,
        "steady_longest_ms": median(milliseconds(each, "max_ns") for each in slices),
        "jitter_percent": 100 * max(abs(each - middle) for each in p99) / middle,
        "added_p99_ms": middle - milliseconds(direct, "p99_ns"),
        "reused_under_load_percent": reused_percent(before, after),
        **counted,
    }


def steady_slice(target: Running, seconds: float) -> dict[str, Any]:
    rate = ["--rate", str(REQUESTS_PER_SECOND), "--connections", "64"]
    return loadgen(target, ["load", target.url("/1k"), *rate], seconds, WARMUP_SECONDS)


def crowds(durations: Durations) -> Figures:
    """A thousand and five thousand connections at one time."""
    figures: Figures = {}
    for connections in (1000, 5000):
        with started(FORMS["pocketgate"], connections) as (gateway, _):
            shape = ["--connections", str(connections), "--sources", sources(connections)]
            report = loadgen(gateway, ["load", gateway.url("/1k"), *shape], durations.crowd, WARMUP_SECONDS)
        figures[f"errors_{connections}"] = report["errors"] + report["stalled"] + report["reconnects"]
    return figures


def streams(durations: Durations) -> Figures:
    """A thousand streams of twenty events a second."""
    with started(FORMS["pocketgate"], 1000) as (gateway, _):
        shape = ["--streams", "1000", "--sources", sources(1000)]
        report = loadgen(
            gateway, ["sse", gateway.url("/sse?rate=20"), *shape], durations.crowd, WARMUP_SECONDS
        )
    lost = report["errors"] + 1000 - report["streams"]
    return {"stream_errors": lost, "event_p99_ms": report["delay"]["p99_ns"] / 1e6}


def first_events(durations: Durations) -> Figures:
    """The first event of an answer."""
    path = "/chat?first=20&gap=10&events=10"
    shape = ["--connections", "50", "--rate", "100", "--post", "1024", "--events"]
    with started(FORMS["pocketgate"]) as running:
        through, direct = (
            loadgen(each, ["load", each.url(path), *shape], durations.crowd, WARMUP_SECONDS)["event_times"]
            for each in running
        )
    first_ms = through["first"]["p99_ns"] / 1e6
    return {"first_event_ms": first_ms, "first_event_added_ms": first_ms - direct["first"]["p99_ns"] / 1e6}


def administration(_durations: Durations) -> Figures:
    """Changes that take effect, and conflicts."""
    with started(replace(FORMS["pocketgate"], with_administrator=True)) as (gateway, upstream):
        token = administrator_token(gateway.base)
        record = {**proxy(upstream.authority, "/edited"), "active": True}
        created = call(f"{gateway.base}{RECORDS}", record, token)
        url = f"{gateway.base}{RECORDS}/{created['id']}"
        effective = [effective_ms(gateway, url, token, active=bool(number % 2)) for number in range(TRIES)]
        conflicts = [conflict_ms(gateway, record, token) for _ in range(TRIES)]
    return {"effective_ms": max(effective), "conflict_ms": max(conflicts)}


def effective_ms(gateway: Running, url: str, token: str, *, active: bool) -> float:
    """From the answer to a change until a request shows it."""
    call(url, {"active": active}, token, method="PATCH")
    return until_status(f"{gateway.base}/edited/1k", 200 if active else 404)


def conflict_ms(gateway: Running, record: dict[str, Any], token: str) -> float:
    begin = time.monotonic()
    try:
        call(f"{gateway.base}{RECORDS}", record, token)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return 1000 * (time.monotonic() - begin)
    raise StartFailed("a path that is taken was accepted")


def recovery(_durations: Durations) -> Figures:
    """An upstream that comes back after its breaker has opened."""
    return {
        "recovery_s": recovery_seconds({"enabled": True}),
        "recovery_configured_s": recovery_seconds({"enabled": True, "recovery_timeout": 1}),
    }


def recovery_seconds(breaker: dict[str, Any]) -> float:
    port = free_port()
    form = Form(lambda _: [proxy(f"127.0.0.1:{port}", circuitBreaker=breaker)])
    with started(form) as (gateway, _):
        url = gateway.url("/1k")
        until_status(url, 503)
        begin = time.monotonic()
        command = [str(LOADGEN), "upstream", "--listen", f"127.0.0.1:{port}"]
        back = Pinned(LOAD_CORE, command, gateway.process.log.parent / "back.log")
        try:
            back.address()
            until_status(url, 200)
            return time.monotonic() - begin
        finally:
            back.stop()


def limit(durations: Durations) -> Figures:
    """A limit that holds while the proxy is edited."""
    queue = {"max_waiting": 100, "timeout": 5}
    form = Form(lambda upstream: [proxy(upstream, maxConcurrent=LIMIT, queueConfig=queue)])
    with started(form) as (gateway, upstream):
        load = ["load", gateway.url("/1k?delay=5"), "--connections", "64"]
        database = gateway.process.log.parent / "data" / "data.db"
        with loadgen_process(gateway, load, durations.edits, WARMUP_SECONDS) as process:
            while process.poll() is None:
                with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
                    connection.execute("UPDATE _proxies SET timeout = timeout % 60 + 1")
                time.sleep(0.02)
            report_of(process, durations.edits)
        return {"running_peak": statistics(upstream)["running_peak"]}


def metrics(durations: Durations) -> Figures:
    """Metrics of five hundred proxies, all served by each of one and of eight workers."""
    return {
        "metrics_ms": metrics_ms(1, durations.metrics),
        "metrics_8_workers_ms": metrics_ms(8, durations.metrics),
    }


def metrics_ms(workers: int, seconds: float) -> float:
    """How long the slowest scrape takes."""
    many = pocketgate.numbered(METRICS_PROXIES)
    form = Form(many, with_administrator=True, workers=workers, spread=METRICS_PROXIES, prefix="/b{n}")
    with started(form) as (gateway, _):
        # New connections go to all workers in turn.
        shape = ["--connections", "64", "--spread", str(METRICS_PROXIES), "--fresh"]
        loadgen(gateway, ["load", gateway.url("/1k"), *shape], seconds, 0)
        token = administrator_token(gateway.base)
        return max(fetch(f"{gateway.base}{METRICS}", token)[0] for _ in range(TRIES))


EXPERIMENTS = (reuse, steady, crowds, streams, first_events, administration, recovery, limit, metrics)


def own_metrics(gateway: Running) -> Figures:
    """What only the gateway knows: buffers that were used again, and ticks that came late."""
    try:
        _, text = fetch(f"{gateway.base}{METRICS}", administrator_token(gateway.base))
    except StartFailed:
        return {}
    ticks = sample(text, "gateway_worker_stall_seconds_count")
    in_time = sample(text, "gateway_worker_stall_seconds_bucket", f'le="{STALL_SECONDS}"')
    taken, reused = (sample(text, f"gateway_buffers_{kind}_total") for kind in ("taken", "reused"))
    return {
        "stalls": None if ticks is None or in_time is None else ticks - in_time,
        "buffers_reused_percent": None if not taken or reused is None else 100 * reused / taken,
    }


def sample(text: str, name: str, label: str = "") -> float | None:
    """The sum of a metric's samples that have a label, in Prometheus's text form; None without any."""
    lines = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
    values = [float(value) for labels, value in lines if label in labels]
    return sum(values) if values else None


def statistics(upstream: Running) -> dict[str, int]:
    seen: dict[str, int] = json.loads(fetch(f"{upstream.base}/statistics")[1])
    return seen


def reused_percent(before: dict[str, int], after: dict[str, int]) -> float:
    """Of the requests between two looks, each of which is a connection and a request itself."""
    connections = after["connections"] - before["connections"] - 1
    requests = after["requests"] - before["requests"] - 1
    return 100 * (1 - connections / requests)


def fetch(url: str, token: str = "") -> tuple[float, str]:
    """Milliseconds, and the body; anything but 200 fails."""
    request = urllib.request.Request(url, headers={"Authorization": token} if token else {})
    begin = time.monotonic()
    try:
        with DIRECT.open(request, timeout=5) as response:
            text = response.read().decode(errors="replace")
    except OSError as error:
        raise StartFailed(f"{url}: {error}") from error
    return 1000 * (time.monotonic() - begin), text


def until_status(url: str, status: int) -> float:
    """Milliseconds until that is the answer."""
    begin = time.monotonic()
    while status_of(url) != status:
        if time.monotonic() - begin > PATIENCE_SECONDS:
            raise StartFailed(f"{url} was never answered with {status}")
    return 1000 * (time.monotonic() - begin)


def status_of(url: str) -> int:
    try:
        with DIRECT.open(url, timeout=5) as response:
            response.read()
            status: int = response.status
            return status
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def milliseconds(report: dict[str, Any], quantile: str) -> float:
    return float(report["latency"][quantile]) / 1e6


def sources(connections: int) -> str:
    return str(-(-connections // CONNECTIONS_PER_SOURCE))
