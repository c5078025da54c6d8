"""`Event` and `Gap`: the two things that a reader gets.

An event keeps its JSON, not the object it was made from: changing the object after the push changes nothing, the
bytes that go to the readers exist once, and `data` is decoded only for those who look at it.
"""

from __future__ import annotations

from typing import Any, Final, Self

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.json import from_json, to_json
from sse_widget.core.wire import check_id, check_type

__all__ = ["MAX_LOST", "OVERHEAD_BYTES", "RESERVED_TYPES", "Event", "Gap"]

OVERHEAD_BYTES: Final = 200
"""What an event costs in memory beside its JSON: the object, its numbers, its place in the log (CPython 3.11)."""

MAX_LOST: Final = 10**15 - 1
"""The largest number of lost events that is told: as many as a log can number."""

RESERVED_TYPES: Final = frozenset({"ended", "gap", "heartbeat"})
"""Types that the stream itself uses; nobody can push them."""


class Event:
    """One thing that was pushed: frozen, and impossible to build invalid.

    Parameters
    ----------
    data : object
        Any JSON value; see `Channel.push` for what can be converted.
    type : str, default "message"
        The event type, as in the `event:` field of SSE. At most 100 characters, no CR, LF, NUL.
    id : str, default ""
        `"<epoch>-<sequence>"`; given by the channel when the event is pushed.
    time : float [s], default 0.0
        Seconds since 1970, UTC, when it was pushed.
    channel : str, default ""
        Name of the channel it was pushed to.

    Raises
    ------
    TypeError
        If a part of `data` has no JSON form.
    ValueError
        If `type` or `id` holds a character that the stream format has no place for.
    """

    __slots__ = ("_id", "channel", "epoch", "json", "sequence", "time_us", "type")
    __match_args__ = ("data", "type")

    channel: str
    epoch: str
    json: bytes
    sequence: int
    time_us: int
    type: str
    _id: str

    def __init__(
        self,
        data: object,
        type: str = "message",  # noqa: A002 - SSE's own word
        id: str = "",  # noqa: A002 - SSE's own word
        time: float = 0.0,
        channel: str = "",
    ) -> None:
        check_type(type)
        check_id(id)
        cursor = parse_cursor(id) or Cursor("", 0)
        _fill(self, to_json(data), type, round(time * 1e6), channel, cursor.epoch, cursor.sequence)
        _set_id(self, id)

    @classmethod
    def of(cls, json: bytes, type: str, time_us: int, channel: str, epoch: str, sequence: int) -> Self:  # noqa: A002
        """Build an event from parts that are known to be valid; the fast way."""
        event = object.__new__(cls)
        _fill(event, json, type, time_us, channel, epoch, sequence)
        return event

    @property
    def data(self) -> Any:
        """The JSON value that was pushed; decoded anew each time, so readers cannot change it for each other."""
        return from_json(self.json)

    @property
    def id(self) -> str:
        """`"<epoch>-<sequence>"`, unique; empty before the event is pushed."""
        return self._id or (f"{self.epoch}-{self.sequence}" if self.epoch else "")

    @property
    def time(self) -> float:
        """Seconds since 1970, UTC, when it was pushed [s]."""
        return self.time_us / 1e6

    @property
    def size(self) -> int:
        """What the event costs in memory [bytes]."""
        return len(self.json) + OVERHEAD_BYTES

    def __setattr__(self, name: str, value: object) -> None:
        message = f"an event is frozen: {name!r} cannot be set; build a new one with sse_widget.Event(...)"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        message = f"an event is frozen: {name!r} cannot be deleted"
        raise AttributeError(message)

    def _key(self) -> tuple[object, ...]:
        return (self.json, self.type, self.id, self.time_us, self.channel)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.json, self.type, self.time_us, self.channel, self.epoch, self.sequence))

    def __repr__(self) -> str:
        text = self.json.decode()
        shown = text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - one short line
        return f"{type(self).__name__}({shown}, type={self.type!r}, id={self.id!r})"


class Gap(Event):
    """A stretch of events that this reader will never get, announced in its place.

    `type` is `"gap"`, `data` is `{"lost": lost}`, and `id` is the last event that is missing. A loss that came with the
    stream (its source has announced it, or lost events itself) has a time, and an id of its own.
    """

    __slots__ = ()

    @classmethod
    def between(cls, lost: int | None, channel: str, end: Cursor, time_us: int = 0) -> Self:
        """Build the gap of `lost` events (None: unknown) that ends at the cursor `end`."""
        return cls.of(to_json({"lost": lost}), "gap", time_us, channel, end.epoch, end.sequence)

    @property
    def lost(self) -> int | None:
        """How many events are missing; None if nobody can know, as after a restart."""
        lost: int | None = self.data["lost"]
        return lost

    @property
    def in_band(self) -> bool:
        """True if it came with the stream and has a sequence of its own; False: this reader alone has lost events."""
        return self.time_us > 0


# The slots' own setters: `Event.__setattr__` refuses, and `object.__setattr__` is three times slower.
_set_json = Event.__dict__["json"].__set__
_set_type = Event.__dict__["type"].__set__
_set_time_us = Event.__dict__["time_us"].__set__
_set_channel = Event.__dict__["channel"].__set__
_set_epoch = Event.__dict__["epoch"].__set__
set_sequence = Event.__dict__["sequence"].__set__
_set_id = Event.__dict__["_id"].__set__


def _fill(event: Event, json: bytes, type_: str, time_us: int, channel: str, epoch: str, sequence: int) -> None:
    _set_json(event, json)
    _set_type(event, type_)
    _set_time_us(event, time_us)
    _set_channel(event, channel)
    _set_epoch(event, epoch)
    set_sequence(event, sequence)
    _set_id(event, "")


def _rebuild(cls: type[Event], *parts: Any) -> Event:
    return cls.of(*parts)
