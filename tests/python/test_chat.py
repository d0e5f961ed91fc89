"""Chat through the gateway with the official SDK, in one piece and token by token."""

import time

from openai import OpenAI
from questions import knobs, question


def test_answer_in_one_piece_is_the_sidecars(openai: OpenAI, direct: OpenAI) -> None:
    through, straight = (client.chat.completions.create(**question()) for client in (openai, direct))
    assert through.choices == straight.choices
    assert through.usage == straight.usage
    assert through.usage is not None
    assert through.usage.completion_tokens > 20


def test_stream_adds_up_to_the_answer_in_one_piece(openai: OpenAI, direct: OpenAI) -> None:
    whole = direct.chat.completions.create(**question()).choices[0].message.content
    stream = openai.chat.completions.create(**question(stream=True), extra_headers=knobs(tokens_per_second=0))
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_stream_ends_with_the_usage_when_asked(openai: OpenAI) -> None:
    options = {"include_usage": True}
    fast = knobs(tokens_per_second=0)
    *_, last = openai.chat.completions.create(
        **question(stream=True, stream_options=options, max_tokens=7), extra_headers=fast
    )
    assert last.usage is not None
    assert last.usage.completion_tokens == 7


def test_each_token_arrives_before_the_next_is_written(openai: OpenAI) -> None:
    """Every event carries the moment it was sent: waiting for the successor anywhere delays all of them.

    Two may be late, because the machine may have had something else to do for 50 ms.
    """
    pace = knobs(tokens_per_second=20, timestamps=1)
    stream = openai.chat.completions.create(**question(stream=True, max_tokens=20), extra_headers=pace)
    sent, arrived = [], []
    for chunk in stream:
        arrived.append(time.time())
        assert chunk.model_extra
        sent.append(chunk.model_extra["sent_at"])
    tokens = range(1, 20)  # the role before the first and the finish after the last are sent without a pause
    late = [token for token in tokens if arrived[token] >= sent[token + 1]]
    assert len(late) <= 2, late
    assert arrived[20] - arrived[1] > 0.9


def test_empty_and_large_prompts_pass(openai: OpenAI) -> None:
    for content in ("", "tower " * 200_000):
        messages = [{"role": "user", "content": content}]
        answer = openai.chat.completions.create(**question(messages=messages, max_tokens=3))
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == content.count("tower")
