"""Signing up, logging in, and what becomes of an account."""

from .steps import Ask, Step, records

SUPERUSER = "root@example.com"
PASSWORD = "correct horse battery"
"""Of the superuser who is there before the first step, and of every user."""

LOGIN = "/api/collections/users/auth-with-password"
REFRESH = "/api/collections/users/auth-refresh"
USERS = records("users")


def user(name: str, /, **more: object) -> dict[str, object]:
    email = f"{name}@example.com"
    return {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD, "name": name} | more


def credentials(identity: str, password: str = PASSWORD, **more: object) -> dict[str, object]:
    return {"identity": identity, "password": password} | more


SUPERUSER_STEPS: list[Step] = [
    Ask(
        "superuser: logs in",
        "POST",
        "/api/collections/_superusers/auth-with-password",
        json=credentials(SUPERUSER),
        keep={"superuser": "token", "root": "record.id"},
    ),
    Ask(
        "superuser: collection by id",
        "POST",
        "/api/collections/pbc_3142635823/auth-with-password",
        json=credentials(SUPERUSER),
    ),
    Ask("superuser: refresh", "POST", "/api/collections/_superusers/auth-refresh", "superuser"),
    Ask("superuser: refresh of a guest", "POST", "/api/collections/_superusers/auth-refresh"),
    Ask("superuser: auth methods", "GET", "/api/collections/_superusers/auth-methods"),
    Ask("superuser: is not listed to guests", "GET", records("_superusers")),
    Ask("superuser: is not seen by guests", "GET", records("_superusers", "<root>")),
    Ask("superuser: is not created by guests", "POST", records("_superusers"), json=user("eve")),
    Ask("superuser: is not deleted by guests", "DELETE", records("_superusers", "<root>")),
    Ask("superuser: list", "GET", records("_superusers"), "superuser"),
    Ask("superuser: the last one stays", "DELETE", records("_superusers", "<root>"), "superuser"),
    Ask("superuser: created without anything", "POST", records("_superusers"), "superuser", json={}),
    Ask(
        "superuser: created",
        "POST",
        records("_superusers"),
        "superuser",
        json=user("second"),
        keep={"second": "id"},
    ),
    Ask("superuser: deleted", "DELETE", records("_superusers", "<second>"), "superuser"),
]

