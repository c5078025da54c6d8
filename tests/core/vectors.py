"""The vectors: streams as bytes, with what a conforming decoder makes of them; and ways to feed and to judge one."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sse_widget.core.wire import Decoder, ServerSentEvent
from sse_widget.errors import EventTooLarge

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "vectors" / "stream.json"
# Gathered from public suites; it stays where it is, and the tests read it where it is present.
SHARED = ROOT.parent / "shared" / "vectors" / "stream.json"

# Events, retry_ms, last_event_id, comments, and whether a limit was exceeded.
Outcome = tuple[list[ServerSentEvent], int | None, str, list[str], bool]


@dataclass(frozen=True)
class Vector:
    """One stream and its outcome; the fields are those of `tests/vectors/README.md`."""

    name: str
    stream: bytes
    expected: list[tuple[str, str, str]]  # type, data, id
    retry: int | None
    last_event_id: str
    comments: list[str] | None  # None: the file does not say

    def __str__(self) -> str:
        return self.name


def _vector(case: dict[str, Any]) -> Vector:
    expected = [(event["event"], event["data"], event["id"]) for event in case["expected"]]
    return Vector(
        case["name"],
        b64decode(case["input_b64"], validate=True),
        expected,
        case["retry"],
        case["last_event_id"],
        case.get("comments"),
    )


def load(path: Path) -> list[Vector]:
    """Read a file of vectors; a missing one has none."""
    return [_vector(case) for case in json.loads(path.read_bytes())] if path.exists() else []


def chunks(stream: bytes, n: int) -> list[bytes]:
    return [stream[i : i + n] for i in range(0, len(stream), n)]


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(place, len(stream)) for place in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


def decode(parts: list[bytes], **limits: int) -> Outcome:
    """Everything that can be seen of a decoder, limits included."""
    comments: list[str] = []
    decoder = Decoder(**limits, on_comment=comments.append)
    events: list[ServerSentEvent] = []
    failed = False
    for part in [*parts, b""]:  # the last call shows a failure that came after an event
        try:
            events += decoder.feed(part)
        except EventTooLarge:
            failed = True
    return events, decoder.retry_ms, decoder.last_event_id, comments, failed


def reference(stream: bytes) -> Outcome:
    """The standard's algorithm in its own words, for a whole stream."""
    data = type_ = id_ = last_event_id = ""
    retry: int | None = None
    events: list[ServerSentEvent] = []
    comments: list[str] = []
    for line in re.split("\r\n|\n|\r", stream.decode("utf-8", "replace").removeprefix("\ufeff"))[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            last_event_id = id_
            if data:
                events.append(ServerSentEvent(type_ or "message", data.removesuffix("\n"), id_))
            data = type_ = ""
        elif not name:
            comments.append(line[1:])
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            type_ = value
        elif name == "id" and "\0" not in value:
            id_ = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return events, retry, last_event_id, comments, False
