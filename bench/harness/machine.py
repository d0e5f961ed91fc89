"""What the results were measured on, and whether it was quiet."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from harness.pocketgate import POCKETGATE
from harness.processes import find_program
from harness.rivals import RIVALS

# Above this many runnable processes before the run, somebody else is using the two cores.
QUIET_LOAD = 0.5


def machine() -> dict[str, str | int]:
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def processor() -> str:
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """Name and version of everything that takes part and can be asked."""
    asked = {
        "pocketgate": ([str(POCKETGATE), "version"], r"(\d\S*)"),
        "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
        "haproxy": (["haproxy", "-v"], r"version (\d[\d.]*)"),
        "envoy": ([str(RIVALS / "bin" / "envoy"), "--version"], r"/(\d[\d.]*)/"),
        "caddy": (["caddy", "version"], r"(\d[\d.]*)"),
        "go": ([str(RIVALS / "bin" / "go"), "version"], r"go(\d[\d.]*)"),
        "wrk": (["wrk", "-v"], r"(\d[\d.]*)"),
    }
    found = {name: version(command, pattern) for name, (command, pattern) in asked.items()}
    return {name: f"{name} {text}" for name, text in found.items() if text is not None}


def version(command: list[str], pattern: str) -> str | None:
    program = find_program(command[0])
    if program is None:
        return None
    printed = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    match = re.search(pattern, printed.stdout + printed.stderr)
    return match.group(1) if match else None


def noise() -> str | None:
    load = os.getloadavg()[0]
    if load <= QUIET_LOAD:
        return None
    return f"the machine is busy (load average {load:.2f}): the figures will be worth little"