SIGN_UP_STEPS: list[Step] = [
    Ask("sign up: nothing", "POST", USERS, json={}),
    Ask("sign up: no body", "POST", USERS),
    Ask("sign up: broken JSON", "POST", USERS, text='{"email":'),
    Ask("sign up: an array", "POST", USERS, text="[1]"),
    Ask("sign up: a text", "POST", USERS, text='"a"'),
    Ask(
        "sign up: a type of body nobody knows",
        "POST",
        USERS,
        text="a",
        headers={"Content-Type": "text/plain"},
    ),
    Ask(
        "sign up: a short password", "POST", USERS, json=user("a", password="short", passwordConfirm="short")
    ),
    Ask(
        "sign up: a long password", "POST", USERS, json=user("a", password="x" * 72, passwordConfirm="x" * 72)
    ),
    Ask("sign up: passwords differ", "POST", USERS, json=user("a", passwordConfirm="another one")),
    Ask("sign up: password not confirmed", "POST", USERS, json=user("a", passwordConfirm="")),
    Ask("sign up: no e-mail address", "POST", USERS, json=user("a", email="")),
    Ask("sign up: not an e-mail address", "POST", USERS, json=user("a", email="a@")),
    Ask("sign up: a long name", "POST", USERS, json=user("n" * 256, email="n@example.com")),
    Ask("sign up: a short id", "POST", USERS, json=user("a", id="short")),
    Ask("sign up: an id of other letters", "POST", USERS, json=user("a", id="ABCDEFGHIJKLMNO")),
    Ask("sign up: verified already", "POST", USERS, json=user("a", verified=True)),
    Ask("sign up: everything wrong", "POST", USERS, json={"email": "a", "password": "b", "name": "n" * 300}),
    Ask("sign up: alice", "POST", USERS, json=user("alice", id="alice0000000001"), keep={"alice": "id"}),
    Ask(
        "sign up: bob, whose address all see",
        "POST",
        USERS,
        json=user("bob", emailVisibility=True),
        keep={"bob": "id"},
    ),
    Ask("sign up: an address twice", "POST", USERS, json=user("alice")),
    Ask(
        "sign up: an address twice, in capitals",
        "POST",
        USERS,
        "superuser",
        json=user("ALICE"),
        keep={"capitals": "id"},
    ),
    Ask("sign up: an id twice", "POST", USERS, json=user("a", id="alice0000000001")),
    Ask("sign up: an unknown field", "POST", USERS, json=user("carol", unknown=1), keep={"carol": "id"}),
    Ask("sign up: values of other types", "POST", USERS, json=user("d", name=12.5, emailVisibility="true")),
    Ask(
        "sign up: a form",
        "POST",
        USERS,
        text="email=form@example.com&password=12345678&passwordConfirm=12345678&name=true",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Ask(
        "sign up: a multipart form",
        "POST",
        USERS,
        text='--XX\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n'
        '{"email":"parts@example.com","password":"12345678","passwordConfirm":"12345678"}\r\n'
        '--XX\r\nContent-Disposition: form-data; name="emailVisibility"\r\n\r\ntrue\r\n'
        '--XX\r\nContent-Disposition: form-data; name="name"\r\n\r\n12.50\r\n--XX--\r\n',
        headers={"Content-Type": "multipart/form-data; boundary=XX"},
    ),
    Ask("sign up: fields of the answer", "POST", USERS, json=user("erin"), query={"fields": "id,name"}),
]

LOGIN_STEPS: list[Step] = [
    Ask("login: right", "POST", LOGIN, json=credentials("alice@example.com"), keep={"user": "token"}),
    Ask("login: another user", "POST", LOGIN, json=credentials("bob@example.com"), keep={"other": "token"}),
    Ask("login: by a named field", "POST", LOGIN, json=credentials("bob@example.com", identityField="email")),
    Ask("login: by a field that is none", "POST", LOGIN, json=credentials("bob", identityField="name")),
    Ask("login: wrong password", "POST", LOGIN, json=credentials("alice@example.com", "wrong password")),
    Ask("login: unknown address", "POST", LOGIN, json=credentials("nobody@example.com")),
    Ask("login: empty", "POST", LOGIN, json=credentials("", "")),
    Ask("login: no password", "POST", LOGIN, json={"identity": "alice@example.com"}),
    Ask("login: long", "POST", LOGIN, json=credentials("a" * 256, "b" * 256)),
    Ask("login: no body", "POST", LOGIN),
    Ask("login: empty object", "POST", LOGIN, json={}),
    Ask("login: broken JSON", "POST", LOGIN, text="{"),
    Ask("login: a number for a text", "POST", LOGIN, json={"identity": 1, "password": 2}),
    Ask("login: null", "POST", LOGIN, text="null"),
    Ask("login: an array", "POST", LOGIN, text="[]"),
    Ask("login: a type nobody knows", "POST", LOGIN, text="a", headers={"Content-Type": "text/plain"}),
    Ask(
        "login: unknown collection", "POST", "/api/collections/none/auth-with-password", json=credentials("a")
    ),
    Ask(
        "login: no auth collection",
        "POST",
        "/api/collections/_proxies/auth-with-password",
        json=credentials("a"),
    ),
    Ask("login: with GET", "GET", LOGIN),
    Ask(
        "login: fields of the answer",
        "POST",
        LOGIN,
        query={"fields": "record.email"},
        json=credentials("bob@example.com"),
    ),
    Ask(
        "login: name of the collection in capitals",
        "POST",
        LOGIN.replace("users", "USERS"),
        json=credentials("bob@example.com"),
    ),
    Ask("refresh: valid", "POST", REFRESH, "user"),
    Ask("refresh: bearer", "POST", REFRESH, "Bearer <user>"),
    Ask("refresh: bearer in small letters", "POST", REFRESH, "bearer <user>"),
    Ask("refresh: no token", "POST", REFRESH),
    Ask("refresh: garbage", "POST", REFRESH, "Bearer garbage"),
    Ask("refresh: a signature of another token", "POST", REFRESH, "Bearer <user>x"),
    Ask("refresh: a superuser among users", "POST", REFRESH, "superuser"),
    Ask("refresh: a user among superusers", "POST", REFRESH.replace("users", "_superusers"), "user"),
    Ask("refresh: unknown collection", "POST", REFRESH.replace("users", "none"), "user"),
    Ask("refresh: no auth collection", "POST", REFRESH.replace("users", "_proxies"), "superuser"),
    Ask("refresh: a guest, unknown collection", "POST", REFRESH.replace("users", "none")),
    Ask("refresh: a guest, no auth collection", "POST", REFRESH.replace("users", "_proxies")),
    Ask(
        "refresh: JSON type without a body",
        "POST",
        REFRESH,
        "user",
        headers={"Content-Type": "application/json"},
    ),
    Ask("auth methods: users", "GET", "/api/collections/users/auth-methods"),
    Ask(
        "auth methods: what the SDK asks for",
        "GET",
        "/api/collections/users/auth-methods",
        query={"fields": "mfa,otp,password,oauth2"},
    ),
    Ask("auth methods: unknown collection", "GET", "/api/collections/none/auth-methods"),
    Ask("auth methods: no auth collection", "GET", "/api/collections/_proxies/auth-methods"),
    Ask("impersonate: a guest", "POST", "/api/collections/users/impersonate/<alice>"),
    Ask("impersonate: a user", "POST", "/api/collections/users/impersonate/<alice>", "user"),
    Ask(
        "impersonate: default duration",
        "POST",
        "/api/collections/users/impersonate/<alice>",
        "superuser",
        keep={"stand_in": "token"},
    ),
    Ask(
        "impersonate: an hour",
        "POST",
        "/api/collections/users/impersonate/<alice>",
        "superuser",
        json={"duration": 3600},
    ),
    Ask(
        "impersonate: less than nothing",
        "POST",
        "/api/collections/users/impersonate/<alice>",
        "superuser",
        json={"duration": -1},
    ),
    Ask(
        "impersonate: no number",
        "POST",
        "/api/collections/users/impersonate/<alice>",
        "superuser",
        json={"duration": "a"},
    ),
    Ask("impersonate: unknown user", "POST", "/api/collections/users/impersonate/none", "superuser"),
    Ask("impersonate: unknown collection", "POST", "/api/collections/none/impersonate/none", "superuser"),
    Ask("impersonate: the token is not renewed", "POST", REFRESH, "stand_in"),
    Ask("file token: a guest", "POST", "/api/files/token"),
    Ask("file token: a user", "POST", "/api/files/token", "user"),
]

ACCOUNT_STEPS: list[Step] = [
    Ask("account: own", "GET", records("users", "<alice>"), "user"),
    Ask("account: of another", "GET", records("users", "<bob>"), "user"),
    Ask("account: a guest", "GET", records("users", "<alice>")),
    Ask("account: a superuser", "GET", records("users", "<alice>"), "superuser"),
    Ask("account: unknown", "GET", records("users", "none"), "superuser"),
    Ask("account: by the id of the collection", "GET", records("_pb_users_auth_", "<bob>"), "other"),
    Ask("account: list of a guest", "GET", USERS),
    Ask("account: list of a user", "GET", USERS, "user"),
    Ask("account: name changed", "PATCH", records("users", "<alice>"), "user", json={"name": "Alice"}),
    Ask("account: changed by another", "PATCH", records("users", "<alice>"), "other", json={"name": "Eve"}),
    Ask("account: changed by a guest", "PATCH", records("users", "<alice>"), json={"name": "Eve"}),
    Ask(
        "account: address changed by its owner",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"email": "b@example.com"},
    ),
    Ask(
        "account: verified by its owner",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"verified": True},
    ),
    Ask(
        "account: verified by a superuser",
        "PATCH",
        records("users", "<alice>"),
        "superuser",
        json={"verified": True},
    ),
    Ask(
        "account: id changed",
        "PATCH",
        records("users", "<alice>"),
        "superuser",
        json={"id": "abcdefghijklmno"},
    ),
    Ask(
        "account: dates changed",
        "PATCH",
        records("users", "<alice>"),
        "superuser",
        json={"created": "2001-01-01 00:00:00.000Z"},
    ),
    Ask(
        "account: address of another",
        "PATCH",
        records("users", "<alice>"),
        "superuser",
        json={"email": "bob@example.com"},
    ),
    Ask("account: name of other type", "PATCH", records("users", "<alice>"), "user", json={"name": ["a"]}),
    Ask("account: nothing changed", "PATCH", records("users", "<alice>"), "user", json={}),
    Ask("account: changed without a body", "PATCH", records("users", "<alice>"), "user"),
    Ask("account: unknown changed", "PATCH", records("users", "none"), "superuser", json={}),
    Ask("account: with PUT", "PUT", records("users", "<alice>"), "user", json={"name": "a"}),
    Ask(
        "account: password without the old one",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"password": "new password", "passwordConfirm": "new password"},
    ),
    Ask(
        "account: password with a wrong old one",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"oldPassword": "wrong", "password": "new password", "passwordConfirm": "new password"},
    ),
    Ask(
        "account: password not confirmed",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"oldPassword": PASSWORD, "password": "new password"},
    ),
    Ask(
        "account: password changed",
        "PATCH",
        records("users", "<alice>"),
        "user",
        json={"oldPassword": PASSWORD, "password": "new password", "passwordConfirm": "new password"},
    ),
    Ask("account: the token of before", "POST", REFRESH, "user"),
    Ask("account: the password of before", "POST", LOGIN, json=credentials("alice@example.com")),
    Ask(
        "account: the new password",
        "POST",
        LOGIN,
        json=credentials("alice@example.com", "new password"),
        keep={"user": "token"},
    ),
    Ask("account: deleted by another", "DELETE", records("users", "<alice>"), "other"),
    Ask("account: deleted by a guest", "DELETE", records("users", "<alice>")),
    Ask("account: deleted by its owner", "DELETE", records("users", "<bob>"), "other"),
    Ask("account: the token of the deleted", "POST", REFRESH, "other"),
    Ask("account: deleted twice", "DELETE", records("users", "<bob>"), "superuser"),
]
