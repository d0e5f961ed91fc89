"""Many streams at once: each client gets its own text, and all run at the same time."""

import asyncio
import time

from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion
from processes import Running
from questions import knobs, question

STREAMS = 50
TOKENS = 40
TOKENS_PER_SECOND = 20


def test_fifty_streams_do_not_mix_and_do_not_wait_for_each_other(gateway: Running, direct: OpenAI) -> None:
    expected = [text_of(direct, seed) for seed in range(STREAMS)]
    assert len(set(expected)) > STREAMS / 2  # the seeds tell them apart, or nothing would be shown
    start = time.monotonic()
    texts = asyncio.run(all_streams(gateway))
    seconds = time.monotonic() - start
    assert texts == expected
    one_after_the_other = STREAMS * TOKENS / TOKENS_PER_SECOND
    assert seconds < one_after_the_other / 5


def text_of(client: OpenAI, seed: int) -> str:
    answer: ChatCompletion = client.chat.completions.create(**question(seed, max_tokens=TOKENS))
    return answer.choices[0].message.content or ""


async def all_streams(gateway: Running) -> list[str]:
    url = f"{gateway.url}/-/ai/v1"
    async with AsyncOpenAI(base_url=url, api_key="the-client-has-none", max_retries=0, timeout=30) as client:
        return await asyncio.gather(*(stream_text(client, seed) for seed in range(STREAMS)))


async def stream_text(client: AsyncOpenAI, seed: int) -> str:
    stream = await client.chat.completions.create(
        **question(seed, stream=True, max_tokens=TOKENS),
        extra_headers=knobs(tokens_per_second=TOKENS_PER_SECOND),
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
