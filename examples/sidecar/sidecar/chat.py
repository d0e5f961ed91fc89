"""`POST /v1/chat/completions`: the whole answer at once, or token by token with `stream: true`."""

import random
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .chat_stream import EventStream
from .completion import Answer
from .errors import ApiError
from .knobs import Knobs, misbehave_as_asked
from .models import CHAT_MODEL, known
from .request_body import flag, json_object, whole_number
from .text_model import TextModel, tokenize

# A paragraph: enough to watch a stream, short enough to read.
TOKENS_MIN_DEFAULT = 24
TOKENS_MAX_DEFAULT = 128
# An hour of a fast model; bounds the memory one request can ask for.
TOKENS_MAX = 200_000


@dataclass(frozen=True)
class ChatRequest:
    prompt: str
    stream: bool
    include_usage: bool
    tokens_min: int
    """`min_tokens` is not OpenAI's, but common among servers of this API: it asks for long streams."""
    tokens_max: int
    seed: int

    @classmethod
    async def of(cls, request: Request) -> "ChatRequest":
        body = await json_object(request)
        known(body.get("model"), CHAT_MODEL)
        whole_number(body, "n", default=1, least=1, most=1)
        stream = flag(body, "stream")
        legacy_max = whole_number(body, "max_tokens", TOKENS_MAX_DEFAULT, 1, TOKENS_MAX)
        return cls(
            prompt=prompt_text(body.get("messages")),
            stream=stream,
            include_usage=stream and wants_usage(body.get("stream_options")),
            tokens_min=whole_number(body, "min_tokens", TOKENS_MIN_DEFAULT, 0, TOKENS_MAX),
            tokens_max=whole_number(body, "max_completion_tokens", legacy_max, 1, TOKENS_MAX),
            seed=whole_number(body, "seed", random.getrandbits(32), -(2**63), 2**63 - 1),
        )


async def create_completion(request: Request) -> Response:
    services = request.app.state.services
    knobs = Knobs.of(request)
    chat = await ChatRequest.of(request)
    await misbehave_as_asked(request, knobs, services.stats)
    answer = answer_to(chat, services.text_model)
    if chat.stream:
        return EventStream(answer, knobs, services.stats, include_usage=chat.include_usage).response()
    return JSONResponse(answer.as_json())


def answer_to(chat: ChatRequest, model: TextModel) -> Answer:
    completion = model.complete(chat.prompt, chat.seed, chat.tokens_min, chat.tokens_max)
    return Answer(CHAT_MODEL, completion, prompt_tokens=len(tokenize(chat.prompt)))


def prompt_text(messages: object) -> str:
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "Must be a list of at least one message.", param="messages")
    return "\n".join(message_text(message) for message in messages)


def message_text(message: object) -> str:
    """`content` is a string, or a list of parts of which those of text count."""
    content: Any = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise ApiError(400, "Every message needs a content.", param="messages")
    return content


def wants_usage(stream_options: object) -> bool:
    return isinstance(stream_options, dict) and flag(stream_options, "include_usage")
