"""Named steps, one after another: their output as it comes, then a table and the counts of all tests."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ANSI = re.compile(r"\x1b\[[0-9;]*m")
CARGO_SUMMARY = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
PYTEST_SUMMARY = re.compile(r"^(?:=+ )?(?:\d+ \w+, )*\d+ \w+ in [\d.]+s")
NODE_COUNT = re.compile(r"^\N{INFORMATION SOURCE} (pass|fail|cancelled|skipped|todo) (\d+)$")
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add_line(self, line: str) -> None:
        """Adds what a line of cargo's, pytest's or Node's output sums up; other lines say nothing."""
        line = ANSI.sub("", line).strip()
        if summary := CARGO_SUMMARY.match(line):
            passed, failed, skipped = map(int, summary.groups())
            self.add(passed, failed, skipped)
        elif PYTEST_SUMMARY.match(line):
            found = {word.rstrip("s"): int(count) for count, word in PYTEST_COUNT.findall(line)}
            failed = found.get("failed", 0) + found.get("error", 0)
            self.add(found.get("passed", 0), failed, found.get("skipped", 0))

        elif summary := NODE_COUNT.match(line):
            kind, count = summary[1], int(summary[2])
            self.add(
                count if kind == "pass" else 0,
                count if kind in ("fail", "cancelled") else 0,
                count if kind in ("skipped", "todo") else 0,
            )

    def add(self, passed: int, failed: int, skipped: int) -> None:
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


@dataclass
class Step:
    name: str
    outcome: Literal["ok", "FAILED", "skipped"]
    counts: Counts
    seconds: float = 0.0
    remark: str = ""


class Steps:
    def __init__(self) -> None:
        self.steps: list[Step] = []

    def run(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """Runs a command; a step that fails leaves the others to run, so that one run shows everything."""
        print(f"\n── {name}: {' '.join(command)}", flush=True)
        start = time.monotonic()
        counts = Counts()
        returncode = stream(command, environment or {}, counts)
        if returncode != 0 and counts.failed == 0:
            counts.failed = 1  # the step itself: it did not compile, or it crashed
        remark = "" if returncode == 0 else f"exit {returncode}"
        outcome: Literal["ok", "FAILED"] = "ok" if returncode == 0 else "FAILED"
        self.steps.append(Step(name, outcome, counts, time.monotonic() - start, remark))

    def skip(self, name: str, reason: str) -> None:
        """A step that cannot run here is named in the table, never left out in silence."""
        self.steps.append(Step(name, "skipped", Counts(), remark=reason))

    def finish(self) -> int:
        """Prints the table and, last of all, the sum of all counts; returns the exit code."""
        print()
        for step in self.steps:
            print(row(step))
        total = Counts()
        for step in self.steps:
            total.add(step.counts.passed, step.counts.failed, step.counts.skipped)
        print(f"\n{total.passed} passed, {total.failed} failed", flush=True)
        return 1 if total.failed else 0


def stream(command: tuple[str, ...], environment: Mapping[str, str], counts: Counts) -> int:
    colours = {"CARGO_TERM_COLOR": "always", "PY_COLORS": "1"} if sys.stdout.isatty() else {}
    with subprocess.Popen(
        command,
        env={**os.environ, **colours, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            counts.add_line(line)
    return process.returncode


def row(step: Step) -> str:
    counts = step.counts
    tests = f"{counts.passed} passed, {counts.failed} failed" if counts.passed or counts.failed else ""
    if counts.skipped:
        tests += f", {counts.skipped} skipped"
    return f"{step.outcome:8} {step.name:24} {step.seconds:7.1f} s  {tests} {step.remark}".rstrip()
