"""What every measurement begins and ends with: builds, a look at the machine, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.machine import noise
from harness.processes import allow_many_descriptors
from harness.proxies import LOADGEN
from harness.running import BENCH

RESULTS = BENCH.parent / "target" / "bench"
DOCUMENT = BENCH.parent / "docs" / "performance.md"


def prepare(*, build: bool) -> None:
    """Builds what is measured; ends the program where nothing can be measured."""
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two cores, one for the proxy and one for load and upstream")
    if build:
        packages = ["--package", "pocketgate-loadgen", "--package", "pocketgate"]
        command = ["cargo", "build", "--release", "--locked", *packages]
        if subprocess.run(command, cwd=BENCH.parent, check=False).returncode != 0:
            sys.exit("bench: the build failed")
    if not LOADGEN.exists():
        sys.exit(f"bench: {LOADGEN} is not built")
    allow_many_descriptors()


def warn_of_noise() -> None:
    warning = noise()
    if warning is not None:
        say(f"warning: {warning}")


def store(results: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
