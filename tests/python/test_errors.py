"""Which errors the SDK raises: the sidecar's own pass untouched, the gateway's say why."""

from collections.abc import Callable

import httpx
import openai as sdk
import pytest
from openai import OpenAI
from processes import Running
from questions import knobs, question
from sidecar_stats import stats_of

REASON = "X-Gateway-Reason"


def test_wrong_upstream_key_is_the_sidecars_own_401(via: Callable[[str], OpenAI], sidecar: Running) -> None:
    with pytest.raises(sdk.AuthenticationError) as refusal, via("/-/wrong-key") as client:
        client.models.list()
    response = refusal.value.response
    straight = httpx.get(f"{sidecar.url}/v1/models", headers={"Authorization": "Bearer wrong"})
    assert refusal.value.code == "invalid_api_key"
    assert response.content == straight.content
    assert response.headers["Content-Type"] == straight.headers["Content-Type"]
    assert REASON not in response.headers


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, sdk.BadRequestError),
        (403, sdk.PermissionDeniedError),
        (429, sdk.RateLimitError),
        (500, sdk.InternalServerError),
        (503, sdk.InternalServerError),
    ],
)
def test_sidecars_errors_pass_untouched(openai: OpenAI, status: int, error: type[sdk.APIStatusError]) -> None:
    with pytest.raises(error) as failure:
        openai.chat.completions.create(**question(), extra_headers=knobs(status=status))
    assert failure.value.status_code == status
    assert failure.value.code == "as_asked"
    assert REASON not in failure.value.response.headers


def test_unknown_model_is_not_found(openai: OpenAI) -> None:
    with pytest.raises(sdk.NotFoundError) as failure:
        openai.models.retrieve("gpt-5")
    assert failure.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/-/locked", 401), ("/-/nowhere", 404), ("/-/no-env", 500), ("/-/down", 502)],
)
def test_gateways_refusals_say_why(via: Callable[[str], OpenAI], path: str, status: int) -> None:
    with pytest.raises(sdk.APIStatusError) as refusal, via(path) as client:
        client.models.list()
    response = refusal.value.response
    body = response.json()
    assert response.status_code == body["status"] == status
    assert response.headers[REASON]
    assert response.headers["X-Request-Id"]
    assert {"message", "data", "error", "details"} <= body.keys()
    assert body["message"]
    assert "127.0.0.1" not in response.text


def test_refused_request_never_reaches_the_sidecar(http: httpx.Client, sidecar: Running) -> None:
    before = stats_of(sidecar)["requests"]
    for path in ("/-/locked/v1/models", "/-/no-env/v1/models", "/-/nowhere/v1/models", "/-/aiv1/models"):
        assert http.get(path).status_code in (401, 404, 500)
    assert stats_of(sidecar)["requests"] == before


def test_broken_stream_is_seen_as_broken(openai: OpenAI) -> None:
    """A truncated answer must not look complete: the SDK raises instead of ending its loop."""
    stream = openai.chat.completions.create(**question(stream=True), extra_headers=knobs(fail_after=5))
    contents: list[str | None] = []
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, sdk.APIError)):
        contents.extend(chunk.choices[0].delta.content for chunk in stream)
    assert sum(bool(content) for content in contents) == 5
