"""The sidecar as an operating system sees it: its line on standard output, its exit codes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

COMMAND = [sys.executable, "-m", "sidecar", "--port", "0"]
FOLDER = Path(__file__).parents[1]


def start(api_key: str) -> tuple[subprocess.Popen[str], str]:
    environment = os.environ | {"SIDECAR_API_KEY": api_key}
    process = subprocess.Popen(COMMAND, cwd=FOLDER, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:")
    return process, line.split()[-1]


def test_sigterm_ends_it_with_success_even_with_a_stream_running(api_key: str) -> None:
    process, url = start(api_key)
    body = {"model": "sidecar-trigram", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    knobs = {"Authorization": f"Bearer {api_key}", "X-Sidecar-Hang": "body"}
    with process, httpx.stream("POST", f"{url}/v1/chat/completions", json=body, headers=knobs) as response:
        assert next(response.iter_bytes())
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert output == ""  # the line that was read is the only one


def test_without_a_key_it_refuses_to_start() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SIDECAR_API_KEY"}
    process = subprocess.run(COMMAND, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=20)
    assert process.returncode == 2
    assert "SIDECAR_API_KEY" in process.stderr
