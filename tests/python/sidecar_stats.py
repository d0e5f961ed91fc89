"""Asking the sidecar, past the gateway, what it saw of its callers."""

import time
from collections.abc import Callable
from typing import Any

import httpx
from processes import PATIENCE_SECONDS, Running

Stats = dict[str, Any]


def stats_of(sidecar: Running) -> Stats:
    stats: Stats = httpx.get(f"{sidecar.url}/debug/stats").json()
    return stats


def wait_for_stats(sidecar: Running, condition: Callable[[Stats], object]) -> Stats:
    """The first counts that fulfil the condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(stats := stats_of(sidecar)):
        assert time.monotonic() < deadline, f"the sidecar never saw it: {stats}"
        time.sleep(0.01)
    return stats


def cancellation_of(sidecar: Running, label: str) -> dict[str, Any]:
    """How the request of that label was left by its caller, once the sidecar has noticed."""

    def found(stats: Stats) -> list[dict[str, Any]]:
        return [one for one in stats["cancellations"] if one["label"] == label]

    (cancellation,) = found(wait_for_stats(sidecar, found))
    return cancellation
