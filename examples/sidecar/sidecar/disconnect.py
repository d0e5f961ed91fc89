"""Noticing that the caller has gone while there is nothing to send yet."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")


class ClientLeft(Exception):
    """The connection was closed before the response began."""


async def unless_client_leaves(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Awaits `work`, cancelled with `ClientLeft` as soon as the connection closes.

    The body must have been read: what the server reports after it can only be the disconnect.
    """
    task = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientLeft
    finally:
        task.cancel()
        disconnect.cancel()


async def client_left(_request: Request, _error: Exception) -> Response:
    """Starlette's handler for `ClientLeft`: nobody reads this answer, 499 is what logs call it."""
    return Response(status_code=499)
