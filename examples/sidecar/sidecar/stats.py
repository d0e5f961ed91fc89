"""What the sidecar saw of its callers: counted here, read by tests at `/debug/stats`."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

# Enough for any test to find its own; the total is counted apart.
REMEMBERED_CANCELLATIONS = 1000


@dataclass(frozen=True)
class Cancellation:
    """A caller that went away before its answer was complete."""

    label: str
    """What the caller named this request with the knob `label`."""
    phase: str
    """`head`: nothing had been answered yet; `body`: the stream was running."""
    tokens_sent: int
    noticed_at: float
    """Seconds since the epoch when the disconnect was noticed."""


@dataclass
class Stats:
    requests: int = 0
    active: int = 0
    active_max: int = 0
    unauthorized: int = 0
    streams_completed: int = 0
    cancelled: int = 0
    cancellations: deque[Cancellation] = field(default_factory=lambda: deque(maxlen=REMEMBERED_CANCELLATIONS))

    def client_left(self, label: str, phase: str, tokens_sent: int = 0) -> None:
        self.cancelled += 1
        self.cancellations.append(Cancellation(label, phase, tokens_sent, time.time()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"cancellations": [asdict(one) for one in self.cancellations]}


class CountRequests:
    """Outermost layer: counts every request but the questions about the counts."""

    def __init__(self, app: ASGIApp, stats: Stats) -> None:
        self.app = app
        self.stats = stats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/debug/"):
            await self.app(scope, receive, send)
            return
        self.stats.requests += 1
        self.stats.active += 1
        self.stats.active_max = max(self.stats.active_max, self.stats.active)
        try:
            await self.app(scope, receive, send)
        finally:
            self.stats.active -= 1
