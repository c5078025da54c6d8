"""Properties of the stream format for any input; `make fuzz` tries a million, tests/core/test_fuzz.py a few of them."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from sse_widget.core.event import Event
from sse_widget.core.json import from_json
from sse_widget.core.wire import Decoder, ServerSentEvent, encode_event, encode_priming, encode_record, encode_text
from sse_widget.errors import EventTooLarge

__all__ = ["PROPERTIES", "any_bytes_do_no_harm", "entropies", "events_come_back_as_they_went"]

MAX_LINE_BYTES = 64
MAX_EVENT_BYTES = 128

# What could be taken for a part of the format, among everything else.
MARKS = (
    "\r",
    "\n",
    "\r\n",
    ":",
    " ",
    "\0",
    "\ufeff",
    "\u2028",
    "\x85",
    "data: x",
    "id: 9",
    "event: y",
    "\n\n",
    "\ud83c",
    "🎈",
)
PIECES = (
    *(b"data: x", b"data", b"data:\n", b"data: {}\nid: 2\n\n", b"data: " + b"y" * 70, b"id: 1", b"id", b"event: e"),
    *(b"retry: 5", b"retry: -1", b"\n", b"\n", b"\r", b"\r\n", b"\n\n", b":", b" ", b"\0", b"a" * 70),
    *(b"\xef\xbb\xbf", b"\xff", b"\xe2\x80", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xc2\x85"),
)


class Source:
    """Makes values of bytes, so that bytes are all that Hypothesis has to draw, which is quick, and to shrink."""

    def __init__(self, entropy: bytes) -> None:
        self._bytes = iter(entropy)

    def below(self, bound: int) -> int:
        """Return a number; 0 when the bytes are used up."""
        return next(self._bytes, 0) % bound

    def text(self) -> str:
        """Return a text, with lone surrogates among others."""
        parts = (MARKS[self.below(len(MARKS))] if self.below(3) else chr(self.below(256) * 91 + 32) for _ in range(9))
        return "".join(part for part, _ in zip(parts, range(self.below(6)), strict=False))

    def value(self, depth: int = 0) -> object:
        """Return a value that can be pushed."""
        kind = self.below(8 if depth < 3 else 6)
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        if kind == 7:
            return {_sendable(self.text(), ""): self.value(depth + 1) for _ in range(self.below(4))}
        number = self.below(256)
        return (_sendable(self.text(), ""), number, None, bool(number % 2), -number / 7, 2**64 - 1 - number)[kind]

    def stream(self) -> bytes:
        """Return bytes that look like a stream, or do not."""
        pieces = range(self.below(16))
        return b"".join(PIECES[self.below(len(PIECES))] if self.below(4) else bytes([self.below(256)]) for _ in pieces)


def _sendable(text: str, without: str) -> str:
    return "".join(c for c in text if c not in without and not "\ud800" <= c <= "\udfff")


def feed(decoder: Decoder, stream: bytes, size: int) -> tuple[list[ServerSentEvent], bool]:
    """Decode a stream in chunks; return its events, and whether a limit has closed the decoder."""
    found: list[ServerSentEvent] = []
    for start in range(0, len(stream), size):
        try:
            found += decoder.feed(stream[start : start + size])
        except EventTooLarge:
            return found, True
        # Whatever comes, no more than one line and one event are kept.
        assert len(decoder._line) <= MAX_LINE_BYTES
        assert len(decoder._data) <= MAX_EVENT_BYTES + 1
    return found, bool(decoder.failure)


def events_come_back_as_they_went(entropy: bytes) -> None:
    """Decoding undoes encoding, whatever is in an event: nothing leaves its field, or is lost."""
    source = Source(entropy)
    size, value, text = source.below(40) + 1, source.value(), source.text()
    type_ = _sendable(source.text(), "\r\n\0") or "message"
    id_ = _sendable(source.text(), "\r\n\0").encode("ascii", "ignore").decode()
    event = Event(value, type_, id_)
    raw = _sendable(text, "")
    stream = encode_priming(id_, 7) + encode_event(event.json, type_, id_) + encode_text(raw, type_, "")
    decoder = Decoder()
    found: list[ServerSentEvent] = []
    for start in range(0, len(stream), size):
        found += decoder.feed(stream[start : start + size])
    lines = raw.replace("\r\n", "\n").replace("\r", "\n")
    assert found == [ServerSentEvent(type_, event.json.decode(), id_), ServerSentEvent(type_, lines, id_)]
    assert from_json(found[0].data) == json.loads(event.json) == event.data
    assert (decoder.last_event_id, decoder.retry_ms) == (id_, 7)
    record = encode_record(1, type_, event.json)
    assert b"\n" not in record
    assert b"\r" not in record
    assert json.loads(record) == [1, type_, event.data]


def any_bytes_do_no_harm(entropy: bytes) -> None:
    """No input crashes the decoder or makes it keep more than it may; and how it is cut up changes nothing."""
    source = Source(entropy)
    size, stream = source.below(40) + 1, source.stream()
    whole, failed = feed(Decoder(MAX_LINE_BYTES, MAX_EVENT_BYTES), stream, max(len(stream), 1))
    for chunk in (size, 1):
        found, failed_too = feed(Decoder(MAX_LINE_BYTES, MAX_EVENT_BYTES), stream, chunk)
        assert (found, failed_too) == (whole, failed)
    for event in whole:
        assert "\r" not in event.data
        assert not {"\r", "\n"} & {*event.type, *event.id}
        assert "\0" not in event.id


PROPERTIES = (events_come_back_as_they_went, any_bytes_do_no_harm)
entropies = st.binary(max_size=80)
