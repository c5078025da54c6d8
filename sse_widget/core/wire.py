"""Server-sent events as bytes: encoding what a server writes, decoding what a stream brings.

Theory of operation (after WHATWG HTML, "Interpreting an event stream", #event-stream-interpretation)

Encoding writes one form only, which every known reader takes: LF, one space after the colon, `id` last. Types and ids
are checked once, where an event is made, so that encoding it for its readers has nothing left to refuse.

Decoding has four stages; each is exact under every chunking and linear in the bytes:
1. `_clean`: the BOM goes (as bytes: a text decoder would eat a second one), and each CR or CRLF becomes LF. A CR that
   ends a chunk ends its line at once, or a CR-only stream would keep its last event back; an LF that begins the next
   chunk is then the rest of a CRLF.
2. `feed` cuts behind the last LF. What follows, an unfinished line, waits in `_line`, unread.
3. `_blocks`: whole blocks of the usual forms go through one regular expression, in C, two to four times as fast as
4. `_lines`: the standard's algorithm, line by line, for all the rest. It alone keeps a begun block (data and type),
   counts bytes, and knows comments, `retry` and unknown fields.

Stages 3 and 4 must agree. Byte by byte no block gets to 3, so that is the test: the whole stream = byte by byte.
"""
# ruff: noqa: A002 – `type` and `id` are the standard's words, and the events' attributes.

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from sse_widget.errors import EventTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_ID_BYTES = 200
MAX_TYPE_CHARS = 100

_BOM = b"\xef\xbb\xbf"
_NUL, _LF, _CR = 0, 10, 13  # `10 in data` takes 20 ns, `b"\n" in data` 150
# It would end a line and inject a field (CR, LF), void an id (NUL), or be no UTF-8 (lone surrogates).
_UNSENDABLE = re.compile("[\r\n\0\ud800-\udfff]")
# One block: `id` before or after, `event`, one line of data – or, as the last group, any other. It matches everywhere
# in text that ends with a blank line, so findall skips nothing. "?+", "*+", "++" never give back: with a mere "?" the
# type of "event: " would be " ". An id has "++" since findall returns "" for a group that is missing, and an empty id
# means something else: such a block is an "other".
_BLOCK = re.compile(
    r"(?:id: ?+([^\n\0]++)\n)?+(?:event: ?+(.*+)\n)?+data: ?+(.*+)\n(?:id: ?+([^\n\0]++)\n)?+\n"
    r"|((?:.++\n)*+\n)"
)


class ServerSentEvent(NamedTuple):
    """One dispatched event; `id` is the last event id at that moment: its own or an earlier one."""

    type: str
    data: str
    id: str


