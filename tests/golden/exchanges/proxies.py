"""Records of a base collection that only superusers see: `_proxies`, which is made where it is not."""

from typing import Any

from .steps import Ask, Step, records

PROXIES = records("_proxies")
UPSTREAM = "http://127.0.0.1:9"


def text(name: str, longest: int = 0, shortest: int = 0, required: bool = False) -> dict[str, Any]:
    return {"name": name, "type": "text", "min": shortest, "max": longest, "required": required}


def json(name: str, longest: int = 1000) -> dict[str, Any]:
    return {"name": name, "type": "json", "maxSize": longest}


def flag(name: str) -> dict[str, Any]:
    return {"name": name, "type": "bool"}


def number(name: str, most: float, whole: bool = False) -> dict[str, Any]:
    return {"name": name, "type": "number", "min": 0, "max": most, "onlyInt": whole}


COLLECTION: dict[str, Any] = {
    "name": "_proxies",
    "type": "base",
    "fields": [
        text("path", 500, 2, required=True),
        {"name": "upstream", "type": "url", "required": True},
        text("name", 100),
        text("description", 500),
        flag("active"),
        flag("stripPath"),
        text("accessRule", 2000),
        json("headers", 10_000),
        number("timeout", 86_400),
        json("timeoutConfig"),
        number("maxConcurrent", 10_000, whole=True),
        json("circuitBreaker"),
        json("queueConfig"),
        json("limits"),
        json("rateLimit"),
        json("retryConfig"),
        flag("forwardAuth"),
        flag("forwardEncoding"),
        flag("forwardPreflight"),
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ],
    "indexes": ["CREATE UNIQUE INDEX idx_proxies_path ON _proxies (path)"],
}


def proxy(path: str, **more: Any) -> dict[str, Any]:
    """With everything that has a default of its own in the gateway (contract D-2)."""
    return {"path": path, "upstream": UPSTREAM, "active": True, "stripPath": True, "timeout": 30} | more


def create(name: str, body: Any, **keep: str) -> Ask:
    return Ask(f"proxies: {name}", "POST", PROXIES, "superuser", json=body, keep=keep)


def update(name: str, body: Any) -> Ask:
    return Ask(f"proxies: {name}", "PATCH", records("_proxies", "<one>"), "superuser", json=body)


