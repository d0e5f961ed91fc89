"""`POST /v1/embeddings` by WordLlama: token vectors distilled from a language model, averaged.

The weights are a part of the `wordllama` package; nothing is fetched. The vectors are trained so that
their first 64 or 128 numbers are embeddings as well (`dimensions`).
"""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import wordllama
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from .errors import ApiError
from .knobs import Knobs, misbehave_as_asked
from .models import EMBEDDING_MODEL, known
from .request_body import json_object

DIMENSIONS = (256, 128, 64)
# OpenAI's own limit.
INPUTS_MAX = 2048

Vectors = NDArray[np.float32]


class EmbeddingModel:
    def __init__(self, model: wordllama.WordLlamaInference) -> None:
        self.model = model

    @classmethod
    def load(cls) -> "EmbeddingModel":
        """The package looks for its tokenizer in a cache folder; its own folder is laid out like one."""
        package = Path(wordllama.__file__).parent
        return cls(wordllama.WordLlama.load(cache_dir=package, disable_download=True))

    def embed(self, texts: list[str], dimensions: int) -> Vectors:
        """One unit vector a text."""
        vectors = np.asarray(self.model.embed(texts), dtype=np.float32)[:, :dimensions]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def count_tokens(self, texts: list[str]) -> int:
        return sum(sum(encoding.attention_mask) for encoding in self.model.tokenize(texts))


async def create_embeddings(request: Request) -> JSONResponse:
    services = request.app.state.services
    body = await json_object(request)
    known(body.get("model"), EMBEDDING_MODEL)
    texts = input_texts(body)
    dimensions = wanted_dimensions(body)
    as_base64 = encoding_format(body) == "base64"
    await misbehave_as_asked(request, Knobs.of(request), services.stats)
    model: EmbeddingModel = services.embedding_model
    vectors = await run_in_threadpool(model.embed, texts, dimensions)
    tokens = model.count_tokens(texts)
    return JSONResponse(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": encoded(vector, as_base64)}
                for index, vector in enumerate(vectors)
            ],
            "model": EMBEDDING_MODEL,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def input_texts(body: dict[str, Any]) -> list[str]:
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= INPUTS_MAX:
        raise ApiError(400, f"Must be a string or up to {INPUTS_MAX} of them.", param="input")
    if not all(isinstance(text, str) and text for text in texts):
        raise ApiError(400, "Every input must be a string that is not empty.", param="input")
    return texts


def wanted_dimensions(body: dict[str, Any]) -> int:
    dimensions = body.get("dimensions") or DIMENSIONS[0]
    if dimensions not in DIMENSIONS:
        raise ApiError(400, f"Must be one of {', '.join(map(str, DIMENSIONS))}.", param="dimensions")
    return int(dimensions)


def encoding_format(body: dict[str, Any]) -> str:
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise ApiError(400, "Must be float or base64.", param="encoding_format")
    return str(encoding)


def encoded(vector: Vectors, as_base64: bool) -> str | list[float]:
    """OpenAI's SDKs ask for base64 of little-endian 32-bit floats unless told otherwise."""
    if as_base64:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(number) for number in vector]
