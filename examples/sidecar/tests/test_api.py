import time

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "{key}", "Basic {key}", "Bearer {key}x"])
def test_wrong_key_is_refused_in_openais_shape(client: TestClient, api_key: str, authorization: str) -> None:
    response = client.get("/v1/models", headers={"Authorization": authorization.format(key=api_key)})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert api_key not in response.text


def test_health_and_stats_need_no_key(client: TestClient) -> None:
    for path in ("/health", "/debug/stats"):
        assert client.get(path, headers={"Authorization": ""}).status_code == 200


def test_models_are_listed_and_shown(client: TestClient) -> None:
    models = client.get("/v1/models").json()["data"]
    assert [model["id"] for model in models] == ["sidecar-trigram", "sidecar-wordllama-256"]
    assert client.get("/v1/models/sidecar-trigram").json() == models[0]
    assert client.get("/v1/models/gpt-5").json()["error"]["code"] == "model_not_found"


def test_unknown_route_is_an_error_in_openais_shape(client: TestClient) -> None:
    response = client.get("/v1/images")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_url"


@pytest.mark.parametrize("way", ["header", "query"])
def test_knobs_are_read_from_header_and_query(client: TestClient, way: str) -> None:
    if way == "header":
        response = client.get("/v1/models", headers={"X-Sidecar-Status": "503"})
    else:
        response = client.get("/v1/models?status=503")
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "server_error"


def test_delay_comes_before_the_head(client: TestClient) -> None:
    start = time.monotonic()
    assert client.get("/v1/models?delay_ms=150").status_code == 200
    assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize(
    "query", ["status=700", "status=x", "delay_ms=-1", "hang=tail", "tokens_per_second=nan"]
)
def test_knob_out_of_range_is_named(client: TestClient, query: str) -> None:
    response = client.get(f"/v1/models?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["param"] == query.split("=")[0]
