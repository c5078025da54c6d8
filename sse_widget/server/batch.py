"""What a page may send to `/received` (docs/protocol.md, 4): looked at as a whole, before any of it is taken.

A feed takes a batch pack by pack and moves its cursor with each; a malformed part that showed only then would leave it
behind events that it does not have. What the server itself has sent always passes, or a page would send it for ever.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.event import MAX_LOST, RESERVED_TYPES
from sse_widget.core.wire import check_type

__all__ = ["check_batch"]

_MAX_TIME_US: Final = 253_402_300_800_000_000  # the year 10000, which `datetime` does not have
_MAX_CHARS: Final = 2000
_MAX_LINES: Final = 100
_MAX_FOREIGN: Final = 1000


def check_batch(content: Any) -> None:
    """Raise a `ValueError` that says where the batch is malformed."""
    _expect(isinstance(content, dict), "a batch", "an object", content)
    packs, wanted = content.setdefault("packs", []), content.setdefault("wanted", [])
    _expect(isinstance(packs, list), "packs", "a list", packs)
    _expect(isinstance(wanted, list), "wanted", "a list", wanted)
    _expect(len(packs) == len(wanted), "wanted", f"a list of {len(packs)} lists", wanted)
    for at, feeds in enumerate(wanted):
        _expect(_are_texts(feeds), f"wanted[{at}]", "a list of feed ids", feeds)
    statuses = content.setdefault("feeds", {})
    _expect(isinstance(statuses, dict), "feeds", "an object", statuses)
    for feed, status in statuses.items():
        _check_status(status, f"feeds[{feed!r}]")
    known_types = {"message"}
    for at, pack in enumerate(packs):
        _check_pack(pack, f"packs[{at}]", known_types)


def _check_status(status: Any, where: str) -> None:
    _expect(isinstance(status, dict), where, "an object", status)
    for name in ("state", "transport", "text"):
        value = status.get(name, "")
        _expect(isinstance(value, str) and len(value) <= _MAX_CHARS, f"{where}[{name!r}]", "a short text", value)
    lines = status.get("transport_log", [])
    _expect(
        _are_texts(lines) and len(lines) <= _MAX_LINES and all(len(line) <= _MAX_CHARS for line in lines),
        f"{where}['transport_log']",
        "a list of short texts",
        lines,
    )
    _expect(type(status.get("n", 0)) is int, f"{where}['n']", "a whole number", status.get("n"))
    latency = status.get("latency_ms")
    _expect(latency is None or type(latency) in {int, float}, f"{where}['latency_ms']", "a number or null", latency)
    if "foreign" in status:
        _check_foreign(status["foreign"], f"{where}['foreign']")


def _check_foreign(said: Any, where: str) -> None:
    _expect(isinstance(said, dict), where, "an object", said)
    session, n, rows = said.get("session"), said.get("n"), said.setdefault("events", [])
    _expect(isinstance(session, str) and 0 < len(session) <= _MAX_CHARS, f"{where}['session']", "a short text", session)
    _expect(type(n) is int and n >= 0, f"{where}['n']", "the number of a batch", n)
    _expect(isinstance(rows, list) and len(rows) <= _MAX_FOREIGN, f"{where}['events']", "a list of events", len(rows))
    for at, row in enumerate(rows):
        good = _are_texts(row) and (len(row) == 3 or row in (["anew"], ["again"], ["lost"]))  # noqa: PLR2004 - id, type, data
        _expect(good, f"{where}['events'][{at}]", "[id, type, data], or what has happened", row)


def _check_pack(pack: Any, where: str, known_types: set[str]) -> None:
    _expect(isinstance(pack, dict), where, "an object", pack)
    channel, epoch, first, rows = (pack.get(name) for name in ("channel", "epoch", "first", "events"))
    _expect(isinstance(channel, str), f"{where}['channel']", "a name", channel)
    _expect(type(first) is int and first > 0, f"{where}['first']", "a sequence", first)
    _expect(isinstance(rows, list), f"{where}['events']", "a list", rows)
    for name in ("gap", "unsure"):
        _expect(type(pack.get(name, False)) is bool, f"{where}[{name!r}]", "true or nothing", pack.get(name))
    # The last sequence too has to be one that a cursor can hold.
    cursor = parse_cursor(f"{epoch}-{first + len(rows)}") if isinstance(epoch, str) else None
    _expect(cursor is not None, f"{where}['epoch']", "an epoch and sequences as in a cursor", epoch)
    for at, row in enumerate(rows):
        if not _is_row(row):
            raise _unexpected(f"{where}['events'][{at}]", "[time_us, type, data]", row)
        if row[1] == "gap":
            _expect(_is_gap(row), f"{where}['events'][{at}]", "a time and the number of lost events, or null", row)
        elif row[1] not in known_types:
            _check_type(row[1], f"{where}['events'][{at}][1]")
            known_types.add(row[1])
    if not _encodes(rows):  # nested too deep; but the rows themselves are two levels, and do not count
        for at, row in enumerate(rows):
            _expect(_encodes(row[2]), f"{where}['events'][{at}][2]", "data that can be pushed", "data nested too deep")


def _is_row(row: Any) -> bool:
    return (
        type(row) is list
        and len(row) == 3  # noqa: PLR2004 - time, type, data
        and type(row[0]) is int
        and 0 <= row[0] < _MAX_TIME_US
        and type(row[1]) is str
    )


def _is_gap(row: list[Any]) -> bool:
    time_us, _type, data = row
    if not time_us or type(data) is not dict or set(data) != {"lost"}:  # one without a time would have no sequence
        return False
    lost = data["lost"]
    return lost is None or (type(lost) is int and 1 <= lost <= MAX_LOST)


def _check_type(type_: str, where: str) -> None:
    try:
        check_type(type_)
    except ValueError as error:
        raise ValueError(f"{error} at {where}") from None
    _expect(type_ not in RESERVED_TYPES, where, "a type that can be pushed", type_)


def _encodes(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _expect(condition: bool, where: str, what: str, got: object) -> None:  # noqa: FBT001 - what is expected
    if not condition:
        raise _unexpected(where, what, got)


def _unexpected(where: str, what: str, got: object) -> ValueError:
    text = repr(got)
    return ValueError(f"expected {where} to be {what}, got {text if len(text) <= 80 else text[:79] + '…'}")  # noqa: PLR2004