WRITE_STEPS: list[Step] = [
    create("created", proxy("/-/one", id="one000000000001"), one="id"),
    create(
        "created with every field",
        proxy(
            "/-/two",
            id="two000000000002",
            name="Two",
            description="The second",
            active=False,
            accessRule="true",
            headers={"X-B": "1", "X-A": "ü & <b>"},
            timeout=2.5,
            maxConcurrent=7,
        ),
        two="id",
    ),
    create(
        "created from other types",
        proxy("/-/three", active="true", timeout="12", maxConcurrent="3"),
        three="id",
    ),
    create("nothing", {}),
    create("no upstream", {"path": "/-/x"}),
    create("path too short", proxy("/")),
    create("path too long", proxy("/-/" + "x" * 500)),
    create("path of another", proxy("/-/one")),
    create("upstream is no URL", proxy("/-/x", upstream="nowhere")),
    create("too low", proxy("/-/x", timeout=-1)),
    create("too high", proxy("/-/x", timeout=100_000)),
    create("not whole", proxy("/-/x", maxConcurrent=1.5)),
    create("JSON too large", proxy("/-/x", headers={"X": "x" * 10_000})),
    create("id of another", proxy("/-/x", id="one000000000001")),
    create("many at once", {"path": "/", "upstream": "x", "timeout": -1, "maxConcurrent": 1.5}),
    Ask("proxies: created by a guest", "POST", PROXIES, json=proxy("/-/x")),
    Ask("proxies: created by a user", "POST", PROXIES, "user", json=proxy("/-/x")),
    Ask("proxies: no body", "POST", PROXIES, "superuser"),
    Ask("proxies: broken JSON", "POST", PROXIES, "superuser", text="{"),
    Ask("proxies: more after the JSON", "POST", PROXIES, "superuser", text='{"path":"/"}trailing'),
    Ask("proxies: seen", "GET", records("_proxies", "<one>"), "superuser"),
    Ask("proxies: seen by a guest", "GET", records("_proxies", "<one>")),
    Ask("proxies: seen by a user", "GET", records("_proxies", "<one>"), "user"),
    Ask("proxies: seen, unknown", "GET", records("_proxies", "none"), "superuser"),
    update("updated", {"name": "One", "maxConcurrent": 5}),
    update("added to", {"maxConcurrent+": 2}),
    update("taken from", {"maxConcurrent-": 3}),
    update("cleared", {"name": "", "maxConcurrent": None, "headers": None}),
    update("path made empty", {"path": ""}),
    update("path set to another's", {"path": "/-/two"}),
    update("id changed", {"id": "abcdefghijklmno"}),
    update("unknown field", {"unknown": 1}),
    Ask("proxies: updated by a guest", "PATCH", records("_proxies", "<one>"), json={}),
    Ask("proxies: updated, unknown", "PATCH", records("_proxies", "none"), "superuser", json={}),
    Ask("proxies: deleted by a guest", "DELETE", records("_proxies", "<one>")),
    Ask("proxies: deleted by a user", "DELETE", records("_proxies", "<one>"), "user"),
    Ask("proxies: deleted, unknown", "DELETE", records("_proxies", "none"), "superuser"),
    Ask("proxies: deleted", "DELETE", records("_proxies", "<three>"), "superuser"),
    Ask("proxies: all deleted at once", "DELETE", PROXIES, "superuser"),
    Ask("collection: unknown, listed", "GET", records("none"), "superuser"),
    Ask("collection: unknown, seen", "GET", records("none", "a"), "superuser"),
    Ask("collection: unknown, created", "POST", records("none"), "superuser", json={}),
    Ask("collection: unknown, updated", "PATCH", records("none", "a"), "superuser", json={}),
    Ask("collection: unknown, deleted", "DELETE", records("none", "a"), "superuser"),
]


def listed(name: str, **query: str) -> Ask:
    return Ask(f"list: {name}", "GET", PROXIES, "superuser", query={"fields": "path", "sort": "path"} | query)


def many(first: int, last: int) -> Ask:
    """A part of what a list of more than one page is made of."""
    requests = [
        {"method": "POST", "url": PROXIES, "body": proxy(f"/-/many/{number:02}", id=f"many{number:011}")}
        for number in range(first, last + 1)
    ]
    return Ask(
        f"list: makes {first} to {last}", "POST", "/api/batch", "superuser", json={"requests": requests}
    )


def page(name: str, **query: str) -> Ask:
    return listed(f"of 45, {name}", **{"filter": "path ~ '/-/many/'", "perPage": "20"} | query)


PAGE_STEPS: list[Step] = [
    Ask(
        "list: allows batches",
        "PATCH",
        "/api/settings",
        "superuser",
        json={"batch": {"enabled": True, "maxRequests": 50}},
    ),
    many(1, 45),
    page("first", page="1", perPage="2", fields="*"),
    page("second", page="2"),
    page("third", page="3"),
    page("fourth", page="4"),
    page("second without total", page="2", skipTotal="1"),
    page("backwards", sort="-path"),
    page("without order", sort=""),
    page("later ones", filter="path ~ '/-/many/' && path > '/-/many/40'"),
    page("a wildcard", filter="path ~ '/-/many/%1'"),
    page("not like", filter="path ~ '/-/many/' && path !~ '/-/many/0'"),
    page("any of", filter="path ~ '/-/many/' && (path ?= '/-/many/01' || path = \"/-/many/02\")"),
    page("functions", filter="path ~ '/-/many/' && created <= @todayEnd && created >= @todayStart"),
    page("length of the text", filter="path:length > 1"),
    page("lower case", filter="path:lower = '/-/many/01'"),
    page("a comment", filter="path = '/-/many/01' // the first"),
    page("true", filter="active = true && path ~ '/-/many/0'"),
    page("a number as a text", filter="timeout = '30' && path ~ '/-/many/0'"),
]

