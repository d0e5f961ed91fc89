"""The real gateway in front of the real sidecar, started once for the whole suite."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from processes import Running, add_proxy, built_binary, closed_port, running_gateway, running_sidecar

KEY_HEADER = "Authorization: Bearer {env.SIDECAR_API_KEY}"


@pytest.fixture(scope="session")
def binary() -> Path:
    binary = built_binary("debug")
    if not binary.is_file():
        pytest.exit(f"no binary at {binary}: run `cargo build -p pocketgate`, or set POCKETGATE_BIN", 1)
    return binary


@pytest.fixture(scope="session")
def sidecar_key() -> str:
    """The secret of this suite: it must never be seen on the client's side."""
    return f"sk-sidecar-{secrets.token_hex(16)}"


@pytest.fixture(scope="session")
def sidecar(sidecar_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("sidecar") / "stderr.log"
    with running_sidecar(sidecar_key, log) as sidecar:
        yield sidecar


@pytest.fixture(scope="session")
def data_folder(binary: Path, sidecar: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with every proxy the suite uses."""
    folder = tmp_path_factory.mktemp("gateway")
    public = ("--access-rule", "true")
    add_proxy(binary, folder, "/-/ai", sidecar.url, *public, "--header", KEY_HEADER)
    add_proxy(binary, folder, "/-/hasty", sidecar.url, *public, "--header", KEY_HEADER, "--timeout", "1")
    add_proxy(binary, folder, "/-/wrong-key", sidecar.url, *public, "--header", "Authorization: Bearer wrong")
    add_proxy(binary, folder, "/-/locked", sidecar.url, "--header", KEY_HEADER)
    add_proxy(binary, folder, "/-/down", f"http://127.0.0.1:{closed_port()}", *public)
    add_proxy(
        binary, folder, "/-/no-env", sidecar.url, *public, "--header", "Authorization: {env.SIDECAR_UNSET}"
    )
    return folder


@pytest.fixture(scope="session")
def gateway(
    binary: Path, data_folder: Path, sidecar_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("gateway-log") / "stderr.log"
    environment = {"SIDECAR_API_KEY": sidecar_key}
    with running_gateway(binary, data_folder, log, environment=environment) as gateway:
        yield gateway
    assert "panicked" not in log.read_text()


@pytest.fixture
def http(gateway: Running) -> Iterator[httpx.Client]:
    """A plain client of the gateway, for what an SDK does not show."""
    with httpx.Client(base_url=gateway.url, timeout=10) as http:
        yield http


@pytest.fixture
def openai(gateway: Running) -> Iterator[OpenAI]:
    """The official SDK as an application would make it, except that a failure is seen at once."""
    with open_ai(gateway) as openai:
        yield openai


def open_ai(gateway: Running, path: str = "/-/ai") -> OpenAI:
    return OpenAI(
        base_url=f"{gateway.url}{path}/v1", api_key="the-client-has-none", max_retries=0, timeout=10
    )


@pytest.fixture
def via(gateway: Running) -> Callable[[str], OpenAI]:
    """The SDK through another proxy: `via("/-/locked")`."""
    return lambda path: open_ai(gateway, path)


@pytest.fixture
def direct(sidecar: Running, sidecar_key: str) -> Iterator[OpenAI]:
    """The SDK straight to the sidecar, to compare with."""
    with OpenAI(base_url=f"{sidecar.url}/v1", api_key=sidecar_key, max_retries=0, timeout=10) as direct:
        yield direct
