"""pocketgate as it is released, and the forms of it that are compared with that one."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.administration import ADMINISTRATOR, PASSWORD, user_token
from harness.processes import PROXY_CORE, Pinned, StartFailed, binary, find_program
from harness.running import PREFIX, Missing, Running, Site

POCKETGATE = binary("pocketgate")
# What a caller has to be.
RULE = "@request.auth.id != '' && @request.auth.verified = true"
INJECTED = {"Authorization": "Bearer {secret.KEY}", "X-User": "@request.auth.id"}
# Limits that are kept for every request and met by none.
NEVER_MET: dict[str, Any] = {
    "maxConcurrent": 10_000,
    "queueConfig": {"max_waiting": 100, "timeout": 5},
    "circuitBreaker": {"enabled": True, "failure_threshold": 5},
    "rateLimit": {"requests": 1_000_000, "window": 1, "by": "identity"},
}
HOUR_SECONDS = 3600
NO_LOG = ("--access-log", "off")
# Requests to the neighbour that wait while another proxy is measured.
HELD_REQUESTS = 200
ENDLESS = {"response_header": 0}


@dataclass(frozen=True)
class Form:
    """How pocketgate is configured. `proxies` are records as `proxies import` reads them."""

    proxies: Callable[[str], list[dict[str, Any]]]
    # No access log, as nobody else in the comparison has one.
    flags: tuple[str, ...] = NO_LOG
    workers: int = 1
    with_administrator: bool = False
    with_user: bool = False
    spread: int = 1
    prefix: str = PREFIX
    status: int = 200
    # Paths that are asked for, and wait, for as long as it runs.
    held: tuple[str, ...] = ()
    # A path asked for once, before anything is measured.
    first: str | None = None


def start(site: Site, form: Form) -> Running:
    if not POCKETGATE.exists():
        raise Missing(f"{POCKETGATE} is not built")
    data = str(site.directory / "data")
    if form.with_user or form.with_administrator:
        command("superuser", "create", ADMINISTRATOR, "--dir", data, stdin=PASSWORD)
        command("secrets", "set", "KEY", "--dir", data, stdin="sk-1")
    document = {"version": 1, "proxies": form.proxies(site.upstream)}
    command("proxies", "import", "-", "--dir", data, stdin=json.dumps(document))
    flags = [flag.replace("@DIRECTORY@", str(site.directory)) for flag in form.flags]
    serve = ["serve", "--http", "127.0.0.1:0", "--dir", data, "--workers", str(form.workers), *flags]
    process = Pinned(PROXY_CORE, [str(POCKETGATE), *serve], site.directory / "log")
    running = Running(process, process.address(), prefix=form.prefix, spread=form.spread, status=form.status)
    try:
        return prepared(running, form)
    except OSError as error:
        running.stop()
        raise StartFailed(f"it could not be prepared: {error}") from error


def prepared(running: Running, form: Form) -> Running:
    if form.with_user:
        running.headers = (("Authorization", user_token(running.base)),)
    if form.first is not None:
        with ask(running, form.first) as connection:
            connection.recv(1)
    running.held = [ask(running, path) for path in form.held]
    return running


def ask(running: Running, path: str) -> socket.socket:
    """A connection on which one request was sent."""
    host, _, port = running.authority.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {running.authority}\r\n\r\n".encode())
    return connection


def command(*arguments: str, stdin: str = "") -> None:
    ended = subprocess.run([POCKETGATE, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise StartFailed(ended.stderr.strip() or f"`{arguments[0]}` ended with {ended.returncode}")


def proxy(upstream: str, path: str = PREFIX, **fields: Any) -> dict[str, Any]:
    return {"path": path, "upstream": f"http://{upstream}", "accessRule": "true", **fields}


def numbered(count: int) -> Callable[[str], list[dict[str, Any]]]:
    return lambda upstream: [proxy(upstream, f"{PREFIX}{number}") for number in range(count)]


def beside(neighbour: Callable[[str], dict[str, Any]]) -> Callable[[str], list[dict[str, Any]]]:
    return lambda upstream: [proxy(upstream), neighbour(upstream)]


def saturated(upstream: str) -> dict[str, Any]:
    """Four requests run without an end, all others wait."""
    patient = {"max_waiting": 1000, "timeout": HOUR_SECONDS}
    return proxy(upstream, "/busy", maxConcurrent=4, queueConfig=patient, timeoutConfig=ENDLESS)


def dead(upstream: str) -> dict[str, Any]:
    """Its upstream takes every request and answers none."""
    return proxy(upstream, "/dead", timeoutConfig=ENDLESS)


def refusing(_: str) -> list[dict[str, Any]]:
    breaker = {"enabled": True, "failure_threshold": 1, "recovery_timeout": HOUR_SECONDS}
    # Nobody listens on port 1.
    return [proxy("127.0.0.1:1", circuitBreaker=breaker)]


PLAIN = Form(lambda upstream: [proxy(upstream)])
LOG_TO_FILE = ("--access-log", "@DIRECTORY@/access.log", "--access-log-format", "json")
RULED = Form(lambda upstream: [proxy(upstream, accessRule=RULE, headers=INJECTED)], with_user=True)

# By the name of their row.
FORMS: dict[str, Form] = {
    "pocketgate": PLAIN,
    "pocketgate bare": replace(PLAIN, flags=(*NO_LOG, "--metrics", "off")),
    "pocketgate rule": RULED,
    "pocketgate logged": replace(PLAIN, flags=LOG_TO_FILE),
    "pocketgate everything": Form(
        lambda upstream: [proxy(upstream, accessRule=RULE, headers=INJECTED, **NEVER_MET)],
        flags=LOG_TO_FILE,
        with_user=True,
    ),
    "pocketgate 10 proxies": Form(numbered(10), spread=10, prefix="/b{n}"),
    "pocketgate 1,000 proxies": Form(numbered(1000), spread=1000, prefix="/b{n}"),
    "pocketgate 10,000 proxies": Form(numbered(10_000), spread=10_000, prefix="/b{n}"),
    "pocketgate breaker open": Form(refusing, status=503, first=f"{PREFIX}/1k"),
    "pocketgate limiter full": Form(
        lambda upstream: [proxy(upstream, maxConcurrent=1)], status=429, held=(f"{PREFIX}/never",)
    ),
    "pocketgate beside a saturated proxy": Form(beside(saturated), held=("/busy/never",) * HELD_REQUESTS),
    "pocketgate beside a dead proxy": Form(beside(dead), held=("/dead/never",) * HELD_REQUESTS),
}


def binary_bytes(directory: Path) -> int | None:
    """The size of the program without its symbols; None when nothing here can strip it."""
    stripped, strip = directory / "stripped", find_program("strip")
    if strip is None or not POCKETGATE.exists():
        return None
    subprocess.run([strip, "-o", str(stripped), str(POCKETGATE)], check=True)
    return stripped.stat().st_size
