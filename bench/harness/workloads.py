"""What is measured: one entry per table of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.running import Running

# Connections a client address may have is a limit of its own; no proxy should meet it here.
CONNECTIONS_PER_SOURCE = 250

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Workload:
    """One kind of load. `rows` name the proxies, `reference` the row that ratios are taken to."""

    key: str
    title: str
    rows: tuple[str, ...]
    # Those of a quick run; none: it leaves this workload out.
    quick_rows: tuple[str, ...] = ()
    reference: str = "nginx"
    path: str = "/1k"
    connections: int = 64
    # How the load generator is called.
    command: Literal["load", "sse", "idle"] = "load"
    post_bytes: int | None = None
    # Requests a second, all connections together; otherwise each answer starts the next request.
    rate: int | None = None
    # A new connection for each request.
    fresh: bool = False
    # The answers are streams of events, whose arrival is measured.
    events: bool = False
    # Events a second on each stream of `sse`.
    event_rate: int | None = None
    # Also measured with wrk, where that can do the same.
    second_opinion: bool = False
    # Shown as bars in docs/performance.md.
    chart: bool = False

    @property
    def unit(self) -> str:
        if self.command == "load":
            return "answer" if self.events else "request"
        return "event" if self.command == "sse" else "connection"

    def loadgen_arguments(self, proxy: Running) -> list[str]:
        connections = "--streams" if self.command == "sse" else "--connections"
        sources = -(-self.connections // CONNECTIONS_PER_SOURCE)
        shape = [self.command, proxy.url(self.path), connections, str(self.connections)]
        options: dict[str, int | None] = {"--sources": sources}
        flags: list[str] = []
        if self.command == "load":
            options |= {"--post": self.post_bytes, "--rate": self.rate}
            options |= {"--spread": proxy.spread, "--expect": proxy.status}
            flags = [f"--header={name}: {value}" for name, value in proxy.headers]
            flags += ["--fresh"] if self.fresh else []
            flags += ["--events"] if self.events else []
        given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
        return [*shape, *given, *flags]


OURS = ("direct", "pocketgate")
# Without a reason to choose others, every proxy in its default form.
PLAIN = (*OURS, "nginx", "haproxy http", "haproxy tcp")
HEAVY = ("envoy", "caddy", "go")
# Where a default serves bulk but hurts streams, both forms.
BOTH_BUFFERINGS = (*OURS, "nginx", "nginx unbuffered", "haproxy http", "haproxy tcp")
STREAMING = (*OURS, "nginx unbuffered", "haproxy http", "haproxy http no-delay", "haproxy tcp")
IN_NO_HURRY = (*OURS, "nginx unbuffered", "haproxy http no-delay", *HEAVY)

WORKLOADS = (
    Workload("get-1", "Small GET (1 KiB), 1 connection", PLAIN, connections=1),
    Workload(
        "get-64",
        "Small GET (1 KiB), 64 connections",
        (*PLAIN, *HEAVY),
        quick_rows=(*PLAIN, *HEAVY),
        second_opinion=True,
        chart=True,
    ),
    Workload(
        "get-1000",
        "Small GET (1 KiB), 1,000 connections",
        (*PLAIN, *HEAVY),
        quick_rows=PLAIN,
        connections=1000,
        chart=True,
    ),
    Workload("fresh-64", "Small GET (1 KiB), a new connection for each, 64 at a time", PLAIN, fresh=True),
    Workload(
        "post-64",
        "POST of 1 KiB, 64 connections",
        PLAIN,
        quick_rows=PLAIN,
        path="/any",
        post_bytes=KIB,
    ),
    Workload("post-64k", "POST of 64 KiB, 64 connections", PLAIN, path="/any", post_bytes=64 * KIB),
    Workload(
        "chunks-16",
        "Response of 100 chunks of 1 KiB, 16 connections",
        (*BOTH_BUFFERINGS, *HEAVY),
        quick_rows=BOTH_BUFFERINGS,
        reference="nginx unbuffered",
        path="/chunks",
        connections=16,
        chart=True,
    ),
    Workload(
        "bulk-4",
        "Response of 10 MiB, 4 connections",
        (*BOTH_BUFFERINGS, *HEAVY),
        quick_rows=BOTH_BUFFERINGS,
        path="/10m",
        connections=4,
        chart=True,
    ),
    Workload(
        "upload-4",
        "POST of 10 MiB, 4 connections",
        (*BOTH_BUFFERINGS, *HEAVY),
        path="/any",
        post_bytes=10 * MIB,
        connections=4,
    ),
    Workload(
        "sse-500",
        "Server-sent events, 500 streams with 20 events a second each",
        (*STREAMING, *HEAVY),
        quick_rows=STREAMING,
        reference="nginx unbuffered",
        path="/sse?rate=20",
        connections=500,
        command="sse",
        event_rate=20,
        chart=True,
    ),
    Workload(
        "sse-max",
        "Server-sent events, 500 streams, each as fast as it goes",
        (*OURS, "nginx unbuffered", "haproxy http no-delay", "haproxy tcp"),
        reference="nginx unbuffered",
        path="/sse?rate=max",
        connections=500,
        command="sse",
    ),
    Workload(
        "delay-20",
        "GET of 1 KiB from an upstream that takes 20 ms, 1,000 requests a second",
        IN_NO_HURRY,
        reference="nginx unbuffered",
        path="/1k?delay=20",
        connections=100,
        rate=1000,
    ),
    Workload(
        "chat-100",
        "Answers of a model (first token after 20 ms, then 25 of them 10 ms apart), 100 a second",
        IN_NO_HURRY,
        reference="nginx unbuffered",
        path="/chat?first=20&gap=10&events=26",
        connections=100,
        post_bytes=KIB,
        rate=100,
        events=True,
    ),
    Workload(
        "idle-1000",
        "1,000 idle connections",
        ("pocketgate", "nginx", "haproxy http", "haproxy tcp", *HEAVY),
        connections=1000,
        command="idle",
    ),
    Workload(
        "idle-10000",
        "10,000 idle connections",
        ("pocketgate", "nginx", "haproxy http"),
        # A client's port and a descriptor each; the harness itself needs a few.
        connections=9_900,
        command="idle",
    ),
    Workload(
        "features-64",
        "Small GET (1 KiB), 64 connections, with more and more of what pocketgate does",
        (
            "direct",
            "pocketgate bare",
            "pocketgate",
            "pocketgate logged",
            "pocketgate rule",
            "pocketgate everything",
            "nginx",
        ),
        quick_rows=("direct", "pocketgate bare", "pocketgate logged", "pocketgate everything", "nginx"),
        reference="pocketgate bare",
        chart=True,
    ),
    Workload(
        "proxies-64",
        "Small GET (1 KiB), 64 connections, spread over many proxies",
        ("pocketgate 10 proxies", "pocketgate 1,000 proxies", "pocketgate 10,000 proxies"),
        reference="pocketgate 10 proxies",
    ),
    Workload(
        "refusals-64",
        "Refusals beside forwarded requests, 64 connections",
        ("pocketgate", "pocketgate breaker open", "pocketgate limiter full"),
        reference="pocketgate",
    ),
    Workload(
        "neighbour-16",
        "Small GET (1 KiB), 16 connections, while 200 requests wait at another proxy",
        ("pocketgate", "pocketgate beside a saturated proxy", "pocketgate beside a dead proxy"),
        reference="pocketgate",
        connections=16,
    ),
)
