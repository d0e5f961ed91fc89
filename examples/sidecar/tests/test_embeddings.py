import base64
from typing import Any

import numpy as np
import pytest
from sidecar.embeddings import EmbeddingModel
from starlette.testclient import TestClient

PATH = "/v1/embeddings"


def body(given: Any, **changes: Any) -> dict[str, Any]:
    return {"model": "sidecar-wordllama-256", "input": given} | changes


def test_similar_sentences_are_closer_than_different_ones(embedding_model: EmbeddingModel) -> None:
    rates, borrowing, cat = embedding_model.embed(
        [
            "The bank raised interest rates.",
            "Central banks increase the cost of borrowing money.",
            "The cat sat on the mat.",
        ],
        256,
    )
    assert rates @ borrowing > rates @ cat + 0.2


@pytest.mark.parametrize("dimensions", [256, 128, 64])
def test_vectors_have_the_length_asked_for_and_norm_one(client: TestClient, dimensions: int) -> None:
    answer = client.post(PATH, json=body(["one", "two and three"], dimensions=dimensions)).json()
    vectors = np.array([item["embedding"] for item in answer["data"]])
    assert vectors.shape == (2, dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert [item["index"] for item in answer["data"]] == [0, 1]


def test_base64_carries_the_same_numbers(client: TestClient) -> None:
    as_list = client.post(PATH, json=body("a harbour")).json()["data"][0]["embedding"]
    packed = client.post(PATH, json=body("a harbour", encoding_format="base64")).json()["data"][0][
        "embedding"
    ]
    assert np.allclose(np.frombuffer(base64.b64decode(packed), "<f4"), as_list)


def test_batching_does_not_change_a_vector(client: TestClient) -> None:
    alone = client.post(PATH, json=body("short")).json()["data"][0]["embedding"]
    batch = client.post(PATH, json=body(["short", "a much longer text than the other"])).json()
    assert np.allclose(batch["data"][0]["embedding"], alone, atol=1e-6)


def test_counts_tokens_without_the_padding(client: TestClient) -> None:
    short, long = "short", "a much longer text than the other"
    separately = [
        client.post(PATH, json=body(text)).json()["usage"]["total_tokens"] for text in (short, long)
    ]
    together = client.post(PATH, json=body([short, long])).json()["usage"]["total_tokens"]
    assert together == sum(separately)


@pytest.mark.parametrize(
    ("given", "changes", "param"),
    [
        ([], {}, "input"),
        (None, {}, "input"),
        ([1, 2], {}, "input"),
        (["text", ""], {}, "input"),
        ("text", {"dimensions": 100}, "dimensions"),
        ("text", {"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_refuses_what_it_cannot_do(
    client: TestClient, given: Any, changes: dict[str, Any], param: str
) -> None:
    response = client.post(PATH, json=body(given, **changes))
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
