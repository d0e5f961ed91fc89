"""`timeout` bounds the wait for the response head and never cuts a stream that flows (decision D-6)."""

import time
from collections.abc import Callable

import openai as sdk
import pytest
from openai import OpenAI
from questions import knobs, question


def test_sidecar_that_never_answers_is_a_504(via: Callable[[str], OpenAI]) -> None:
    start = time.monotonic()
    with pytest.raises(sdk.InternalServerError) as failure, via("/-/hasty") as client:
        client.chat.completions.create(**question(), extra_headers=knobs(hang="head"))
    assert failure.value.status_code == 504
    assert failure.value.response.headers["X-Gateway-Reason"]
    assert 0.9 < time.monotonic() - start < 3


def test_stream_longer_than_the_timeout_is_not_cut(via: Callable[[str], OpenAI]) -> None:
    start = time.monotonic()
    with via("/-/hasty") as client:
        stream = client.chat.completions.create(
            **question(stream=True, max_tokens=30, extra_body={"min_tokens": 30}),
            extra_headers=knobs(tokens_per_second=12),
        )
        contents = [chunk.choices[0].delta.content for chunk in stream]
    assert sum(bool(content) for content in contents) == 30
    assert time.monotonic() - start > 2
