"""The reason the gateway exists: whatever a client does, it never sees the sidecar's key."""

from pathlib import Path

import httpx
import pytest
from processes import Running, pocketgate
from questions import knobs, question

CHAT = "/-/ai/v1/chat/completions"


def everything_in(response: httpx.Response) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())
    return f"{response.status_code} {response.reason_phrase}\n{headers}\n{response.text}"


@pytest.mark.parametrize(
    "path",
    [
        "/-/ai/v1/models",
        "/-/ai/debug/stats",
        "/-/ai/nowhere",
        "/-/ai/v1/models?status=500",
        "/-/wrong-key/v1/models",
        "/-/locked/v1/models",
        "/-/no-env/v1/models",
        "/-/down/v1/models",
        "/-/nowhere",
        "/api/health",
        "/api/collections/_proxies/records",
        "/_/",
    ],
)
def test_no_answer_holds_the_key(http: httpx.Client, sidecar_key: str, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS", "TRACE"):
        response = http.request(method, path, headers={"Authorization": "Bearer the-client-has-none"})
        assert sidecar_key not in everything_in(response), f"{method} {path}"


def test_no_stream_holds_the_key(http: httpx.Client, sidecar_key: str) -> None:
    body = question(stream=True)
    answer = http.post(CHAT, json=body, headers=knobs(tokens_per_second=0))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert sidecar_key not in everything_in(answer)


@pytest.mark.parametrize("authorization", [None, "Bearer the-client-has-none", "Basic b3RoZXI6b25l"])
def test_client_needs_no_key_and_its_own_is_not_used(http: httpx.Client, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    assert http.post(CHAT, json=question(), headers=headers).status_code == 200


def test_neither_output_nor_disk_holds_the_key(
    binary: Path, gateway: Running, data_folder: Path, http: httpx.Client, sidecar_key: str
) -> None:
    """Not in the log, not in what the command line prints, not in the database: only in the environment."""
    assert http.get("/-/ai/v1/models").status_code == 200
    for command in ("list", "export"):
        printed = pocketgate(binary, "proxies", command, "--dir", data_folder)
        assert "/-/ai" in printed
        assert sidecar_key not in printed
    assert sidecar_key not in gateway.log.read_text()
    for file in data_folder.rglob("*"):
        assert not file.is_file() or sidecar_key.encode() not in file.read_bytes(), file
