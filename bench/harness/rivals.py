"""The proxies that people would pick instead, each with the configuration in `bench/configs`."""

from __future__ import annotations

from pathlib import Path

from harness.processes import PROXY_CORE, Pinned, find_program, free_port
from harness.running import BENCH, Missing, Running, Site

CONFIGS = BENCH / "configs"
# Where `scripts/setup rivals` puts what Debian does not have.
RIVALS = BENCH.parent / "target" / "rivals"
# HAProxy keeps idle upstream connections only while a good part of its descriptors is free, and these follow
# from the clients it is to expect: with fewer than these it would connect anew for every request.
CLIENTS_MIN = 8192
# For listeners, logs and those who look whether it runs.
DESCRIPTORS_SPARE = 64


def start_nginx(site: Site, *, buffering: str) -> Running:
    program, port = installed("nginx"), free_port()
    config = configured("nginx.conf", site, PORT=port, BUFFERING=buffering)
    directory = str(site.directory)
    command = [program, "-c", str(config), "-p", directory, "-e", "stderr", "-g", "daemon off;"]
    return listening(command, site, port)


def start_haproxy_http(site: Site, *, option: str) -> Running:
    program, port = installed("haproxy"), free_port()
    config = configured("haproxy-http.cfg", site, PORT=port, HTTP_NO_DELAY=option)
    return listening([program, "-f", str(config)], site, port)


def start_haproxy_tcp(site: Site) -> Running:
    program, port = installed("haproxy"), free_port()
    config = configured("haproxy-tcp.cfg", site, PORT=port)
    return listening([program, "-f", str(config)], site, port)


def start_envoy(site: Site) -> Running:
    program, port = installed("envoy", RIVALS / "bin"), free_port()
    host, _, upstream_port = site.upstream.rpartition(":")
    config = configured("envoy.yaml", site, PORT=port, UPSTREAM_HOST=host, UPSTREAM_PORT=upstream_port)
    quiet = ["--log-level", "off", "--disable-hot-restart"]
    return listening([program, "-c", str(config), "--concurrency", "1", *quiet], site, port)


def start_caddy(site: Site) -> Running:
    program, port = installed("caddy"), free_port()
    config = configured("Caddyfile", site, PORT=port)
    command = [program, "run", "--config", str(config), "--adapter", "caddyfile"]
    # It keeps its state below these.
    state = {"XDG_DATA_HOME": str(site.directory), "XDG_CONFIG_HOME": str(site.directory)}
    return listening(command, site, port, state)


def start_go(site: Site) -> Running:
    program = installed("go-proxy", RIVALS / "bin")
    process = Pinned(PROXY_CORE, [program, "-upstream", site.upstream], site.directory / "log")
    return Running(process, process.address())


def installed(name: str, directory: Path | None = None) -> str:
    program = find_program(name) if directory is None else str(directory / name)
    if program is None or not Path(program).exists():
        raise Missing(f"{name} is not installed")
    return program


def configured(name: str, site: Site, **words: str | int) -> Path:
    """A copy of a configuration with the words between @ replaced."""
    text = (CONFIGS / name).read_text()
    known = {
        "DIRECTORY": site.directory,
        "UPSTREAM": site.upstream,
        "CLIENTS": max(CLIENTS_MIN, site.connections + DESCRIPTORS_SPARE),
        # Towards clients and the upstream together, while those of the round before are still closing.
        "CONNECTIONS": 4 * site.connections + DESCRIPTORS_SPARE,
    }
    for word, value in {**known, **words}.items():
        text = text.replace(f"@{word}@", str(value))
    path = site.directory / name
    path.write_text(text)
    return path


def listening(
    command: list[str], site: Site, port: int, environment: dict[str, str] | None = None
) -> Running:
    process = Pinned(PROXY_CORE, command, site.directory / "log", environment)
    process.wait_for_port(port)
    return Running(process, f"http://127.0.0.1:{port}")
