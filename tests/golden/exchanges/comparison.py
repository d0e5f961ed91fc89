"""Where two answers differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .recorder import Answers

MISSING: Any = object()


@dataclass(frozen=True)
class Difference:
    step: str
    path: str
    """Where in the answer, as `body.data.email.code`; `order` at its end is that of an object's keys."""
    recorded: Any
    answered: Any

    def __str__(self) -> str:
        return f"{self.step} | {self.path}: recorded {shown(self.recorded)}, answered {shown(self.answered)}"


def differences(recorded: Answers, answered: Answers) -> list[Difference]:
    """Every difference of answers to the same steps."""
    return [
        Difference(step, path, left, right)
        for step, answer in recorded.items()
        for path, left, right in compare(answer, answered[step], "")
    ]


def compare(left: Any, right: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        yield from compare_objects(left, right, path)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for position, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from compare(one, other, under(path, str(position)))
    elif type(left) is not type(right) or left != right:
        yield path, left, right


def compare_objects(left: dict[str, Any], right: dict[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    for key in left | right:
        yield from compare(left.get(key, MISSING), right.get(key, MISSING), under(path, key))
    order, other_order = ([key for key in one if key in left and key in right] for one in (left, right))
    if order != other_order:
        yield under(path, "order"), order, other_order


def under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def shown(value: Any) -> str:
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"


SHOWN_MAX = 200
"""Characters of a value in a message."""
