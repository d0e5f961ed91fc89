"""The rest of the API an application uses: models and embeddings."""

import pytest
from openai import OpenAI
from questions import CHAT_MODEL, EMBEDDING_MODEL


def test_models_are_listed_and_retrieved(openai: OpenAI) -> None:
    assert [model.id for model in openai.models.list()] == [CHAT_MODEL, EMBEDDING_MODEL]
    assert openai.models.retrieve(CHAT_MODEL).owned_by == "sidecar"


@pytest.mark.parametrize("inputs", [["a harbour at night"], [f"boat number {n}" for n in range(500)]])
def test_embeddings_are_the_sidecars(openai: OpenAI, direct: OpenAI, inputs: list[str]) -> None:
    """The SDK asks for base64: the large answer is a body of some 700 kB."""
    through, straight = (
        client.embeddings.create(model=EMBEDDING_MODEL, input=inputs) for client in (openai, direct)
    )
    assert through.data == straight.data
    assert len(through.data) == len(inputs)
    assert through.usage == straight.usage


def test_embeddings_as_numbers_with_fewer_dimensions(openai: OpenAI) -> None:
    answer = openai.embeddings.create(
        model=EMBEDDING_MODEL, input="a lamp", dimensions=64, encoding_format="float"
    )
    vector = answer.data[0].embedding
    assert len(vector) == 64
    assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-4)
