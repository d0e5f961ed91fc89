"""Calls of pocketgate's own API, as the administrator whom the benchmarks make."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

ADMINISTRATOR = "administrator@example.com"
USER = "user@example.com"
PASSWORD = "a password of the benchmark"
# Not through whatever http_proxy names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def user_token(base: str) -> str:
    """The token of a verified user, whom the administrator makes."""
    account = {"email": USER, "password": PASSWORD, "passwordConfirm": PASSWORD, "verified": True}
    call(f"{base}/api/collections/users/records", account, administrator_token(base))
    return login(base, "users", USER)


def administrator_token(base: str) -> str:
    return login(base, "_superusers", ADMINISTRATOR)


def login(base: str, collection: str, email: str) -> str:
    credentials = {"identity": email, "password": PASSWORD}
    token: str = call(f"{base}/api/collections/{collection}/auth-with-password", credentials)["token"]
    return token


def call(url: str, body: dict[str, Any], token: str = "", method: str = "POST") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": token}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with DIRECT.open(request, timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
    return answer