class Decoder:
    """Incremental decoder of one stream after another. It belongs to one thread.

    Parameters
    ----------
    max_line_bytes : int
        Longest line, field name included. At least 1, or it is a ValueError; so is the next one.
    max_event_bytes : int
        Longest data of an event, as it came. Begun, it is kept in no more memory than that and a few lines.
    on_comment : callable, optional
        Called with each comment, without its colon. Must not raise.

    Attributes
    ----------
    last_event_id : str
        The cursor: the id as of the last finished block, dispatched or not. An unfinished one never changes it.
    retry_ms : int or None
        The last valid `retry` [ms]; None before the first.
    failure : str
        Why `feed` raises, or will; empty while the decoder is open.
    """

    def __init__(
        self,
        max_line_bytes: int = 8 * 2**20,
        max_event_bytes: int = 16 * 2**20,
        on_comment: Callable[[str], None] | None = None,
    ) -> None:
        if min(max_line_bytes, max_event_bytes) < 1:
            raise ValueError(f"expected limits of at least 1 byte, got {max_line_bytes} and {max_event_bytes}")
        self._max_line_bytes = max_line_bytes
        self._max_event_bytes = max_event_bytes
        self._on_comment = on_comment
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self.reset()

    def reset(self) -> None:
        """Begin a new connection: drop what is unfinished, keep `last_event_id` and `retry_ms`.

        It opens a decoder again that a limit has closed. Idempotent.
        """
        # By the letter of the standard the id buffer begins empty, so that a first event without an id would empty the
        # last event id. Chromium lets it begin with the last one, and so does this.
        self._id = self.last_event_id
        self.failure = ""
        self._head: bytes | None = b""  # the first bytes while they may be a BOM, then None
        self._after_cr = False
        self._line = bytearray()
        self._data = bytearray()  # an LF after each line, as in the standard; a list would take 8 bytes a line
        self._type = b""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Decode the next bytes of a stream and return the events they complete.

        Call only from the owning thread. Never blocks.

        Parameters
        ----------
        chunk : bytes, shape (n_bytes,)
            Any slice of the stream; it may end inside a character, a line or an event.

        Returns
        -------
        list of ServerSentEvent
            In stream order; empty while the next event is incomplete.

        Raises
        ------
        EventTooLarge
            If a line, or the data of an event, exceeds its limit. Events complete before that are returned first (with
            `failure` set), and the next call raises. From then on every call does, until `reset`.
        """
        events: list[ServerSentEvent] = []
        if not self.failure:
            chunk = self._clean(chunk)
            end = chunk.rfind(b"\n") + 1
            if end:
                run = bytes(self._line) + chunk[:end]
                self._line = bytearray(chunk[end:])
                self._run(run, events)
            else:
                self._line += chunk
            self._fits("a line", len(self._line), self._max_line_bytes)
        if self.failure and not events:
            raise EventTooLarge(self.failure)
        return events

    def _clean(self, chunk: bytes) -> bytes:
        if self._head is not None:
            chunk = self._head + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._head = chunk
                return b""
            self._head = None
            chunk = chunk.removeprefix(_BOM)
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if _CR in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _run(self, run: bytes, events: list[ServerSentEvent]) -> None:
        # The rest of a begun block (up to `start`), whole blocks (up to `end`; 1: none), the beginning of the next one.
        start = run.find(b"\n\n") + 2 if self._data or self._type else 0
        end = run.rfind(b"\n\n") + 2
        # `_blocks` counts no bytes: it takes what keeps the limits even if each byte is invalid, so a U+FFFD of three.
        if end > 1 and 3 * (end - start) <= min(self._max_line_bytes, self._max_event_bytes):
            self._lines(run[:start], events)
            if not self.failure:
                self._blocks(run[start:end].decode("utf-8", "replace"), events)
                self._lines(run[end:], events)
        else:
            self._lines(run, events)

    def _blocks(self, text: str, events: list[ServerSentEvent]) -> None:
        current = self._id
        for id_before, type_, data, id_after, other in _BLOCK.findall(text):
            if other:
                self._id = current
                self._lines(other.encode(), events)
                current = self._id
            else:
                current = id_after or id_before or current
                # ServerSentEvent(…) takes twice the time.
                events.append(tuple.__new__(ServerSentEvent, (type_ or "message", data, current)))
        self._id = self.last_event_id = current

    def _lines(self, run: bytes, events: list[ServerSentEvent]) -> None:
        for line in run.split(b"\n")[:-1]:
            if not line:
                self._end_block(events)
                continue
            if not self._fits("a line", len(line), self._max_line_bytes):
                return
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                self._data += value + b"\n"
                if not self._fits("an event", len(self._data) - 1, self._max_event_bytes):
                    return
            elif name == b"event":
                self._type = value
            elif name == b"id" and _NUL not in value:
                self._id = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit():  # of bytes: ASCII digits, at least one
                # int() refuses more than 4300 digits; 15 are 3000 years at least, and exact in JavaScript.
                self.retry_ms = int(value.lstrip(b"0")[:15] or b"0")
            elif not name and self._on_comment:
                self._on_comment(line[1:].decode("utf-8", "replace"))

    def _end_block(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._id
        if self._data:
            data = self._data[:-1].decode("utf-8", "replace")
            events.append(ServerSentEvent(self._type.decode("utf-8", "replace") or "message", data, self._id))
            self._data = bytearray()
        self._type = b""

    def _fits(self, what: str, n_bytes: int, max_bytes: int) -> bool:
        if n_bytes > max_bytes:
            self.failure = f"expected {what} of at most {max_bytes} bytes, got at least {n_bytes}"
            self._line.clear()
            self._data.clear()
        return not self.failure


def check_type(type: str) -> None:
    """Refuse (TypeError, ValueError) all but 1 to 100 characters without CR, LF, NUL and lone surrogates."""
    if not isinstance(type, str):
        raise TypeError(f"expected an event type as str, got {type!r}")
    if not 0 < len(type) <= MAX_TYPE_CHARS:
        raise ValueError(f"expected an event type of 1 to {MAX_TYPE_CHARS} characters, got {len(type)}")
    if _UNSENDABLE.search(type):
        raise ValueError(f"expected an event type without CR, LF, NUL and lone surrogates, got {type!r}")


def check_id(id: str) -> None:
    """Refuse (TypeError, ValueError) all but at most 200 ASCII characters without CR, LF and NUL; empty means no id."""
    if not isinstance(id, str):
        raise TypeError(f"expected an id as str, got {id!r}")
    if len(id) > MAX_ID_BYTES:
        raise ValueError(f"expected an id of at most {MAX_ID_BYTES} bytes, got {len(id)}")
    if not id.isascii() or _UNSENDABLE.search(id):
        raise ValueError(f"expected an id of ASCII characters without CR, LF and NUL, got {id!r}")


def _check_line(data: bytes) -> None:  # JSON may be pretty-printed, and would inject fields
    if _LF in data or _CR in data:
        raise ValueError(f"expected data on one line, got a line break in {data[:60]!r}")


def _frame(body: bytes, type: str, id: str) -> bytes:
    # `id` comes last: some readers take it at once, and a connection cut between an earlier `id` and its `data` would
    # move their cursor past an event that they never dispatched. An empty id is not written: it would reset theirs.
    head = b"" if type == "message" else b"event: " + type.encode() + b"\n"
    tail = b"\nid: " + id.encode() + b"\n\n" if id else b"\n\n"
    return b"%bdata: %b%b" % (head, body, tail)


def encode_event(data: bytes, type: str, id: str) -> bytes:
    """Encode one event: `event` (unless "message"), `data` (one line, else ValueError), `id` (unless empty)."""
    _check_line(data)
    return _frame(data, type, id)


def encode_named(type: str, data: bytes, id: str = "") -> bytes:
    """Encode a message of the protocol (`open`, `heartbeat`, …): `encode_event`, type first."""
    return encode_event(data, type, id)


def encode_text(data: str, type: str, id: str) -> bytes:
    """Encode an event with any text: CRLF, CR and LF arrive as LF. A lone surrogate raises UnicodeEncodeError."""
    body = data.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _frame(body.replace(b"\n", b"\ndata: "), type, id)


def encode_priming(id: str, retry_ms: int) -> bytes:
    """Encode a stream's first frame: it sets the reader's cursor and delay (negative: ValueError), and is no event."""
    if retry_ms < 0:
        raise ValueError(f"expected retry_ms of at least 0, got {retry_ms}")
    return b"retry: %d\nid: %b\n\n" % (retry_ms, id.encode())


def encode_record(time_us: int, type: str, data: bytes) -> bytes:
    """Encode one event of a pack: `[time_us,"type",data]`. `data` is one line, else ValueError."""
    _check_line(data)
    if type == "message":
        return b'[%d,"message",%b]' % (time_us, data)
    return b"[%d,%b,%b]" % (time_us, json.dumps(type).encode(), data)


def encode_pack(channel_json: bytes, epoch: str, first: int, records: Iterable[bytes], gap: bool | None) -> bytes:  # noqa: FBT001
    """Encode many records as one message `pack`, without an id.

    `channel_json` is the channel's name as one line of JSON, `epoch` as in a cursor, `first` the sequence of the first
    record (without records: of the event that comes next); `gap`: earlier ones are gone (None: nobody knows how many).
    """
    head = b'{"channel":%b,"epoch":"%b","first":%d' % (channel_json, epoch.encode(), first)
    end = b"]}" if gap is False else b'],"gap":true}' if gap else b'],"gap":true,"unsure":true}'
    return b'event: pack\ndata: %b,"events":[%b%b\n\n' % (head, b",".join(records), end)
