"""The proxies that are compared, and how each is started in front of one upstream.

To add one: its configuration in `bench/configs`, a function that starts it, a line in `PROXIES`.
"""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.processes import LOAD_CORE, PROXY_CORE, Pinned, StartFailed, find_program, free_port

BENCH = Path(__file__).resolve().parent.parent
RELEASE = BENCH.parent / "target" / "release"
LOADGEN = RELEASE / "pocketgate-loadgen"
POCKETGATE = RELEASE / "pocketgate"
CONFIGS = BENCH / "configs"

# What all proxies route on; pocketgate also takes it off again, which the others are spared.
PREFIX = "/b"
# Requests before the first measurement, so that what is loaded lazily is loaded.
PROBES = 10


class Missing(Exception):
    """A proxy that cannot take part; the text says why."""


@dataclass
class Running:
    """A process that answers at a base URL."""

    process: Pinned
    base: str

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


def probe(base: str) -> None:
    """Fails unless a proxy hands the upstream's answer through."""
    # Not through whatever http_proxy names.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(PROBES):
        try:
            with direct.open(f"{base}{PREFIX}/1k", timeout=5) as response:
                length = len(response.read())
        except OSError as error:
            raise StartFailed(f"a probe failed: {error}") from error
        if length != 1024:
            raise StartFailed(f"a probe brought {length} bytes instead of 1024")
