"""The proxies that are compared, and how each is started in front of one upstream.

To add one: its configuration in `bench/configs`, a function that starts it, a line in `PROXIES`.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.processes import LOAD_CORE, PROXY_CORE, Pinned, StartFailed, find_program, free_port

BENCH = Path(__file__).resolve().parent.parent
RELEASE = BENCH.parent / "target" / "release"
LOADGEN = RELEASE / "pocketgate-loadgen"
POCKETGATE = RELEASE / "pocketgate"
CONFIGS = BENCH / "configs"

# What all proxies route on; pocketgate also takes it off again, which the others are spared.
PREFIX = "/b"
# What a caller has to be, and the two people it takes to be one.
RULE = "@request.auth.id != '' && @request.auth.verified = true"
ADMINISTRATOR = "administrator@example.com"
USER = "user@example.com"
PASSWORD = "a password of the benchmark"
# Not through whatever http_proxy names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Requests before the first measurement, so that what is loaded lazily is loaded.
PROBES = 10


class Missing(Exception):
    """A proxy that cannot take part; the text says why."""


@dataclass
class Running:
    """A process that answers at a base URL."""

    process: Pinned
    base: str
    # What every request brings along.
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def authority(self) -> str:
        return self.base.removeprefix("http://")


# Starts a proxy in a directory of its own, in front of an upstream's `ADDRESS:PORT`.
Start = Callable[[Path, str], Running]


def start_upstream(directory: Path) -> Running:
    process = Pinned(LOAD_CORE, [str(LOADGEN), "upstream"], directory / "log")
    return Running(process, process.address())


def start_pocketgate(directory: Path, upstream: str) -> Running:
    if not POCKETGATE.exists():
        raise Missing("target/release/pocketgate is not built")
    data = str(directory / "data")
    add = ["proxies", "add", "--dir", data, "--path", PREFIX, "--upstream", f"http://{upstream}"]
    added = subprocess.run(
        [POCKETGATE, *add, "--access-rule", "true"], capture_output=True, text=True, check=False
    )
    if added.returncode != 0:
        raise StartFailed(added.stderr.strip() or f"`proxies add` ended with {added.returncode}")
    serve = ["serve", "--http", "127.0.0.1:0", "--dir", data, "--workers", "1"]
    process = Pinned(PROXY_CORE, [str(POCKETGATE), *serve], directory / "log")
    return Running(process, process.address())


def start_pocketgate_with_rule(directory: Path, upstream: str) -> Running:
    """In front of the same upstream, for users alone, with a secret and the caller's id in headers."""
    if not POCKETGATE.exists():
        raise Missing("target/release/pocketgate is not built")
    data = str(directory / "data")
    headers = ["--header", "Authorization: Bearer {secret.KEY}", "--header", "X-User: @request.auth.id"]
    command("superuser", "create", ADMINISTRATOR, "--dir", data, stdin=PASSWORD)
    command("secrets", "set", "KEY", "--dir", data, stdin="sk-1")
    to = ["--path", PREFIX, "--upstream", f"http://{upstream}", "--access-rule", RULE]
    command("proxies", "add", "--dir", data, *to, *headers)
    serve = ["serve", "--http", "127.0.0.1:0", "--dir", data, "--workers", "1"]
    process = Pinned(PROXY_CORE, [str(POCKETGATE), *serve], directory / "log")
    base = process.address()
    try:
        return Running(process, base, headers=(("Authorization", user_token(base)),))
    except OSError as error:
        process.stop()
        raise StartFailed(f"nobody could log in: {error}") from error


def command(*arguments: str, stdin: str = "") -> None:
    ended = subprocess.run([POCKETGATE, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise StartFailed(ended.stderr.strip() or f"`{arguments[0]}` ended with {ended.returncode}")


def user_token(base: str) -> str:
    """The token of a verified user, whom a superuser makes."""
    account = {"email": USER, "password": PASSWORD, "passwordConfirm": PASSWORD, "verified": True}
    superuser = login(base, "_superusers", ADMINISTRATOR)
    call(f"{base}/api/collections/users/records", account, superuser)
    return login(base, "users", USER)


def login(base: str, collection: str, email: str) -> str:
    credentials = {"identity": email, "password": PASSWORD}
    token: str = call(f"{base}/api/collections/{collection}/auth-with-password", credentials)["token"]
    return token


def call(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": token}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with DIRECT.open(request, timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def start_nginx(directory: Path, upstream: str, *, buffering: str) -> Running:
    program, port = installed("nginx"), free_port()
    config = configured("nginx.conf", directory, UPSTREAM=upstream, PORT=port, BUFFERING=buffering)
    command = [program, "-c", str(config), "-p", str(directory), "-e", "stderr", "-g", "daemon off;"]
    return listening(command, directory, port)


def start_haproxy_http(directory: Path, upstream: str, *, option: str) -> Running:
    program, port = installed("haproxy"), free_port()
    config = configured("haproxy-http.cfg", directory, UPSTREAM=upstream, PORT=port, HTTP_NO_DELAY=option)
    return listening([program, "-f", str(config)], directory, port)


def start_haproxy_tcp(directory: Path, upstream: str) -> Running:
    program, port = installed("haproxy"), free_port()
    config = configured("haproxy-tcp.cfg", directory, UPSTREAM=upstream, PORT=port)
    return listening([program, "-f", str(config)], directory, port)


# By the name of their row. A row has a process of its own, so that its memory is its own.
PROXIES: dict[str, Start] = {
    "pocketgate": start_pocketgate,
    "pocketgate rule": start_pocketgate_with_rule,
    "nginx": partial(start_nginx, buffering="on"),
    "nginx unbuffered": partial(start_nginx, buffering="off"),
    "haproxy http": partial(start_haproxy_http, option="no option http-no-delay"),
    "haproxy http no-delay": partial(start_haproxy_http, option="option http-no-delay"),
    "haproxy tcp": start_haproxy_tcp,
}


def installed(name: str) -> str:
    program = find_program(name)
    if program is None:
        raise Missing(f"{name} is not installed")
    return program


def configured(name: str, directory: Path, **words: str | int) -> Path:
    """A copy of a configuration with the words between @ replaced."""
    text = (CONFIGS / name).read_text()
    for word, value in {"DIRECTORY": directory, **words}.items():
        text = text.replace(f"@{word}@", str(value))
    path = directory / name
    path.write_text(text)
    return path


def listening(command: list[str], directory: Path, port: int) -> Running:
    process = Pinned(PROXY_CORE, command, directory / "log")
    process.wait_for_port(port)
    return Running(process, f"http://127.0.0.1:{port}")


def probe(proxy: Running) -> None:
    """Fails unless a proxy hands the upstream's answer through."""
    request = urllib.request.Request(f"{proxy.base}{PREFIX}/1k", headers=dict(proxy.headers))
    for _ in range(PROBES):
        try:
            with DIRECT.open(request, timeout=5) as response:
                length = len(response.read())
        except OSError as error:
            raise StartFailed(f"a probe failed: {error}") from error
        if length != 1024:
            raise StartFailed(f"a probe brought {length} bytes instead of 1024")
