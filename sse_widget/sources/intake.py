"""From the bytes of somebody else's stream to events of a channel."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final

import orjson

from sse_widget.core.event import MAX_LOST, RESERVED_TYPES
from sse_widget.core.wire import MAX_TYPE_CHARS, Decoder
from sse_widget.errors import ChannelClosed, EventTooLarge
from sse_widget.sources.memory import Memory
from sse_widget.sources.skip import Skip

if TYPE_CHECKING:
    from sse_widget.core.wire import ServerSentEvent
    from sse_widget.hub.channel import Channel

__all__ = ["End", "Intake", "foreign_type"]

MAX_LINE_BYTES: Final = 8 << 20
MAX_EVENT_BYTES: Final = 8 << 20


class End(Exception):
    """Nothing follows, and that is as it should be."""


class Intake:
    """Decodes, judges and pushes; what may be missing it announces where it is missing.

    Parameters
    ----------
    channel : Channel
        Where everything goes.
    done : str or None
        Data that says that nothing follows.

    Attributes
    ----------
    events, repeated, unreadable, lost, n_bytes : int
        What `RelayStats` says of them.
    """

    def __init__(self, channel: Channel, done: str | None) -> None:
        self.channel = channel
        self.done = done
        self.decoder = Decoder(MAX_LINE_BYTES, MAX_EVENT_BYTES)
        self.memory = Memory()
        self.events = self.repeated = self.unreadable = self.lost = self.n_bytes = 0
        self._skip: Skip | None = None
        self._unknown_gap = False  # the newest record is one
        self._anew = False  # the next event is the first of a reader who has not asked for what follows
        self._lock = threading.RLock()
        self._closed = False

    def close(self) -> None:
        """Push nothing more, from now on. Idempotent; may be called from any thread."""
        with self._lock:
            self._closed = True

    def go_on(self, older: Intake) -> None:
        """Go on where another one was, which has been closed."""
        self.memory = older.memory
        self.decoder.last_event_id = older.memory.last_event_id
        self.decoder.retry_ms = older.decoder.retry_ms

    def begin(self) -> None:
        """Start with a new connection.

        Raises
        ------
        ChannelClosed
            If there is nowhere to push any more.
        """
        self.decoder.reset()
        self._skip = None
        with self._lock:
            self._check()
            verdict = self.memory.opened()
            if verdict.lost != 0:
                self.announce(verdict.lost)

    def take(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        End
            If the upstream has said that nothing follows.
        ChannelClosed
            If there is nowhere to push any more.
        """
        self.n_bytes += len(chunk)
        while True:
            if self._skip is not None:
                rest = self._skip.feed(chunk)
                if rest is None:
                    return
                self._skip = None
                self.decoder.reset()
                chunk = b"\n" + rest  # what looks like a BOM there is none
            try:
                events = self.decoder.feed(chunk)
            except EventTooLarge:
                events = []
            for event in events:
                with self._lock:  # judged and pushed, or, once it is closed, neither
                    self._check()
                    self._deliver(event)
            with self._lock:
                self._check()
                self.memory.moved(self.decoder.last_event_id)
            if not self.decoder.failure:
                return
            # What is too large has begun in an earlier chunk: the first end of an event in this one is its end.
            self._skip = Skip()
            self._lose_one()

    def begin_anew(self) -> None:
        """Start with a new reader's connection, which begins wherever the upstream likes; raises as `begin` does."""
        with self._lock:
            self._check()
            self._anew = self.memory.opened_anew() or self._anew

    def deliver(self, event: ServerSentEvent) -> None:
        """Take an event that somebody else has decoded; raises as `begin` does."""
        with self._lock:
            self._check()
            if self._anew and not self.memory.knows(event):
                self.memory.skipped()
                self.announce(None)
            self._anew = False
            self._deliver(event)
            self.memory.moved(event.id)

    def lose_one(self) -> None:
        """Announce an event that somebody else could not take; raises as `begin` does."""
        with self._lock:
            self._lose_one()

    def announce(self, lost: int | None) -> None:
        """Announce a loss, unless it would only repeat that nobody knows."""
        if lost is None and self._unknown_gap:
            return
        with self._lock:
            self._check()
            self.channel.announce(lost)
        self._unknown_gap = lost is None
        self.lost += lost or 0

    def _deliver(self, event: ServerSentEvent) -> None:
        if event.data == self.done:
            raise End
        if event.type in RESERVED_TYPES and self._is_about_the_stream(event):
            return
        verdict = self.memory.judge(event)
        if not verdict.take:
            self.repeated += 1
            return
        if verdict.lost != 0:
            self.announce(verdict.lost)
        try:
            self.channel.push(_json_or_text(event.data), type=foreign_type(event.type))
        except EventTooLarge:
            self._lose_one()
            return
        self._unknown_gap = False
        self.events += 1

    def _is_about_the_stream(self, event: ServerSentEvent) -> bool:
        """Deal with what another server of this package says of its stream; False: the event is only called so."""
        try:
            said = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(said, dict):
            return False
        if event.type == "gap" and set(said) == {"lost"}:
            if self.memory.judge(event, jumps=True).take:
                lost = said["lost"]
                self.announce(lost if type(lost) is int and 0 < lost <= MAX_LOST else None)
            return True
        if event.type == "ended" and set(said) == {"channel"}:
            raise End
        return event.type == "heartbeat" and set(said) == {"id"}

    def _lose_one(self) -> None:
        self.memory.skipped()
        self.unreadable += 1
        self.announce(1)

    def _check(self) -> None:
        if self._closed:
            raise ChannelClosed("the relay was stopped")


def foreign_type(type_: str) -> str:
    """Make a type that can be pushed of any: at most 100 characters, no NUL, none of the stream's own."""
    if type_ in RESERVED_TYPES:
        return f"upstream-{type_}"
    return re.sub("\0", "\ufffd", type_)[:MAX_TYPE_CHARS]


def _json_or_text(data: str) -> Any:
    try:
        value = orjson.loads(data)
        orjson.dumps(value)  # not what is nested deeper than a channel can hold
    except (orjson.JSONDecodeError, TypeError):
        return data
    return value
