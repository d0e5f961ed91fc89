"""Takes a server through the steps and writes down what it answered."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import httpx

from .placeholders import Placeholders
from .steps import NO_BODY, Ask, Hear, Listen, Step

PATIENCE_SECONDS = 20

HEADERS = (
    "content-type",
    "cache-control",
    "vary",
    "allow",
    "location",
    "retry-after",
    "www-authenticate",
    "x-accel-buffering",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
)
"""The fields of an answer that clients act on. Those of one connection, and lengths, are not among them."""

Answers = dict[str, dict[str, Any]]
"""By the step's name: what was asked, and what was answered."""


class Recorder:
    """A conversation with one server."""

    def __init__(self, server: str) -> None:
        # Not compressed: what is compared is what was said.
        headers = {"Accept-Encoding": "identity", "User-Agent": "golden"}
        self.http = httpx.Client(base_url=server, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)
        self.placeholders = Placeholders()
        self.streams: dict[str, Iterator[str]] = {}

    def run(self, steps: Sequence[Step]) -> Answers:
        answers: Answers = {}
        with self.http, ExitStack() as open_streams:
            for step in steps:
                assert step.name not in answers, f"two steps are called {step.name!r}"
                answers[step.name] = self.take(step, open_streams)
        return answers

    def take(self, step: Step, open_streams: ExitStack) -> dict[str, Any]:
        match step:
            case Ask():
                return {"asked": asked(step), **self.described(self.answer(step))}
            case Listen():
                return {"asked": "a stream", **self.listen(step, open_streams)}
            case Hear():
                frames = [self.frame(step.stream) for _ in range(step.frames)]
                return {"asked": f"{step.frames} frames", "frames": frames}

    def answer(self, step: Ask) -> httpx.Response:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.http.send(self.request(step))
            if not step.patient or answer.json().get("items") or time.monotonic() > end:
                break
            time.sleep(0.2)
        for word, path in step.keep.items():
            self.placeholders.keep(word, member(answer.json(), path, step.name))
        return answer

    def request(self, step: Ask) -> httpx.Request:
        fill = self.placeholders.fill
        headers = dict(step.headers)
        if step.caller:
            words = self.placeholders.words
            headers["Authorization"] = fill(step.caller) if " " in step.caller else words[step.caller]
        content = None if step.text is None else fill(step.text).encode()
        if step.json is not NO_BODY:
            content = json.dumps(self.placeholders.fill_all(step.json)).encode()
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        query = {name: fill(value) for name, value in step.query.items()}
        target = fill(step.target)
        return self.http.build_request(
            step.method, target, params=query or None, content=content, headers=headers
        )

    def described(self, answer: httpx.Response) -> dict[str, Any]:
        """Status, chosen header fields, and the body with the order of its keys."""
        said: dict[str, Any] = {"status": answer.status_code, "headers": chosen(answer.headers)}
        if not answer.text:
            return said | {"body": None}
        try:
            body = self.placeholders.replace(json.loads(answer.text))
        except ValueError:
            return said | {"text": answer.text}
        return said | {"body": body, "ends_with_line_feed": answer.text.endswith("\n")}

    def listen(self, step: Listen, open_streams: ExitStack) -> dict[str, Any]:
        answer = open_streams.enter_context(self.http.stream("GET", "/api/realtime"))
        self.streams[step.stream] = answer.iter_lines()
        first = [next(self.streams[step.stream]) for _ in range(4)]
        self.placeholders.keep(step.stream, first[0].removeprefix("id:"))
        frame = [self.line(line) for line in first]
        return {"status": answer.status_code, "headers": chosen(answer.headers), "frames": [frame]}

    def frame(self, stream: str) -> list[Any]:
        """The lines of a frame; comments between frames say nothing."""
        lines: list[Any] = []
        for line in self.streams[stream]:
            if not line and lines:
                return lines
            if line and not line.startswith(":"):
                lines.append(self.line(line))
        raise EOFError(f"{stream} ended")

    def line(self, line: str) -> Any:
        if line.startswith("data:{"):
            return {"data": self.placeholders.replace(json.loads(line.removeprefix("data:")))}
        field, colon, value = line.partition(":")
        return field + colon + self.placeholders.replaced_text(value)


def asked(step: Ask) -> dict[str, Any]:
    """A request as a reader of the recording wants to see it."""
    said: dict[str, Any] = {"request": f"{step.method} {step.target}"}
    if step.query:
        said["query"] = dict(step.query)
    if step.caller:
        said["caller"] = step.caller
    if step.headers:
        said["headers"] = dict(step.headers)
    if step.json is not NO_BODY:
        said["json"] = step.json
    if step.text is not None:
        said["text"] = step.text
    return said


def chosen(headers: httpx.Headers) -> dict[str, str]:
    return {name: headers[name] for name in HEADERS if name in headers}


def member(body: Any, path: str, name: str) -> str:
    for key in path.split("."):
        try:
            body = body[int(key) if key.isdigit() else key]
        except (KeyError, IndexError, TypeError) as error:
            raise LookupError(f"{name}: no {path} in the answer: {body}") from error
    return str(body)
