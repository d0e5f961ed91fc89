"""A client that goes away: the sidecar learns of it within 100 ms, whatever it was doing."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import openai as sdk
import pytest
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk
from processes import Running
from questions import knobs, question
from sidecar_stats import cancellation_of, wait_for_stats

NOTICED_WITHIN_SECONDS = 0.1

ChatStream = Stream[ChatCompletionChunk]


def test_sdk_closing_a_stream_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    label = uuid.uuid4().hex
    left_at = leave(stream_in_mid_flow(openai, label))
    cancellation = cancellation_of(sidecar, label)
    assert cancellation["phase"] == "body"
    assert cancellation["noticed_at"] - left_at < NOTICED_WITHIN_SECONDS


def test_client_leaving_a_silent_stream_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    label = uuid.uuid4().hex
    left_at = leave(stream_in_mid_flow(openai, label, hang="body", tokens=1))
    assert cancellation_of(sidecar, label)["noticed_at"] - left_at < NOTICED_WITHIN_SECONDS


def test_client_leaving_before_the_head_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    label = uuid.uuid4().hex
    silent = knobs(hang="head", label=label)
    with pytest.raises(sdk.APITimeoutError):
        openai.chat.completions.create(**question(), extra_headers=silent, timeout=0.3)
    left_at = time.time()
    cancellation = cancellation_of(sidecar, label)
    assert cancellation["phase"] == "head"
    assert cancellation["noticed_at"] - left_at < NOTICED_WITHIN_SECONDS


def test_twenty_leaving_at_once_stop_twenty(openai: OpenAI, sidecar: Running) -> None:
    labels = [uuid.uuid4().hex for _ in range(20)]
    with ThreadPoolExecutor(len(labels)) as pool:
        streams = list(pool.map(lambda label: stream_in_mid_flow(openai, label), labels))
    left_at = [leave(stream) for stream in streams]
    for label, left in zip(labels, left_at, strict=True):
        assert cancellation_of(sidecar, label)["noticed_at"] - left < NOTICED_WITHIN_SECONDS
    wait_for_stats(sidecar, lambda stats: stats["active"] == 0)


def stream_in_mid_flow(client: OpenAI, label: str, tokens: int = 5, **more: str) -> ChatStream:
    """A long stream of which a few tokens have been read."""
    stream: ChatStream = client.chat.completions.create(
        **question(stream=True, max_tokens=10_000, extra_body={"min_tokens": 10_000}),
        extra_headers=knobs(label=label, **more),
    )
    for chunk in stream:
        tokens -= bool(chunk.choices[0].delta.content)
        if tokens == 0:
            break
    return stream


def leave(stream: ChatStream) -> float:
    """Closes the stream; returns the moment of leaving."""
    left_at = time.time()
    stream.close()
    return left_at
