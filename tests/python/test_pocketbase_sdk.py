"""What the Python SDK for PocketBase does with a PocketBase, it does with pocketgate (contract §5)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pocketbase import PocketBase
from pocketbase.errors import ClientResponseError
from pocketbase.services.realtime_service import MessageData
from processes import PATIENCE_SECONDS, Running, pocketgate, running_gateway

EMAIL = "root@example.com"
PASSWORD = "correct horse battery"
UPSTREAM = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def administered(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway of its own, with one superuser."""
    folder = tmp_path_factory.mktemp("administered")
    pocketgate(binary, "superuser", "upsert", EMAIL, PASSWORD, "--dir", folder / "data")
    with running_gateway(binary, folder / "data", folder / "stderr.log", environment={}) as gateway:
        yield gateway
    assert "panicked" not in (folder / "stderr.log").read_text()


@pytest.fixture
def guest(administered: Running) -> PocketBase:
    return PocketBase(administered.url)


@pytest.fixture(scope="module")
def superuser(administered: Running) -> PocketBase:
    client = PocketBase(administered.url)
    client.collection("_superusers").auth_with_password(EMAIL, PASSWORD)
    return client


def test_superuser_logs_in_and_refreshes(superuser: PocketBase) -> None:
    refreshed = superuser.collection("_superusers").auth_refresh()
    assert refreshed.is_valid
    assert refreshed.record.email == EMAIL
    assert superuser.auth_store.token == refreshed.token


def test_wrong_password_is_a_400(guest: PocketBase) -> None:
    error = failure(lambda: guest.collection("_superusers").auth_with_password(EMAIL, "wrong password"))
    assert (error.status, error.data["message"]) == (400, "Failed to authenticate.")


def test_auth_methods_are_passwords_alone(guest: PocketBase) -> None:
    methods = guest.collection("users").list_auth_methods()
    assert methods.password.enabled
    assert methods.password.identity_fields == ["email"]
    assert not methods.oauth2.enabled
    assert methods.email_password


def test_record_is_created_read_updated_and_deleted(superuser: PocketBase) -> None:
    proxies = superuser.collection("_proxies")
    created: Any = proxies.create({"path": "/-/python", "upstream": UPSTREAM, "maxConcurrent": 5})
    assert (created.active, created.strip_path, created.timeout) == (True, True, 30)
    assert created.created == created.updated
    found: Any = proxies.get_one(created.id)
    assert found.path == "/-/python"
    updated: Any = proxies.update(created.id, {"active": False})
    assert (updated.active, updated.max_concurrent) == (False, 5)
    first: Any = proxies.get_first_list_item("path = '/-/python'")
    assert first.id == created.id
    assert proxies.delete(created.id)
    assert failure(lambda: proxies.get_one(created.id)).status == 404


def test_full_list_goes_over_every_page(superuser: PocketBase) -> None:
    proxies = superuser.collection("_proxies")
    for number in range(45):
        proxies.create({"path": f"/-/page/{number:02}", "upstream": UPSTREAM})
    query = {"filter": "path ~ '/-/page/'", "sort": "-path"}
    records: list[Any] = proxies.get_full_list(10, dict(query))
    assert [record.path for record in records] == [f"/-/page/{number:02}" for number in range(44, -1, -1)]
    page = proxies.get_list(2, 20, dict(query))
    assert (page.page, page.per_page, page.total_items, page.total_pages) == (2, 20, 45, 3)


def test_field_errors_are_under_data(superuser: PocketBase) -> None:
    error = failure(lambda: superuser.collection("_proxies").create({"path": "/-/x", "upstream": ""}))
    assert (error.status, error.data["message"]) == (400, "Failed to create record.")
    assert error.data["data"]["upstream"]["code"] == "validation_required"


def test_guest_sees_nothing_of_what_is_for_superusers(guest: PocketBase) -> None:
    error = failure(lambda: guest.collection("_proxies").get_list())
    assert (error.status, error.data["message"]) == (403, "Only superusers can perform this action.")
    assert failure(lambda: guest.settings.get_all()).status == 401


