"""What is measured: one entry per table of the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.proxies import PREFIX

# Without a reason to choose others, every proxy in its default form.
DEFAULT_ROWS = ("direct", "pocketgate", "nginx", "haproxy http", "haproxy tcp")
# Connections a client address may have is a limit of its own; no proxy should meet it here.
CONNECTIONS_PER_SOURCE = 250


@dataclass(frozen=True)
class Workload:
    """One kind of load. `rows` name the proxies, `reference` the row that ratios are taken to."""

    key: str
    title: str
    path: str
    connections: int
    reference: str = "nginx"
    rows: tuple[str, ...] = DEFAULT_ROWS
    post_bytes: int | None = None
    # Events a second on each connection: then the connections are streams.
    event_rate: int | None = None
    # Also measured with wrk, where that can do the same.
    second_opinion: bool = False

    @property
    def unit(self) -> str:
        return "request" if self.event_rate is None else "event"

    def url(self, base: str) -> str:
        return f"{base}{PREFIX}{self.path}"

    def loadgen_arguments(self, base: str) -> list[str]:
        sources = str(-(-self.connections // CONNECTIONS_PER_SOURCE))
        if self.event_rate is not None:
            return ["sse", self.url(base), "--streams", str(self.connections), "--sources", sources]
        post = [] if self.post_bytes is None else ["--post", str(self.post_bytes)]
        connections = ["--connections", str(self.connections), "--sources", sources]
        return ["load", self.url(base), *connections, *post]


WORKLOADS = (
    Workload("get-1", "Small GET (1 KiB), 1 connection", "/1k", 1),
    Workload("get-64", "Small GET (1 KiB), 64 connections", "/1k", 64, second_opinion=True),
    Workload("get-1000", "Small GET (1 KiB), 1,000 connections", "/1k", 1000),
    Workload(
        "rule-64",
        "Small GET (1 KiB) with a user's token, a rule and two injected headers, 64 connections",
        "/1k",
        64,
        reference="pocketgate",
        rows=("direct", "pocketgate", "pocketgate rule"),
    ),
    Workload("post-64", "POST of 1 KiB, 64 connections", "/any", 64, post_bytes=1024),
    Workload(
        "chunks-16",
        "Response of 100 chunks of 1 KiB, 16 connections",
        "/chunks",
        16,
        reference="nginx unbuffered",
        rows=("direct", "pocketgate", "nginx", "nginx unbuffered", "haproxy http", "haproxy tcp"),
    ),
    Workload(
        "bulk-4",
        "Response of 10 MiB, 4 connections",
        "/10m",
        4,
        rows=("direct", "pocketgate", "nginx", "nginx unbuffered", "haproxy http", "haproxy tcp"),
    ),
    Workload(
        "sse-500",
        "Server-sent events, 500 streams with 20 events a second each",
        "/sse?rate=20",
        500,
        reference="nginx unbuffered",
        rows=(
            "direct",
            "pocketgate",
            "nginx unbuffered",
            "haproxy http",
            "haproxy http no-delay",
            "haproxy tcp",
        ),
        event_rate=20,
    ),
)
