"""What one widget has received from its pages, once and in order.

Theory of operation
-------------------
Pages send packs to the server's thread (docs/protocol.md, 4). The Receiver decides under one lock what is new; that
goes into a log of its own, and everything in Python that reads the widget (loops, waits, callbacks, observers) is a
cursor into that log. So a busy cell reads live values, a callback that runs later misses nothing, and a slow one
costs the others nothing.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import orjson

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.core.log import Limits
from sse_widget.core.receiver import Receiver
from sse_widget.hub.shared_log import SharedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.hub.channel import Channel

__all__ = ["Carrier", "Feed", "PageStatus"]

logger = logging.getLogger(__name__)

HISTORY_BYTES: Final = 32 << 20
MAX_PAGES: Final = 64
_HTTP_RUNGS: Final = frozenset({"direct", "jupyter"})
_BEST_FIRST: Final = ("ended", "open", "reconnecting", "connecting", "failed", "idle")


class Carrier(Protocol):
    """What sends the channel over the comm; see `sse_widget.server.carrier`."""

    def begin(self) -> None:
        """Send, unless pages have something better."""

    def report(self, page: str, *, carry: bool, cursor: str = "", back: bool = False) -> None:
        """Take what a page says of its needs and its place."""

    def forget(self, page: str) -> None:
        """Forget a page that has gone."""

    def close(self) -> None:
        """Send nothing more."""


class PageStatus(NamedTuple):
    """What one page says about its connection."""

    n: int = 0  # grows with every message; an older one is late
    state: str = "idle"
    transport: str = ""
    transport_log: tuple[str, ...] = ()
    text: str = ""  # in words a user understands, where something is wrong


class Feed:
    """The received events of one widget. Thread-safe.

    Parameters
    ----------
    channel : Channel
        What the pages subscribe to.
    start : Cursor
        Where they begin.
    history : int
        How many received events are kept.
    changed : callable
        Called, on any thread, after anything but the events has changed.

    Attributes
    ----------
    carrier : Carrier or None
        What sends the channel over the comm; None if the user forces another rung.
    """

    def __init__(self, channel: Channel, start: Cursor, history: int, changed: Callable[[], None]) -> None:
        self.channel = channel
        self.carrier: Carrier | None = None
        self.log: SharedLog[Event] = SharedLog(Limits(history, HISTORY_BYTES))
        self.count = 0
        self.lost = 0
        self.latest: Event | None = None
        self.latency_ms: float | None = None
        self.closed = False
        self._receiver = Receiver(start)
        self._lock = threading.Lock()
        self._pages: dict[str, PageStatus] = {}
        self._attached = False
        self._changed = changed

    # From the pages, on the server's thread

    def receive(self, packs: list[dict[str, Any]]) -> tuple[str, bool]:
        """Take packs; return the cursor, and whether the page must go back to it."""
        resume = False
        with self._lock:
            for pack in packs:
                if not self._take(pack):
                    resume = True
                    break
            cursor = str(self._receiver.cursor)
        self.channel.log.advanced()
        return cursor, resume

    def page_says(self, page: str, status: dict[str, Any]) -> None:
        """Take what a page says about its connection, over HTTP or over the comm."""
        with self._lock:
            before = self._pages.get(page, PageStatus())
            n = int(status.get("n", before.n))
            if n < before.n or (page not in self._pages and len(self._pages) >= MAX_PAGES):
                return
            latency = status.get("latency_ms")
            if isinstance(latency, int | float):
                self.latency_ms = float(latency)
            now = self._pages[page] = PageStatus(
                n,
                str(status.get("state", before.state)),
                str(status.get("transport", before.transport)),
                tuple(str(line) for line in status.get("transport_log", before.transport_log)),
                str(status.get("text", before.text)),
            )
        if self.carrier is not None and now.state == "open" and now.transport in _HTTP_RUNGS:
            self.carrier.report(page, carry=False)
        self._pages_changed()

    def page_left(self, page: str) -> None:
        """Forget a page."""
        with self._lock:
            if self._pages.pop(page, None) is None:
                return
        if self.carrier is not None:
            self.carrier.forget(page)
        self._pages_changed()

    # For the widget

    @property
    def status(self) -> PageStatus:
        """The best status of all pages."""
        if self.closed:
            return PageStatus(state="closed")
        with self._lock:
            statuses = list(self._pages.values())
        known = [status for status in statuses if status.state in _BEST_FIRST]
        return min(known, key=lambda status: _BEST_FIRST.index(status.state), default=PageStatus())

    @property
    def position(self) -> int:
        """How far the channel has come back to Python, for `Channel.drain`."""
        cursor = self._receiver.cursor
        return cursor.sequence if cursor.epoch == self.channel.epoch else 0

    @property
    def label(self) -> str:
        """What `Channel.stats` and `drain` call it."""
        return f"widget on {self.channel.name!r}"

    def start_for_page(self, max_rows: int) -> dict[str, Any]:
        """Return where a page that opens now begins: at what Python has, and some rows before it to look at."""
        with self._lock:
            cursor = self._receiver.cursor
            shown = [event for event in self.log.after(max(self.log.newest - max_rows, 0)).items if event.type != "gap"]
        if shown and shown[0].epoch == cursor.epoch and all(event.epoch == cursor.epoch for event in shown):
            cursor = Cursor(cursor.epoch, shown[0].sequence - 1)
            return {"start": str(cursor), "count": self.count - len(shown), "lost": self.lost}
        return {"start": str(cursor), "count": self.count, "lost": self.lost}

    def close(self) -> None:
        """End all loops. Idempotent."""
        self.closed = True
        self.log.close()
        self.channel.log.detach(self)
        if self.carrier is not None:
            self.carrier.close()
        self._changed()

    def position_after(self, event_id: str, cursor: Cursor) -> tuple[int, int | None]:
        """Find the place in the log that follows `event_id`, and how many events in between are gone.

        Raises
        ------
        ValueError
            If the event was of another life of the channel and nobody can know.
        """
        taken = self.log.after(0)
        for offset, event in enumerate(taken.items):
            if event.epoch == cursor.epoch and event.sequence > cursor.sequence:
                missing = (
                    event.sequence - 1 - cursor.sequence if offset == 0 and taken.lost and event.type != "gap" else 0
                )
                return taken.last - len(taken.items) + offset, missing
        if cursor.epoch != self._receiver.cursor.epoch:
            message = (
                f"expected the id of an event of the channel {self.channel.name!r}, got {event_id!r} of another epoch"
            )
            raise ValueError(message)
        return taken.last, 0

    def _take(self, pack: dict[str, Any]) -> bool:
        epoch, first, rows = pack["epoch"], int(pack["first"]), pack["events"]
        before = self._receiver.cursor
        taken = self._receiver.take(epoch, first, len(rows), gap=bool(pack.get("gap")))
        if not taken.joins:
            return False
        items: list[Event] = []
        if taken.lost != 0:
            items.append(Gap.between(taken.lost, self.channel.name, Cursor(epoch, first - 1)))
            self.lost += taken.lost or 0
            logger.warning("lost %s events of the channel %r after %s", taken.lost, self.channel.name, before)
        events = self._events(epoch, first + taken.skip, rows[taken.skip :])
        if events:
            self.count += len(events)
            self.latest = events[-1]
        self.log.extend([*items, *events])
        return True

    def _events(self, epoch: str, first: int, rows: list[Any]) -> list[Event]:
        """Turn rows into events: the channel's own objects while it holds them, so that nothing is encoded again."""
        if not rows:
            return []
        if epoch == self.channel.epoch:
            held = self.channel.log.after(first - 1, len(rows))
            if not held.lost and len(held.items) == len(rows):
                return held.items
        name = self.channel.name
        return [
            Event.of(orjson.dumps(data), type_, int(time_us), name, epoch, first + offset)
            for offset, (time_us, type_, data) in enumerate(rows)
        ]

    def _pages_changed(self) -> None:
        connected = any(status.state == "open" for status in self._pages.values())
        if connected and not self._attached and not self.closed:
            self.channel.log.attach(self)
        elif not connected and self._attached:
            self.channel.log.detach(self)
        self._attached = connected
        self._changed()
