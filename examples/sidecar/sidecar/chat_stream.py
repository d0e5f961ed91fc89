"""An answer as server-sent events, one token at a time at the pace that was asked for."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from .completion import Answer
from .knobs import Knobs
from .stats import Stats


class AskedToFail(Exception):
    """Raised in mid-stream for the knob `fail_after`; the server then breaks the connection."""


class EventStream:
    def __init__(self, answer: Answer, knobs: Knobs, stats: Stats, *, include_usage: bool) -> None:
        self.answer = answer
        self.knobs = knobs
        self.stats = stats
        self.include_usage = include_usage
        self.tokens_sent = 0

    def response(self) -> StreamingResponse:
        return StreamingResponse(
            self.watched_events(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def watched_events(self) -> AsyncIterator[str]:
        """The events; a caller that leaves cancels this generator wherever it stands."""
        try:
            async for event in self.events():
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.stats.client_left(self.knobs.label, "body", self.tokens_sent)
            raise
        self.stats.streams_completed += 1

    async def events(self) -> AsyncIterator[str]:
        yield self.event(self.answer.chunk({"role": "assistant", "content": ""}))
        async for token in self.paced_tokens():
            yield self.event(self.answer.chunk({"content": token}))
            self.tokens_sent += 1
            await self.misbehave_in_mid_stream()
        yield self.event(self.answer.chunk({}, self.answer.completion.finish_reason))
        if self.include_usage:
            yield self.event(self.answer.usage_chunk())
        yield "data: [DONE]\n\n"

    async def paced_tokens(self) -> AsyncIterator[str]:
        """Token k is due k periods after the first, so a late one does not delay those after it."""
        clock = asyncio.get_running_loop().time
        start = clock()
        period = 1 / self.knobs.tokens_per_second if self.knobs.tokens_per_second else 0.0
        for index, token in enumerate(self.answer.completion.tokens):
            await asyncio.sleep(max(0.0, start + index * period - clock()))
            yield token

    async def misbehave_in_mid_stream(self) -> None:
        if self.knobs.hang == "body":
            await asyncio.Event().wait()
        if self.tokens_sent == self.knobs.fail_after:
            raise AskedToFail(f"breaking the stream after {self.tokens_sent} tokens, as asked")

    def event(self, chunk: dict[str, Any]) -> str:
        if self.knobs.timestamps:
            chunk["sent_at"] = time.time()
        return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"
