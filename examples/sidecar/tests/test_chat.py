import json
from typing import Any

import pytest
from sidecar.stats import Stats
from starlette.testclient import TestClient

PATH = "/v1/chat/completions"
FAST = {"X-Sidecar-Tokens-Per-Second": "0"}


def body(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Who keeps the key?"}]
    return {"model": "sidecar-trigram", "messages": messages, "seed": 3} | changes


def stream_events(client: TestClient, **changes: Any) -> list[str]:
    response = client.post(PATH, json=body(stream=True, **changes), headers=FAST)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("\n\n")
    return [event.removeprefix("data: ") for event in response.text.split("\n\n")[:-1]]


def test_answers_in_one_piece(client: TestClient) -> None:
    answer = client.post(PATH, json=body()).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_streams_the_same_text_token_by_token(client: TestClient) -> None:
    whole = client.post(PATH, json=body()).json()["choices"][0]["message"]["content"]
    *chunks, done = stream_events(client)
    assert done == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas) == whole
    assert len(deltas) > 20
    assert json.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"


def test_stream_ends_with_usage_only_when_asked(client: TestClient) -> None:
    without = stream_events(client)
    with_usage = stream_events(client, stream_options={"include_usage": True})
    assert len(with_usage) == len(without) + 1
    last = json.loads(with_usage[-2])
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == len(with_usage) - 4  # role, finish, usage, [DONE]
    assert all("usage" not in event for event in without)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_limit_ends_the_answer(client: TestClient, limit: str) -> None:
    answer = client.post(PATH, json=body(**{limit: 5})).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"model": "gpt-5"}, 404, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "user"}]}, 400, "messages"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"max_tokens": "5"}, 400, "max_tokens"),
        ({"n": 2}, 400, "n"),
        ({"stream": 1}, 400, "stream"),
    ],
)
def test_refuses_what_it_cannot_do(
    client: TestClient, changes: dict[str, Any], status: int, param: str
) -> None:
    response = client.post(PATH, json=body(**changes))
    assert response.status_code == status
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_refuses_a_body_that_is_no_json_object(client: TestClient, content: bytes) -> None:
    assert client.post(PATH, content=content).status_code == 400


def test_content_may_come_in_parts(client: TestClient) -> None:
    parts = [{"type": "text", "text": "Who keeps"}, {"type": "text", "text": "the key?"}]
    in_parts = client.post(PATH, json=body(messages=[{"role": "user", "content": parts}])).json()
    assert in_parts["usage"]["prompt_tokens"] == 5


def test_completed_streams_are_counted_and_nothing_else_is(client: TestClient) -> None:
    stats: Stats = client.app.state.services.stats  # type: ignore[attr-defined]
    stream_events(client)
    client.post(PATH, json=body())
    assert (stats.requests, stats.streams_completed, stats.cancelled, stats.active) == (2, 1, 0, 0)
