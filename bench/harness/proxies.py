"""All rows that a table can have, and the check that a proxy forwards at all.

To add a rival: its configuration in `bench/configs`, a function in `rivals.py`, a line in `PROXIES`.
To add a form of pocketgate: an entry in `pocketgate.FORMS`.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

from harness import pocketgate, rivals
from harness.administration import DIRECT
from harness.processes import LOAD_CORE, Pinned, StartFailed, binary
from harness.running import Running, Start

LOADGEN = binary("pocketgate-loadgen")
# Requests before the first measurement, so that what is loaded lazily is loaded.
PROBES = 10
PROBE_BYTES = 1024


def forms_of_pocketgate() -> dict[str, Start]:
    return {name: partial(pocketgate.start, form=form) for name, form in pocketgate.FORMS.items()}


# By the name of their row. A row has a process of its own, so that its memory is its own.
PROXIES: dict[str, Start] = {
    **forms_of_pocketgate(),
    "nginx": partial(rivals.start_nginx, buffering="on"),
    "nginx unbuffered": partial(rivals.start_nginx, buffering="off"),
    "haproxy http": partial(rivals.start_haproxy_http, option="no option http-no-delay"),
    "haproxy http no-delay": partial(rivals.start_haproxy_http, option="option http-no-delay"),
    "haproxy tcp": rivals.start_haproxy_tcp,
    "envoy": rivals.start_envoy,
    "caddy": rivals.start_caddy,
    "go": rivals.start_go,
}


def start_upstream(directory: Path) -> Running:
    process = Pinned(LOAD_CORE, [str(LOADGEN), "upstream"], directory / "upstream.log")
    return Running(process, process.address())


def probe(proxy: Running) -> None:
    """Fails unless a proxy answers as it should: with the upstream's answer, or with its own refusal."""
    url = proxy.url("/1k").replace("{n}", "0")
    request = urllib.request.Request(url, headers=dict(proxy.headers))
    for _ in range(PROBES):
        status, length = answer_to(request)
        if status != proxy.status:
            raise StartFailed(f"a probe was answered with {status} instead of {proxy.status}")
        if status == 200 and length != PROBE_BYTES:
            raise StartFailed(f"a probe brought {length} bytes instead of {PROBE_BYTES}")


def answer_to(request: urllib.request.Request) -> tuple[int, int]:
    """Status and length of the body."""
    try:
        with DIRECT.open(request, timeout=5) as response:
            return response.status, len(response.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, 0
    except OSError as error:
        raise StartFailed(f"a probe failed: {error}") from error
