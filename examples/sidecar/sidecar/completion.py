"""One answer of the chat model, and the JSON shapes OpenAI gives it."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .text_model import Completion


@dataclass(frozen=True)
class Answer:
    model: str
    completion: Completion
    prompt_tokens: int
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def usage(self) -> dict[str, int]:
        completion_tokens = len(self.completion.tokens)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": self.prompt_tokens + completion_tokens,
        }

    def as_json(self) -> dict[str, Any]:
        """The `chat.completion` object of an answer in one piece."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": self.completion.text},
            "finish_reason": self.completion.finish_reason,
        }
        return self.envelope("chat.completion") | {"choices": [choice], "usage": self.usage()}

    def chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        """One `chat.completion.chunk` object of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self.envelope("chat.completion.chunk") | {"choices": [choice]}

    def usage_chunk(self) -> dict[str, Any]:
        """The last chunk when `stream_options.include_usage` asks for it: no choices, the usage."""
        return self.envelope("chat.completion.chunk") | {"choices": [], "usage": self.usage()}

    def envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}