LIST_STEPS: list[Step] = [
    Ask("list: a guest", "GET", PROXIES),
    Ask("list: a user", "GET", PROXIES, "user"),
    Ask("list: HEAD", "HEAD", PROXIES, "superuser"),
    listed("all", fields="*"),
    listed("second page", page="2", perPage="1"),
    listed("page after the last", page="99"),
    listed("page 0", page="0"),
    listed("page below 0", page="-1"),
    listed("page is no number", page="a"),
    listed("page is a fraction", page="1.5"),
    listed("page is empty", page=""),
    listed("page is too large", page="99999999999999999999"),
    listed("perPage 0", perPage="0"),
    listed("perPage below 0", perPage="-5"),
    listed("perPage is above the highest", perPage="1001"),
    listed("perPage is no number", perPage="a"),
    listed("no total", skipTotal="1"),
    listed("no total, in letters", skipTotal="true"),
    listed("total", skipTotal="false"),
    listed("total is a word", skipTotal="yes"),
    listed("sort down", sort="-path"),
    listed("sort up", sort="+path"),
    listed("sort by two", sort="active,-path"),
    listed("sort by the row", sort="@rowid"),
    listed("sort by what is unknown", sort="unknown"),
    listed("sort with an error", sort="path,,"),
    listed("sort by nine", sort=",".join(["path"] * 9)),
    listed("sort by a long name", sort="a" * 256),
    listed("filter", filter="path = '/-/one'"),
    listed("filter with or and and", filter="path = '/-/one' || path = '/-/two' && active = true"),
    listed("filter, like", filter="path ~ 'tw'"),
    listed("filter, number", filter="maxConcurrent > 3"),
    listed("filter, in JSON", filter="headers.X-B = 1"),
    listed("filter, a date", filter="created > '2001-01-01'"),
    listed("filter, now", filter="created < @now"),
    listed("filter, null", filter="headers = null"),
    listed("filter, nothing found", filter="path = 'none'"),
    listed("filter, unknown field", filter="unknown = 1"),
    listed("filter, half", filter="path ="),
    listed("filter, no operator", filter="path"),
    listed("filter, open bracket", filter="(path = 'a'"),
    listed("filter, open quote", filter="path = 'a"),
    listed("filter, empty brackets", filter="()"),
    listed("filter, too long", filter="path = '" + "a" * 3500 + "'"),
    listed("filter, too many", filter=" || ".join(["path = 1"] * 201)),
    listed("filter, the request", filter="@request.auth.id != ''"),
    listed("filter, only spaces", filter="  "),
    listed("fields, one", fields="path"),
    listed("fields, unknown", fields="unknown"),
    listed("fields, in JSON", fields="headers.X-A"),
    listed("fields, all but", fields="*,path:excerpt(3)"),
    listed("fields, excerpt", fields="path:excerpt(3)"),
    listed("fields, excerpt with dots", fields="path:excerpt(3,true)"),
    listed("fields, excerpt of nothing", fields="path:excerpt()"),
    listed("fields, unknown modifier", fields="path:unknown(3)"),
    listed("fields, empty", fields=""),
    listed("expand is empty", expand="none"),
    Ask(
        "list: a user filters by the request",
        "GET",
        records("users"),
        "user",
        query={"filter": "@request.auth.id != ''"},
    ),
    Ask(
        "list: a user filters by a collection",
        "GET",
        records("users"),
        "user",
        query={"filter": "@collection.users.id != ''"},
    ),
    Ask(
        "list: a user sorts by the request",
        "GET",
        records("users"),
        "user",
        query={"sort": "@request.auth.id"},
    ),
    Ask(
        "list: a user filters by the hidden",
        "GET",
        records("users"),
        "user",
        query={"filter": "tokenKey != ''"},
    ),
    Ask(
        "list: users by address",
        "GET",
        records("users"),
        "superuser",
        query={"sort": "email", "fields": "email"},
    ),
    Ask(
        "fields: of one record",
        "GET",
        records("_proxies", "<two>"),
        "superuser",
        query={"fields": "path,headers"},
    ),
    Ask("fields: of an error", "GET", records("_proxies", "none"), "superuser", query={"fields": "status"}),
    # After the lists, because only one side makes a record of it.
    create("JSON in a text that is none", proxy("/-/x", headers="{")),
]
