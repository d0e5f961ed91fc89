"""Puts words in the place of what is different in every run: ids, dates, tokens."""

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"^[\w-]+\.[\w-]+\.[\w-]+$")
KINDS = (
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$"), "<date>"),
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:00:00\.000Z$"), "<hour>"),
    (re.compile(r"^[a-z0-9]{15}$"), "<id>"),
    (re.compile(r"^[A-Za-z0-9]{40}$"), "<client>"),
)
"""What a text looks like that is never the same twice; its place says what it is."""

BY_KEY = {
    "execTime": "<milliseconds>",
    "realIP": "<address>",
    "remoteIP": "<address>",
    "userIP": "<address>",
    # Letters to users, which the gateway does not send.
    "emailTemplate": "<letter>",
    "confirmEmailChangeTemplate": "<letter>",
    "resetPasswordTemplate": "<letter>",
    "verificationTemplate": "<letter>",
}
"""Values that are what they are by chance, or of no interest, whatever they look like."""

INDEX = re.compile(r"(`idx_[A-Za-z]+_)[a-z0-9]{10}`")
"""The name of an index of a collection that is only a proposal."""


class Placeholders:
    """Knows the values that were kept by name, and what others look like."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}

    def keep(self, word: str, value: str) -> None:
        self.words[word] = value

    def fill(self, text: str) -> str:
        """Puts kept values in the place of their words."""
        for word, value in self.words.items():
            text = text.replace(f"<{word}>", value)
        return text

    def fill_all(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, Mapping):
            return {self.fill(key): self.fill_all(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.fill_all(member) for member in value]
        return value

    def replace(self, value: Any) -> Any:
        """Puts words in the place of values, the order of keys unchanged."""
        if isinstance(value, dict):
            return {key: BY_KEY.get(key) or self.replace(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.replace(member) for member in value]
        return self.replaced_text(value) if isinstance(value, str) else value

    def replaced_text(self, text: str) -> str:
        if TOKEN.match(text) and (claims := claims_of(text)):
            return self.token(text, claims)
        for word, value in self.words.items():
            text = text.replace(value, f"<{word}>")
        for pattern, placeholder in KINDS:
            if pattern.match(text):
                return placeholder
        return INDEX.sub(r"\1<random>`", text)

    def token(self, text: str, claims: dict[str, Any]) -> str:
        """What a token says, but for whose it is and the second it ends."""
        header = json.loads(decoded(text.split(".")[0]))
        minutes = round((claims.pop("exp", 0) - time.time()) / 60)
        said = self.replace({"header": header, "claims": claims, "minutes": minutes})
        return f"<token {json.dumps(said, sort_keys=True)}>"


def claims_of(token: str) -> dict[str, Any] | None:
    try:
        claims = json.loads(decoded(token.split(".")[1]))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
