"""The gateway answers what a PocketBase answered to the same requests (contract §1, §5).

tests/golden/pocketbase-0.39.json is what PocketBase said; `tests/golden/record --help` says how to record
another.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from exchanges.accounts import PASSWORD, SUPERUSER
from exchanges.comparison import Difference, differences
from exchanges.everything import EVERYTHING
from exchanges.recorder import Answers, Recorder
from processes import ROOT, pocketgate, running_gateway

RECORDING = ROOT / "tests" / "golden" / "pocketbase-0.39.json"


@dataclass(frozen=True)
class Excuse:
    """A difference that is meant."""

    steps: str
    """Whose answers differ, as a shell pattern of their names."""
    path: str
    """Where in the answer, as a shell pattern."""
    reason: str

    def covers(self, difference: Difference) -> bool:
        return fnmatchcase(difference.step, self.steps) and fnmatchcase(difference.path, self.path)


EXCUSES = (
    Excuse("*", "*forwardPreflight*", "the field is younger than the recording (D-22)"),
    Excuse("auth methods: *", "body.*order", "the order of keys binds nobody (contract §1.1)"),
    Excuse("superuser: auth methods", "body.*order", "the order of keys binds nobody (contract §1.1)"),
    Excuse("collections: *", "body.*order", "the order of keys binds nobody (contract §1.1)"),
    Excuse("logs: *", "body.*order", "the order of keys binds nobody (contract §1.1)"),
    Excuse("cors: *", "headers.x-*", "preflights have the fields of every response, as contract §1.1 asks"),
    Excuse("collections: users", "body.oauth2.mappedFields.*", "there is no OAuth2 (D-15)"),
    Excuse("collections: scaffolds", "body.auth.indexes", "nobody can save a scaffold (D-17)"),
    Excuse(
        "proxies: upstream is no URL", "body.data.upstream.message", "it says what is wrong with it (D-21)"
    ),
    Excuse("proxies: many at once", "body.data.upstream.message", "it says what is wrong with it (D-21)"),
    Excuse("proxies: too low", "body.data.timeout.*", "0 stands for the default, so 1 is the least (D-6)"),
    Excuse(
        "proxies: many at once", "body.data.timeout.*", "0 stands for the default, so 1 is the least (D-6)"
    ),
    Excuse("proxies: JSON in a text that is none", "*", "headers are an object and nothing else (D-21)"),
    Excuse("list: fields, excerpt of nothing", "*", "PocketBase says 200 and nothing else"),
    Excuse("list: fields, unknown modifier", "*", "PocketBase says 200 and nothing else"),
    Excuse(
        "list: of 45, length of the text", "*", "a text has no elements to count, so the filter is refused"
    ),
    Excuse("logs: a failure", "body.items.0.data.details", "PocketBase tells what its database said"),
    Excuse("value: a NUL", "*", "names are lines of text, without control characters (D-21)"),
    Excuse("value: half a pair", "*", "half a surrogate pair is no text (RFC 8259 §8.2)"),
    Excuse("value: text with spaces around", "body.name", "names are trimmed (D-21)"),
    Excuse("value: JSON from an empty text", "body.headers", "an empty editor means no headers"),
    Excuse("value: type in capitals", "*", "media types have no case (RFC 9110 §8.3.1)"),
    Excuse("token: with two spaces", "*", "there may be more than one space (RFC 9110 §11.4)"),
    Excuse("token: sign up, long address", "*", "a local part has 64 characters at most (RFC 5321 §4.5.3.1)"),
    Excuse("settings: cron is none", "body.data.backups.cron.*", "no backup makes itself"),
    Excuse("settings: keeps no backup", "body.data.backups.*", "no backup makes itself"),
    Excuse(
        "settings: address of superusers is none",
        "body.data.superuserIPs.*",
        "superusers may come from anywhere",
    ),
    Excuse("batch: while switched off", "*", "the setting is for those who are no superusers"),
)


@pytest.fixture(scope="module")
def recorded() -> Answers:
    recording: dict[str, Any] = json.loads(RECORDING.read_text(encoding="utf-8"))
    answers: Answers = recording["answers"]
    return answers


@pytest.fixture(scope="module")
def answered(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = tmp_path_factory.mktemp("golden")
    pocketgate(binary, "superuser", "upsert", SUPERUSER, PASSWORD, "--dir", folder / "data")
    with running_gateway(binary, folder / "data", folder / "stderr.log", environment={}) as gateway:
        answers = Recorder(gateway.url).run(EVERYTHING)
        # As it comes out of a file: a tuple is a list there.
        yield json.loads(json.dumps(answers))
    assert "panicked" not in (folder / "stderr.log").read_text()


def test_recording_is_of_these_requests(recorded: Answers, answered: Answers) -> None:
    asked = {name: answer["asked"] for name, answer in recorded.items()}
    assert asked == {name: answer["asked"] for name, answer in answered.items()}


def test_answers_are_pocketbases(recorded: Answers, answered: Answers) -> None:
    unexcused = [
        str(difference)
        for difference in differences(recorded, answered)
        if not any(excuse.covers(difference) for excuse in EXCUSES)
    ]
    assert not unexcused, f"{len(unexcused)} differences:\n" + "\n".join(unexcused)


def test_what_is_excused_differs(recorded: Answers, answered: Answers) -> None:
    found = differences(recorded, answered)
    idle = [excuse for excuse in EXCUSES if not any(map(excuse.covers, found))]
    assert not idle, "these no longer differ"
