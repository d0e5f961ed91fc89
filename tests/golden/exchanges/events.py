"""Batches and realtime events."""

from .accounts import user
from .proxies import PROXIES, proxy
from .steps import Ask, Hear, Listen, Step, records

BATCH = "/api/batch"
REALTIME = "/api/realtime"


def batch(name: str, *requests: object, caller: str = "superuser") -> Ask:
    return Ask(f"batch: {name}", "POST", BATCH, caller, json={"requests": list(requests)})


def request(method: str, url: str, body: object = None) -> dict[str, object]:
    return {"method": method, "url": url} | ({} if body is None else {"body": body})


def allow(name: str, enabled: bool, most: int = 50) -> Ask:
    change = {"batch": {"enabled": enabled, "maxRequests": most, "timeout": 3}}
    return Ask(
        f"batch: {name}", "PATCH", "/api/settings", "superuser", json=change, query={"fields": "batch"}
    )


BATCH_STEPS: list[Step] = [
    allow("switched off", False),
    batch("while switched off", request("POST", PROXIES, proxy("/-/batch"))),
    allow("at most three", True, 3),
    batch("nothing"),
    Ask("batch: no body", "POST", BATCH, "superuser"),
    Ask("batch: no requests", "POST", BATCH, "superuser", json={}),
    Ask("batch: broken JSON", "POST", BATCH, "superuser", text="{"),
    batch("too many", *[request("DELETE", records("_proxies", "none"))] * 4),
    batch(
        "done",
        request("POST", PROXIES, proxy("/-/batch/1", id="batch1000000001")),
        request("PATCH", records("_proxies", "batch1000000001"), {"name": "Batch"}),
        request("DELETE", records("_proxies", "batch1000000001")),
    ),
    batch(
        "put twice",
        request("PUT", PROXIES, proxy("/-/batch/2", id="batch2000000002")),
        request("PUT", f"{PROXIES}?fields=id,name", {"id": "batch2000000002", "name": "Put"}),
    ),
    batch(
        "rolled back",
        request("DELETE", records("_proxies", "batch2000000002")),
        request("POST", PROXIES, {"path": "/-/batch/3"}),
    ),
    Ask("batch: what was rolled back is there", "GET", records("_proxies", "batch2000000002"), "superuser"),
    batch("an unknown record", request("DELETE", records("_proxies", "none"))),
    batch("an unknown collection", request("POST", records("none"), {})),
    batch("an unknown method", request("GET", PROXIES)),
    batch("an unknown URL", request("POST", "/api/settings", {})),
    batch("a guest", request("POST", PROXIES, proxy("/-/batch/4")), caller=""),
    batch("a guest signs up", request("POST", records("users"), user("batch")), caller=""),
]


def subscribe(name: str, *topics: str, stream: str = "stream", caller: str = "") -> Ask:
    body = {"clientId": f"<{stream}>", "subscriptions": list(topics)}
    return Ask(f"realtime: {name}", "POST", REALTIME, caller, json=body)


REALTIME_STEPS: list[Step] = [
    Listen("realtime: first frame", "stream"),
    Ask("realtime: nothing", "POST", REALTIME, json={}),
    Ask("realtime: no body", "POST", REALTIME),
    Ask("realtime: broken JSON", "POST", REALTIME, text="{"),
    Ask("realtime: empty client", "POST", REALTIME, json={"clientId": "", "subscriptions": []}),
    Ask("realtime: unknown client", "POST", REALTIME, json={"clientId": "none", "subscriptions": []}),
    Ask("realtime: long client", "POST", REALTIME, json={"clientId": "a" * 256, "subscriptions": []}),
    subscribe("long topic", "a" * 2501),
    subscribe("too many topics", *[f"a/{number}" for number in range(1001)]),
    subscribe("empty topic", ""),
    subscribe("unknown collection", "none/*"),
    subscribe("no topic"),
    subscribe("a guest becomes a superuser", "_proxies/*", caller="superuser"),
    subscribe("a superuser becomes a user", "_proxies/*", caller="user"),
    subscribe("a superuser becomes a guest", "_proxies/*"),
    Ask(
        "realtime: created",
        "POST",
        PROXIES,
        "superuser",
        json=proxy("/-/heard", id="heard0000000001"),
        keep={"heard": "id"},
    ),
    Hear("realtime: heard of the new one", "stream", 1),
    subscribe(
        "one record, some fields",
        '_proxies/heard0000000001?options={"query":{"fields":"name"}}',
        caller="superuser",
    ),
    Ask("realtime: updated", "PATCH", records("_proxies", "<heard>"), "superuser", json={"name": "Heard"}),
    Hear("realtime: heard of the update", "stream", 1),
    subscribe("a collection without a star", "_proxies", caller="superuser"),
    Ask("realtime: updated again", "PATCH", records("_proxies", "<heard>"), "superuser", json={"name": ""}),
    Hear("realtime: heard of the second update", "stream", 1),
    subscribe(
        "a filter",
        '_proxies/*?options={"query":{"filter":"name = \'b\'","fields":"name"}}',
        caller="superuser",
    ),
    Ask(
        "realtime: updated, filtered out",
        "PATCH",
        records("_proxies", "<heard>"),
        "superuser",
        json={"name": "a"},
    ),
    Ask(
        "realtime: updated, filtered in",
        "PATCH",
        records("_proxies", "<heard>"),
        "superuser",
        json={"name": "b"},
    ),
    Hear("realtime: heard of what the filter lets through", "stream", 1),
    subscribe("by the id of the collection", "pbc_545340895/*", caller="superuser"),
    Ask("realtime: deleted", "DELETE", records("_proxies", "<heard>"), "superuser"),
    Hear("realtime: heard of the deletion", "stream", 1),
    Listen("realtime: a stream of a user", "own"),
    subscribe("own account", "users/<alice>", stream="own", caller="user"),
    Ask(
        "realtime: own account changed", "PATCH", records("users", "<alice>"), "user", json={"name": "Heard"}
    ),
    Hear("realtime: heard of the own account", "own", 1),
]
