"""Misbehaviour on request: how a caller asks the sidecar to be slow, to fail or to hang.

Every knob is read from the header `X-Sidecar-NAME` or else from the query parameter `name`
(`X-Sidecar-Delay-Ms: 500` is `?delay_ms=500`). README.md lists them.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal, TypeVar

from starlette.requests import Request

from .disconnect import ClientLeft, unless_client_leaves
from .errors import ApiError
from .stats import Stats

# About the pace of a hosted model, and slow enough to watch.
DEFAULT_TOKENS_PER_SECOND = 50.0

Number = TypeVar("Number", int, float)
Hang = Literal["", "head", "body"]


@dataclass(frozen=True)
class Knobs:
    delay_ms: int = 0
    """Milliseconds to wait before the response head."""
    status: int = 0
    """Answer with this error status (400 to 599) instead of doing the work; 0 is off."""
    hang: Hang = ""
    """`head`: never answer; `body`: stop for good after the first token of a stream."""
    fail_after: int = 0
    """Break the connection after this many tokens of a stream; 0 is never."""
    tokens_per_second: float = DEFAULT_TOKENS_PER_SECOND
    """Pace of a stream; 0 is as fast as the connection takes it."""
    timestamps: bool = False
    """Adds `sent_at`, seconds since the epoch, to each event of a stream."""
    label: str = ""
    """Names the request in `/debug/stats`."""

    @classmethod
    def of(cls, request: Request) -> "Knobs":
        return cls(
            delay_ms=number(request, "delay_ms", cls.delay_ms, 0, 3_600_000),
            status=number(request, "status", cls.status, 0, 599),
            hang=hang(request),
            fail_after=number(request, "fail_after", cls.fail_after, 0, 1_000_000),
            tokens_per_second=number(request, "tokens_per_second", cls.tokens_per_second, 0.0, 1e6),
            timestamps=text(request, "timestamps") in ("1", "true"),
            label=text(request, "label"),
        )


async def misbehave_as_asked(request: Request, knobs: Knobs, stats: Stats) -> None:
    """The knobs that act before the response head. Reads the body first, see `unless_client_leaves`."""
    await request.body()
    try:
        if knobs.hang == "head":
            await unless_client_leaves(request, asyncio.Event().wait())
        if knobs.delay_ms:
            await unless_client_leaves(request, asyncio.sleep(knobs.delay_ms / 1000))
    except ClientLeft:
        stats.client_left(knobs.label, "head")
        raise
    if knobs.status:
        raise ApiError(knobs.status, f"Failing with status {knobs.status}, as asked.", code="as_asked")


def text(request: Request, name: str) -> str:
    header = f"x-sidecar-{name.replace('_', '-')}"
    return request.headers.get(header) or request.query_params.get(name, "")


def number(request: Request, name: str, default: Number, least: Number, most: Number) -> Number:
    sent = text(request, name)
    if not sent:
        return default
    try:
        value = type(default)(sent)
    except ValueError:
        value = most + 1
    if not least <= value <= most:
        raise ApiError(400, f"Must be a number from {least} to {most}.", param=name)
    return value


def hang(request: Request) -> Hang:
    match text(request, "hang"):
        case "" | "head" | "body" as phase:
            return phase
        case _:
            raise ApiError(400, "Must be head or body.", param="hang")
