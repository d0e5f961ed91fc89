"""One application for all tests, spoken to without a network; only test_process.py starts a process."""

from collections.abc import Iterator

import pytest
from sidecar.app import create_app
from sidecar.embeddings import EmbeddingModel
from sidecar.text_model import TextModel
from starlette.applications import Starlette
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def api_key() -> str:
    return "sk-sidecar-test"


@pytest.fixture(scope="session")
def text_model() -> TextModel:
    return TextModel.from_corpus()


@pytest.fixture(scope="session")
def embedding_model() -> EmbeddingModel:
    return EmbeddingModel.load()


@pytest.fixture
def app(api_key: str, text_model: TextModel, embedding_model: EmbeddingModel) -> Starlette:
    return create_app(api_key, text_model, embedding_model)


@pytest.fixture
def client(api_key: str, app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, headers={"Authorization": f"Bearer {api_key}"}) as client:
        yield client
