"""What can be asked of a server, one step after another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_BODY: Any = object()
"""For a request without a body, which is not the same as one with `null`."""


@dataclass(frozen=True)
class Ask:
    """A request. `<word>` in its target, query and body stands for what an earlier step kept."""

    name: str
    method: str
    target: str
    caller: str = ""
    """Whose token is sent: a word kept earlier; a text with a space is sent as it is; empty for nobody's."""
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = NO_BODY
    text: str | None = None
    """A body sent as it is, in the place of `json`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    """Word → where in the answer its value is, as `record.id`."""
    patient: bool = False
    """Whether it is asked again until the answer has items: logs are written with delay."""


@dataclass(frozen=True)
class Listen:
    """Opens the stream of realtime events and reads its first frame; keeps the client's id as `<stream>`."""

    name: str
    stream: str


@dataclass(frozen=True)
class Hear:
    """Reads the next frames of a stream."""

    name: str
    stream: str
    frames: int


Step = Ask | Listen | Hear


def records(collection: str, record: str = "") -> str:
    """The target of a collection's records, or of one of them."""
    return f"/api/collections/{collection}/records" + (f"/{record}" if record else "")
