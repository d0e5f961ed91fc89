"""The check of `Authorization: Bearer KEY` in front of everything under one path prefix."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import ApiError
from .stats import Stats


class RequireApiKey:
    def __init__(self, app: ASGIApp, api_key: str, protected_prefix: str, stats: Stats) -> None:
        self.app = app
        self.expected = f"Bearer {api_key}".encode()
        self.protected_prefix = protected_prefix
        self.stats = stats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self.protected_prefix):
            sent = Headers(scope=scope).get("authorization", "").encode()
            if not hmac.compare_digest(sent, self.expected):
                self.stats.unauthorized += 1
                await wrong_key(has_key=bool(sent)).response()(scope, receive, send)
                return
        await self.app(scope, receive, send)


def wrong_key(*, has_key: bool) -> ApiError:
    """The key itself is never repeated: the answer travels back to whoever sent the request."""
    message = "Incorrect API key provided." if has_key else "You didn't provide an API key."
    return ApiError(401, message, code="invalid_api_key")
