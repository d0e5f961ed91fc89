"""What takes part in a measurement: a process that answers, and what it was started for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.processes import Pinned

BENCH = Path(__file__).resolve().parent.parent
# What all proxies route on; pocketgate also takes it off again, which the others are spared.
PREFIX = "/b"


class Missing(Exception):
    """A proxy that cannot take part; the text says why."""


@dataclass(frozen=True)
class Site:
    """What a proxy is started for: a directory of its own, one upstream, and a number of clients."""

    directory: Path
    # The upstream's `ADDRESS:PORT`.
    upstream: str
    connections: int


@dataclass
class Running:
    """A process that answers at a base URL."""

    process: Pinned
    base: str
    # What every request brings along.
    headers: tuple[tuple[str, str], ...] = ()
    # The path in front of the workload's own; {n} stands for 0 to `spread` - 1, in turn.
    prefix: str = PREFIX
    spread: int = 1
    # What a request is answered with when all is well.
    status: int = 200
    # Requests that stay unanswered for as long as the proxy runs.
    held: list[socket.socket] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return self.base.removeprefix("http://")

    def url(self, path: str) -> str:
        return f"{self.base}{self.prefix}{path}"

    def stop(self) -> None:
        for connection in self.held:
            connection.close()
        self.process.stop()


Start = Callable[[Site], Running]
