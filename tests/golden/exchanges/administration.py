"""Settings, logs, collections, and what is the same for every route."""

from .proxies import PROXIES
from .steps import Ask, Step

SETTINGS = "/api/settings"


def settings(name: str, change: object) -> Ask:
    return Ask(f"settings: {name}", "PATCH", SETTINGS, "superuser", json=change)


def logs(name: str, target: str = "", caller: str = "superuser", **query: str) -> Ask:
    return Ask(f"logs: {name}", "GET", f"/api/logs{target}", caller, query=query)


ROUTE_STEPS: list[Step] = [
    Ask("health: a guest", "GET", "/api/health"),
    Ask("health: a superuser", "GET", "/api/health", "superuser"),
    Ask("health: HEAD", "HEAD", "/api/health"),
    Ask("health: fields", "GET", "/api/health", query={"fields": "code"}),
    Ask("health: POST", "POST", "/api/health"),
    Ask("health: wrong token", "GET", "/api/health", "Bearer garbage"),
    Ask("route: unknown", "GET", "/api/unknown"),
    Ask("route: unknown, HEAD", "HEAD", "/api/unknown"),
    Ask("route: unknown, DELETE", "DELETE", "/api/unknown"),
    Ask("route: slash at the end", "GET", "/api/health/"),
    Ask("route: only the beginning", "GET", "/api"),
    Ask("route: only the beginning and a slash", "GET", "/api/"),
    Ask("route: other method of records", "PUT", PROXIES, "superuser"),
    Ask("route: other method of batch", "GET", "/api/batch"),
    Ask("route: other method of settings", "DELETE", SETTINGS, "superuser"),
    Ask("cors: with an origin", "GET", "/api/health", headers={"Origin": "https://example.com"}),
    Ask("cors: an error", "GET", "/api/unknown", headers={"Origin": "https://example.com"}),
    Ask(
        "cors: preflight",
        "OPTIONS",
        PROXIES,
        headers={
            "Origin": "https://example.com",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    ),
    Ask("cors: preflight of nothing special", "OPTIONS", PROXIES, headers={"Origin": "https://example.com"}),
    Ask("cors: OPTIONS without an origin", "OPTIONS", PROXIES),
    Ask(
        "cors: OPTIONS of an unknown route",
        "OPTIONS",
        "/api/unknown",
        headers={"Origin": "https://example.com"},
    ),
]

SETTINGS_STEPS: list[Step] = [
    Ask("settings: seen", "GET", SETTINGS, "superuser"),
    Ask("settings: seen by a guest", "GET", SETTINGS),
    Ask("settings: seen by a user", "GET", SETTINGS, "user"),
    Ask("settings: changed by a guest", "PATCH", SETTINGS, json={}),
    Ask("settings: fields", "GET", SETTINGS, "superuser", query={"fields": "meta.appName,batch"}),
    settings("nothing changed", {}),
    settings("unknown member", {"unknown": 1}),
    settings("changed", {"meta": {"appName": "Golden"}, "logs": {"maxDays": 7}}),
    settings("no name", {"meta": {"appName": ""}}),
    settings("long name", {"meta": {"appName": "n" * 256}}),
    settings("URL is none", {"meta": {"appURL": "nowhere"}}),
    settings("sender is no address", {"meta": {"senderAddress": "a"}}),
    settings("days below 0", {"logs": {"maxDays": -1}}),
    settings("batch without limits", {"batch": {"enabled": True, "maxRequests": 0, "timeout": 0}}),
    settings("batch below 0", {"batch": {"maxRequests": -1, "timeout": -1, "maxBodySize": -1}}),
    settings("rate limit without rules", {"rateLimits": {"enabled": True, "rules": []}}),
    settings(
        "rate limit with a wrong rule",
        {"rateLimits": {"enabled": True, "rules": [{"label": "a b", "duration": 0, "maxRequests": 0}]}},
    ),
    settings(
        "rate limit with a rule twice",
        {
            "rateLimits": {
                "enabled": True,
                "rules": [
                    {"label": "/a", "duration": 1, "maxRequests": 1},
                    {"label": "/a", "duration": 2, "maxRequests": 2},
                ],
            }
        },
    ),
    settings(
        "rate limit for whom nobody knows",
        {
            "rateLimits": {
                "enabled": True,
                "rules": [{"label": "/a", "audience": "b", "duration": 1, "maxRequests": 1}],
            }
        },
    ),
    settings("cron is none", {"backups": {"cron": "a"}}),
    settings("keeps no backup", {"backups": {"cron": "0 0 * * *", "cronMaxKeep": 0}}),
    settings("address of superusers is none", {"superuserIPs": ["a"]}),
    settings("many at once", {"meta": {"appName": "", "appURL": "a"}, "logs": {"maxDays": -1}}),
    settings("other types", {"meta": {"appName": 1}}),
    settings("an array", []),
    Ask("settings: broken JSON", "PATCH", SETTINGS, "superuser", text="{"),
    Ask("settings: none of the errors changed them", "GET", SETTINGS, "superuser"),
]

COLLECTION_STEPS: list[Step] = [
    Ask("collections: a guest", "GET", "/api/collections"),
    Ask("collections: a user", "GET", "/api/collections", "user"),
    Ask(
        "collections: those on both sides",
        "GET",
        "/api/collections",
        "superuser",
        query={
            "filter": "name = 'users' || name = '_superusers'",
            "sort": "name",
            "fields": "id,name,type,system",
        },
    ),
    Ask(
        "collections: unknown field", "GET", "/api/collections", "superuser", query={"filter": "unknown = 1"}
    ),
    Ask(
        "collections: sort by what is unknown",
        "GET",
        "/api/collections",
        "superuser",
        query={"sort": "unknown"},
    ),
    Ask("collections: users", "GET", "/api/collections/users", "superuser"),
    Ask(
        "collections: users by id",
        "GET",
        "/api/collections/_pb_users_auth_",
        "superuser",
        query={"fields": "name"},
    ),
    Ask("collections: superusers", "GET", "/api/collections/_superusers", "superuser"),
    Ask("collections: unknown", "GET", "/api/collections/none", "superuser"),
    Ask("collections: scaffolds", "GET", "/api/collections/meta/scaffolds", "superuser"),
    Ask("collections: scaffolds for a guest", "GET", "/api/collections/meta/scaffolds"),
    Ask("crons: a guest", "GET", "/api/crons"),
    Ask("crons: unknown", "POST", "/api/crons/none", "superuser"),
    Ask("backups: a guest", "GET", "/api/backups"),
    Ask("backups: list", "GET", "/api/backups", "superuser"),
]

LOG_STEPS: list[Step] = [
    Ask(
        "logs: what is looked for",
        "GET",
        "/api/health",
        query={"golden": "1"},
        headers={"Referer": "https://example.com/"},
    ),
    Ask("logs: what failed is looked for", "GET", "/api/collections/none/records", query={"golden": "2"}),
    Ask(
        "logs: a failure",
        "GET",
        "/api/logs",
        "superuser",
        query={"filter": "data.url ~ 'golden=2' && data.auth = ''", "perPage": "1"},
        patient=True,
    ),
    Ask(
        "logs: a request",
        "GET",
        "/api/logs",
        "superuser",
        query={"filter": "data.url ~ 'golden=1' && data.auth = ''", "perPage": "1"},
        keep={"log": "items.0.id"},
        patient=True,
    ),
    logs("one", "/<log>"),
    logs("a guest", caller=""),
    logs("a user", caller="user"),
    logs("unknown", "/none"),
    logs("nothing found", filter="message = 'none'"),
    logs("unknown field", filter="unknown = 1"),
    logs("half a filter", filter="level ="),
    logs("sort by what is unknown", sort="unknown"),
    logs("page is no number", page="a"),
    logs("fields", filter="id = '<log>'", fields="id,level,data.method"),
    logs("stats of one", "/stats", filter="id = '<log>'"),
    logs("stats of nothing", "/stats", filter="message = 'none'"),
    logs("stats for a guest", "/stats", caller=""),
    logs("stats, half a filter", "/stats", filter="level ="),
    logs("stats, unknown field", "/stats", filter="unknown = 1"),
]