def test_batch_is_all_or_nothing(superuser: PocketBase) -> None:
    batch = superuser.create_batch()
    batch.collection("_proxies").create({"path": "/-/batch/1", "upstream": UPSTREAM})
    batch.collection("_proxies").create({"path": "/-/batch/2", "upstream": UPSTREAM})
    results: list[Any] = list(batch.send())
    assert [result["status"] for result in results] == [200, 200]
    failing = superuser.create_batch()
    failing.collection("_proxies").delete(results[0]["body"]["id"])
    failing.collection("_proxies").create({"path": "/-/batch/2", "upstream": UPSTREAM})
    error = failure(failing.send)
    assert error.data["data"]["requests"]["1"]["code"] == "batch_request_failed"
    assert superuser.collection("_proxies").get_one(results[0]["body"]["id"]).id == results[0]["body"]["id"]


def test_realtime_tells_of_changes(administered: Running) -> None:
    heard: list[MessageData] = []
    client = connected(administered, heard)
    number = 0

    def is_heard() -> bool:
        # The SDK does not say when its subscription has arrived, so one event may be too early.
        nonlocal number
        number += 1
        client.collection("_proxies").create({"path": f"/-/heard/{number}", "upstream": UPSTREAM})
        return len(heard) > 0

    eventually(is_heard)
    assert heard[0].action == "create"
    assert heard[0].record.collection_name == "_proxies"
    client.realtime.unsubscribe()


def connected(gateway: Running, heard: list[MessageData]) -> PocketBase:
    """A client that hears of proxies. The SDK reads before it listens, and when the first event is quicker
    than that, only another attempt helps."""
    for _ in range(10):
        client = PocketBase(gateway.url)
        client.collection("_superusers").auth_with_password(EMAIL, PASSWORD)
        client.collection("_proxies").subscribe(heard.append)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if client.realtime.client_id:
                return client
            time.sleep(0.05)
    pytest.fail("never connected")


def test_administration(superuser: PocketBase) -> None:
    health = superuser.health.check()
    assert (health.code, health.message, health.data["canBackup"]) == (200, "API is healthy.", True)
    settings = superuser.settings.update({"meta": {"appName": "Python"}})
    assert settings["meta"]["appName"] == "Python"
    assert superuser.settings.get_all() == settings
    names = {collection.name for collection in superuser.collections.get_full_list()}
    assert {"_proxies", "_superusers", "users"} <= names
    crons = superuser.crons.get_full_list()
    assert superuser.crons.run(crons[0].id)
    assert superuser.backups.create("python.db")
    assert [backup.key for backup in superuser.backups.get_full_list()] == ["python.db"]


def test_requests_are_logged(superuser: PocketBase) -> None:
    superuser.health.check()
    query: dict[str, Any] = {"filter": "data.url ~ '/api/health'"}
    eventually(lambda: superuser.logs.get_list(1, 1, dict(query)).total_items > 0)
    line = superuser.logs.get_list(1, 1, dict(query)).items[0]
    assert superuser.logs.get_one(line.id).id == line.id
    assert sum(hour.total for hour in superuser.logs.get_stats(dict(query))) > 0


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.collection("users").request_password_reset("a@example.com"),
        lambda client: client.collection("users").request_verification("a@example.com"),
        lambda client: client.collection("users").request_email_change("b@example.com"),
        lambda client: client.collections.create({"name": "posts", "type": "base"}),
        lambda client: client.collections.import_collections([]),
        lambda client: client.settings.test_s3(),
        lambda client: client.backups.restore("none.db"),
    ],
)
def test_what_is_not_supported_is_an_error(superuser: PocketBase, call: Callable[[PocketBase], Any]) -> None:
    error = failure(lambda: call(superuser))
    assert error.status in (400, 403, 404)
    assert error.data["message"]


def failure(call: Callable[[], Any]) -> ClientResponseError:
    with pytest.raises(ClientResponseError) as failure:
        call()
    return failure.value


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.05)
