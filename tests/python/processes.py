"""Starting the programs under test, and learning from their one line of output where they listen."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIDECAR = ROOT / "examples" / "sidecar"

# Loopback is never reached through a proxy that the person running this may have configured.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

# Far more than either program needs; only a broken one waits it out.
PATIENCE_SECONDS = 30


@dataclass
class Running:
    process: subprocess.Popen[str]
    url: str
    log: Path
    """Where its standard error goes."""


def built_binary(profile: str) -> Path:
    """Where cargo puts the gateway, unless POCKETGATE_BIN names another one."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return Path(os.environ.get("POCKETGATE_BIN") or target / profile / "pocketgate")


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, *, environment: Mapping[str, str], folder: Path = ROOT
) -> Iterator[Running]:
    """Runs a server until the end of the block; it must then stop on SIGTERM, with success."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=inherited_environment() | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield Running(process, listening_url(process, log), log)
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, f"ended with {process.returncode}: {log.read_text()}"
        assert output == "", "a server prints nothing but its one line"
    finally:
        process.kill()
        process.wait()


@contextmanager
def running_sidecar(api_key: str, log: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "sidecar", "--port", "0"]
    environment = {"SIDECAR_API_KEY": api_key}
    with running(command, log, environment=environment, folder=SIDECAR) as sidecar:
        yield sidecar


@contextmanager
def running_gateway(
    binary: Path, folder: Path, log: Path, *, environment: Mapping[str, str]
) -> Iterator[Running]:
    """The gateway over the data directory `folder`; its templates may use SIDECAR_… of `environment`."""
    command: list[str | Path] = [
        binary,
        "serve",
        "--http",
        "127.0.0.1:0",
        "--dir",
        folder,
        "--env-allow",
        "SIDECAR_*",
    ]
    with running(command, log, environment=environment) as gateway:
        yield gateway


def pocketgate(binary: Path, *arguments: str | Path) -> str:
    """Runs a command of the gateway that must succeed; returns its output."""
    done = subprocess.run(
        [binary, *arguments], env=inherited_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr}"
    return done.stdout


def add_proxy(binary: Path, folder: Path, path: str, upstream: str, *options: str) -> None:
    """Adds a proxy to a data directory."""
    pocketgate(binary, "proxies", "add", "--dir", folder, "--path", path, "--upstream", upstream, *options)


def closed_port() -> int:
    """A port that was free a moment ago; nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listening_url(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout
    select.select([process.stdout], [], [], PATIENCE_SECONDS)
    line = process.stdout.readline() if process.poll() is None else ""
    assert line.startswith("listening on http://"), f"did not start, said {line!r}: {log.read_text()}"
    return line.split()[-1]


def inherited_environment() -> dict[str, str]:
    """Without the settings of a gateway or a sidecar that the person running this may have."""
    ours = ("POCKETGATE_", "SIDECAR_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
