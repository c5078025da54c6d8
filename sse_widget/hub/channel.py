"""A channel: push from anywhere, read from anywhere."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.event import MAX_LOST, RESERVED_TYPES, Event, Gap, set_sequence
from sse_widget.core.gaps import GapPlaces
from sse_widget.core.json import to_json
from sse_widget.core.wire import check_type
from sse_widget.errors import ChannelClosed, EventTooLarge
from sse_widget.hub.contract import ChannelStats, Host, Place, Position
from sse_widget.hub.feeding import FeedingMixin, Source
from sse_widget.hub.shared_log import SharedLog
from sse_widget.hub.subscription import Subscription
from sse_widget.hub.table import TableMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sse_widget.core.log import Limits, Slice

__all__ = ["Channel", "ChannelStats", "Host", "Place", "Position"]

MAX_EVENT_BYTES = 1 << 20
_EPOCH_BYTES = 6


class Channel(FeedingMixin, TableMixin):
    """One total order of events, with a bounded history; made by `sse_widget.channel`.

    All methods may be called from any thread.
    """

    failure: dict[str, str] | None = None  # where what fed a closed channel has failed: its "class", and a safe "text"

    def __init__(self, name: str, limits: Limits, host: Host, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.name = name
        self.epoch = secrets.token_hex(_EPOCH_BYTES)
        self.max_event_bytes = max_event_bytes
        self.log: SharedLog[Event] = SharedLog(limits, number=set_sequence)
        self.source: Source | None = None  # the newest that feeds it in the background
        self.trouble = ""  # why nothing comes from its source any more, in words; shown in its widgets
        self._gaps = GapPlaces()
        self.host = host

    # Writing

    def push(self, data: object, *, type: str = "message") -> Event:  # noqa: A002 - SSE's own word
        """Add an event; every reader gets it.

        Never blocks and never waits for a reader.

        Parameters
        ----------
        data : object
            Any JSON value: numbers, strings, lists, dicts, None, bool; also NumPy scalars and arrays, datetimes,
            dataclasses and UUIDs. NaN and infinity become null. An `Event` gives its data and its type.
        type : str, default "message"
            The event type, as in the `event:` field of SSE; `"gap"`, `"heartbeat"` and `"ended"` are the stream's own.

        Returns
        -------
        Event
            What was stored, with its id and time.

        Raises
        ------
        TypeError
            If a part of `data` has no JSON form; the message names its type and the path to it. Nothing is stored.
        ValueError
            If `type` is reserved, or holds a character that the stream format has no place for. Nothing is stored.
        EventTooLarge
            If the JSON has more than `max_event_bytes`. Nothing is stored.
        ChannelClosed
            If the channel was closed.
        """
        event = self._event(data, type)
        self._store([event])
        return event

    def push_many(self, items: Iterable[object], *, type: str = "message") -> list[Event]:  # noqa: A002 - SSE's own word
        """Add several events that no other event comes in between; all of them or, if one is invalid, none.

        Raises as `push` does.
        """
        events = [self._event(data, type) for data in items]
        self._store(events)
        return events

    def announce(self, lost: int | None) -> Gap:
        """Tell every reader, at this place in the order, that the channel's source has lost events (None: how many?).

        For those who feed the channel from elsewhere; raises `ChannelClosed` as `push` does.
        """
        if lost is not None and not 1 <= lost <= MAX_LOST:
            message = f"expected a number of lost events from 1 to {MAX_LOST}, or None, got {lost!r}"
            raise ValueError(message)
        gap = Gap.between(lost, self.name, Cursor(self.epoch, 0), time.time_ns() // 1000)
        self._store([gap], self._gaps.add)
        return gap

    def clear(self) -> None:
        """Empty the history. Readers that had not read it yet get a `Gap`; sequences go on."""
        self.log.clear()

    def close(self) -> None:
        """End the channel: readers finish what is there, then their loops end; widgets show "ended". Idempotent."""
        self.log.close()
        self.host.forget(self)

    # Reading

    def subscribe(self, *, after: Place = None) -> Subscription:
        """Read the channel here in the kernel; no browser is involved.

        Parameters
        ----------
        after : Event or str, optional
            Start after this event or event id, or at `"oldest"`; default `"newest"`: with the next event that is
            pushed.

        Returns
        -------
        Subscription
            For `for` and `async for`, `next(timeout)` and `wait(predicate, timeout)`. It yields each `Event` once, in
            order, and a `Gap` where events had left the history before they were read.

        Raises
        ------
        ValueError
            If `after` is not an event id.
        ChannelClosed
            If the channel was closed.
        """
        if self.closed:
            message = f"expected an open channel, got {self!r}; make it anew with sse_widget.channel({self.name!r})"
            raise ChannelClosed(message)
        position = self.resolve("newest" if after is None else after)
        cursor = Cursor(self.epoch, position.sequence)
        first = Gap.between(None, self.name, cursor) if position.lost is None else None
        return Subscription(self.log, position.sequence, cursor, self._join, f"the channel {self.name!r}", first)

    @property
    def history(self) -> list[Event]:
        """The events that are held, oldest first."""
        items = self.log.after(0).items
        return [event for event in items if event.type != "gap"] if self._gaps else items

    def since(self, event_id: str | Event) -> list[Event]:
        """Return the events after `event_id`, oldest first; where some are gone, there is a `Gap` in their place."""
        position = self.resolve(event_id)
        taken = self.log.after(position.sequence)
        return self._announced(taken, None if position.lost is None else self.lost_before(taken))

    def drain(self, timeout: float | None = 10.0) -> None:
        """Block until the attached readers have everything that was pushed before this call.

        For a producer that should not outrun its readers: streams, subscriptions, and widgets (until the page's
        events are back in Python). Callbacks on the kernel's main thread are not waited for: it is busy here.

        Parameters
        ----------
        timeout : float [s] or None, default 10.0
            How long to wait.

        Raises
        ------
        WaitTimeout
            If a reader is still behind then; the message says which and how far.
        """
        self.log.drain(timeout, f"the channel {self.name!r}")

    def stats(self) -> ChannelStats:
        """Return what the channel holds and who reads it."""
        held, held_bytes, dropped, _limits = self.log.measure()
        pushed = held + dropped
        readers = [{"label": reader.label, "behind": max(pushed - reader.position, 0)} for reader in self.log.readers()]
        return ChannelStats(pushed, held, held_bytes, dropped, readers)

    @property
    def _tabled(self) -> list[Event]:
        return self.history

    # Addresses

    @property
    def url(self) -> str:
        """Where other programs of this machine read the channel; there is no secret in it."""
        return self.host.url(self)

    def curl(self, push: object = None) -> str:
        """Return the `curl` line that follows the channel; with `push`, the one that pushes that.

        It holds the kernel's secret: whoever has it can read and push.
        """
        return self.host.curl(self, None if push is None else to_json(push))

    # Places in the log

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self.log.closed

    @property
    def newest_id(self) -> str:
        """Id of the newest event; `"<epoch>-0"` before the first."""
        return str(Cursor(self.epoch, self.log.newest))

    def resolve(self, place: Event | str) -> Position:
        """Find the position to read after.

        An id of another epoch, or one that was never issued, is not an error: all that is held follows, after a gap
        of unknown size.

        Raises
        ------
        ValueError
            If `place` is neither `"oldest"`, `"newest"` nor an event id.
        """
        newest = self.log.newest
        if place == "newest":
            return Position(newest, 0)
        if place == "oldest":
            return Position(self.log.oldest - 1, 0)
        text: object = place.id if isinstance(place, Event) else place
        cursor = parse_cursor(text) if isinstance(text, str) else None
        if cursor is None:
            message = f"expected an event, an event id, 'oldest' or 'newest', got {place!r}"
            raise ValueError(message)
        if cursor.epoch != self.epoch or cursor.sequence > newest:
            return Position(self.log.oldest - 1, None)
        return Position(cursor.sequence, 0)

    def lost_before(self, piece: Slice[Event]) -> int | None:
        """Return how many events are missing before a slice; None: more than its `lost`, for losses are among them."""
        end = piece.last - len(piece.items)
        return None if self._gaps.between(end - piece.lost, end) else piece.lost

    def _event(self, data: object, type_: str) -> Event:
        if isinstance(data, Event):
            json, type_ = data.json, data.type if type_ == "message" else type_
        else:
            # A copy: orjson cuts its large buffer down to what it wrote, and the holes that stay behind between the
            # events of a long history took 4 to 8 KB for each.
            json = b"%b" % to_json(data)
        if type_ != "message":
            check_type(type_)
            if type_ in RESERVED_TYPES:
                message = f"expected a type other than the stream's own {sorted(RESERVED_TYPES)}, got {type_!r}"
                raise ValueError(message)
        if len(json) > self.max_event_bytes:
            message = (
                f"expected an event of at most {self.max_event_bytes} bytes, got {len(json)}; "
                "push it in parts, or push where it can be fetched"
            )
            raise EventTooLarge(message)
        return Event.of(json, type_, time.time_ns() // 1000, self.name, self.epoch, 0)

    def _store(self, events: Sequence[Event], placed: Callable[[int], None] | None = None) -> None:
        if not self.log.extend(events, placed):
            message = f"expected an open channel, got {self!r}; make it anew with sse_widget.channel({self.name!r})"
            raise ChannelClosed(message)

    def _join(self, taken: Slice[Event], _cursor: Cursor) -> tuple[list[Event], Cursor]:
        return self._announced(taken, self.lost_before(taken)), Cursor(self.epoch, taken.last)

    def _announced(self, taken: Slice[Event], lost: int | None) -> list[Event]:
        end = Cursor(self.epoch, taken.last - len(taken.items))
        return list(taken.items) if lost == 0 else [Gap.between(lost, self.name, end), *taken.items]

    def _repr_mimebundle_(self, **_kwargs: object) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        return self.host.display(self)

    def __repr__(self) -> str:
        held, held_bytes, _dropped, _limits = self.log.measure()
        size, state = f"{held_bytes / 2**20:.1f} MiB", ", closed" if self.closed else ""
        return f"<Channel {self.name!r}: {self.log.newest} events pushed, {held} held ({size}){state}>"
