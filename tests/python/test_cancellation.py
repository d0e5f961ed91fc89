"""A client that goes away: the sidecar learns of it within 100 ms, whatever it was doing."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import openai as sdk
import pytest
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk
from processes import Running
from questions import knobs, question
from sidecar_stats import cancellation_of, wait_for_stats

NOTICED_WITHIN_SECONDS = 0.1
# The median is judged: a machine busy for a moment delays one, a gateway that is late delays them all.
ATTEMPTS = 5

ChatStream = Stream[ChatCompletionChunk]


def test_sdk_closing_a_stream_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    def delay(label: str) -> float:
        left_at = leave(stream_in_mid_flow(openai, label))
        return noticed_after(left_at, sidecar, label, phase="body")

    assert median_of(delay) < NOTICED_WITHIN_SECONDS


def test_client_leaving_a_silent_stream_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    def delay(label: str) -> float:
        left_at = leave(stream_in_mid_flow(openai, label, hang="body", tokens=1))
        return noticed_after(left_at, sidecar, label, phase="body")

    assert median_of(delay) < NOTICED_WITHIN_SECONDS


def test_client_leaving_before_the_head_stops_the_sidecar(openai: OpenAI, sidecar: Running) -> None:
    def delay(label: str) -> float:
        silent = knobs(hang="head", label=label)
        with pytest.raises(sdk.APITimeoutError):
            openai.chat.completions.create(**question(), extra_headers=silent, timeout=0.3)
        return noticed_after(time.time(), sidecar, label, phase="head")

    assert median_of(delay) < NOTICED_WITHIN_SECONDS


def test_twenty_leaving_at_once_stop_twenty(openai: OpenAI, sidecar: Running) -> None:
    labels = [uuid.uuid4().hex for _ in range(20)]
    with ThreadPoolExecutor(len(labels)) as pool:
        streams = list(pool.map(lambda label: stream_in_mid_flow(openai, label), labels))
    left_at = [leave(stream) for stream in streams]
    delays = [
        noticed_after(left, sidecar, label, phase="body") for label, left in zip(labels, left_at, strict=True)
    ]
    assert median(delays) < NOTICED_WITHIN_SECONDS
    wait_for_stats(sidecar, lambda stats: stats["active"] == 0)


def median_of(delay: Callable[[str], float]) -> float:
    return median(delay(uuid.uuid4().hex) for _ in range(ATTEMPTS))


def noticed_after(left_at: float, sidecar: Running, label: str, phase: str) -> float:
    """Seconds from the client's leaving to the sidecar's noticing."""
    cancellation = cancellation_of(sidecar, label)
    assert cancellation["phase"] == phase
    return float(cancellation["noticed_at"]) - left_at


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
