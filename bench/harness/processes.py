"""Processes pinned to a core: start, wait until ready, account, stop."""

from __future__ import annotations

import os
import random
import resource
import select
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROXY_CORE = 0
# Load and upstream share the other core: together they cost less than any proxy.
LOAD_CORE = 1

START_TIMEOUT_SECONDS = 10
STOP_TIMEOUT_SECONDS = 5
# Below the range from which the system takes the ports of outgoing connections.
PORTS = range(20000, 32000)
# Debian keeps servers where an ordinary user's PATH does not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"])


class StartFailed(Exception):
    """A process did not become ready; the text says what it printed."""


class Pinned:
    """A process, with all its descendants, on one core. Its standard error goes to a log file."""

    def __init__(
        self, core: int, command: list[str], log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                pinned(core, command),
                env={**os.environ, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )

    def pids(self) -> list[int]:
        return with_descendants(self.process.pid)

    def address(self) -> str:
        """The URL in the line `listening on URL`, which the process prints when it is ready."""
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_SECONDS)
        line = self.process.stdout.readline().decode() if readable else ""
        prefix = "listening on "
        if not line.startswith(prefix):
            raise self.failed()
        return line.removeprefix(prefix).strip()

    def wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise self.failed()

    def failed(self) -> StartFailed:
        """Stops what did not become ready; the error quotes its last words."""
        self.stop()
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return StartFailed(lines[-1] if lines else "it did not become ready and said nothing")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def pinned(core: int, command: list[str]) -> list[str]:
    # taskset becomes the command, so its process id is the command's.
    return ["taskset", "--cpu-list", str(core), *command]


def binary(name: str) -> Path:
    """One of our own, where cargo puts its release builds unless POCKETGATE_BENCH_BINARIES names a place."""
    target = os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target")
    return Path(os.environ.get("POCKETGATE_BENCH_BINARIES", Path(target, "release"))) / name


def find_program(name: str) -> str | None:
    return shutil.which(name, path=SEARCH_PATH)


def allow_many_descriptors() -> None:
    """Raises the soft limit as far as it goes; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A port for a server that cannot choose one itself."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def cpu_ns(pids: list[int]) -> int:
    """The scheduler time of all threads so far."""
    schedstats = [path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(path.read_text().split()[0]) for path in schedstats)


def with_descendants(pid: int) -> list[int]:
    parents = {int(path.parent.name): parent_of(path) for path in Path("/proc").glob("[0-9]*/stat")}
    family = [pid]
    for member in family:  # grows while it is walked
        family.extend(child for child, parent in parents.items() if parent == member)
    return family


def parent_of(stat: Path) -> int:
    try:
        # The name in brackets before the state may hold spaces.
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # ended while the list was read
