"""What one widget has received from its pages, once and in order.

Theory of operation
-------------------
Pages send packs to the server's thread (docs/protocol.md, 4). The Receiver decides under one lock what is new; that
goes into a log of its own, and everything in Python that reads the widget (loops, waits, callbacks, observers) is a
cursor into that log. So a busy cell reads live values, a callback that runs later misses nothing, and a slow one
costs the others nothing.
"""

from __future__ import annotations

import bisect
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import orjson

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.core.log import Limits
from sse_widget.core.receiver import Receiver
from sse_widget.hub.shared_log import SharedLog
from sse_widget.widget.join import Losses

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

    def report(self, page: str, *, carry: bool, cursor: str = "", back: bool = False, backs: int | None = None) -> None:
        """Take what a page says of its needs and its place, and which return of the kernel's it has seen."""

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
        self.losses = Losses()
        self.count = 0
        self.lost = 0
        self.latest: Event | None = None
        self.latency_ms: float | None = None
        self.closed = False
        self.show_trouble: Callable[[str], object] = _nowhere
        self._receiver = Receiver(start)
        self._lock = threading.Lock()
        self._pages: dict[str, PageStatus] = {}
        self._left: deque[str] = deque(maxlen=MAX_PAGES)
        self._attached = False
        self._changed = changed

    # From the pages, on the server's thread

    def receive(self, packs: list[dict[str, Any]]) -> tuple[str, bool]:
        """Take packs; return the cursor, and whether the page must go back to it."""
        resume = False
        gaps: list[Gap] = []
        with self._lock:
            for pack in packs:
                if pack["channel"] == self.channel.name and not self._take(pack, gaps):
                    resume = True
                    break
            cursor = str(self._receiver.cursor)
        self.channel.log.advanced()
        for gap in gaps:  # not under the lock: a user's log handler may look at the widget
            logger.warning("lost %s events of the channel %r, up to %s", gap.lost, self.channel.name, gap.id)
        return cursor, resume

    def page_says(self, page: str, status: dict[str, Any]) -> None:
        """Take what a page says about its connection, over HTTP or over the comm."""
        with self._lock:
            before = self._pages.get(page, PageStatus())
            n = int(status.get("n", before.n))
            if n < before.n or (page in self._left and _is_late(status)):
                return
            if page not in self._pages and len(self._pages) >= MAX_PAGES:
                del self._pages[next(iter(self._pages))]  # who never opened a stream is never said to have left
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
            self._left.append(page)
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
        nobody = PageStatus(state="ended" if self.log.closed else "idle")
        return min(known, key=lambda status: _BEST_FIRST.index(status.state), default=nobody)

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
            cursor, count, lost = self._receiver.cursor, self.count, self.lost
            # What the channel has dropped since would be a gap to the page, though Python has it.
            oldest = self.channel.log.oldest if cursor.epoch == self.channel.epoch else 1
            again = [
                event
                for event in self.log.after(max(self.log.newest - max_rows, 0)).items
                if event.epoch == cursor.epoch and event.sequence >= oldest
            ]
        shown = [event for event in again if event.type != "gap"]
        if shown:
            cursor = Cursor(cursor.epoch, shown[0].sequence - 1)
            lost -= sum(_lost_in(event) for event in again if event.sequence > cursor.sequence)
        return {"start": str(cursor), "count": count - len(shown), "lost": lost}

    def close(self) -> None:
        """End all loops. Idempotent."""
        self.closed = True
        self.log.close()
        if self.carrier is not None:
            self.carrier.close()
        self._pages_changed()

    def place(self, after: Cursor | None) -> tuple[int, Cursor]:
        """Return where in the log a reader begins that has everything up to `after` (None: up to now), and its cursor.

        Raises
        ------
        ValueError
            If nobody can know where that is.
        """
        with self._lock:
            here, newest = self._receiver.cursor, self.log.newest
            items = [] if after is None else self.log.after(0).items
        if after is None:
            return newest, here
        sequences = [event.sequence for event in items if event.epoch == after.epoch]
        never = after.epoch == self.channel.epoch and after.sequence > self.channel.log.newest
        if never or (not sequences and after.epoch not in {here.epoch, self.channel.epoch}):
            why = "which was never pushed" if never else "which is of another epoch"
            raise ValueError(f"expected the id of an event of the channel {self.channel.name!r}, got '{after}', {why}")
        if not sequences:  # all that is here is of a later epoch, or nothing is
            return newest if after.epoch == here.epoch else newest - len(items), after
        # What came in one epoch lies together, and in order.
        begin = next(offset for offset, event in enumerate(items) if event.epoch == after.epoch)
        return newest - len(items) + begin + bisect.bisect_right(sequences, after.sequence), after

    def _take(self, pack: dict[str, Any], gaps: list[Gap]) -> bool:
        epoch, first, rows = pack["epoch"], int(pack["first"]), pack["events"]
        gap, unsure = pack.get("gap") is True, pack.get("unsure") is True
        taken = self._receiver.take(epoch, first, len(rows), gap=gap, unsure=unsure)
        if not taken.joins:
            return False
        items = self._events(epoch, first + taken.skip, rows[taken.skip :])
        events = items
        if any(row[1] == "gap" for row in rows):
            events = [item for item in items if item.type != "gap"]
        if events:
            self.count += len(events)
            self.latest = events[-1]
        if taken.lost != 0:
            items = [Gap.between(taken.lost, self.channel.name, Cursor(epoch, first - 1)), *items]
        if len(items) != len(events):
            self._note([item for item in items if isinstance(item, Gap)], gaps)
        self.log.extend(items)
        return True

    def _note(self, found: list[Gap], gaps: list[Gap]) -> None:
        gaps += found
        for gap in found:
            self.lost += gap.lost or 0
            if gap.in_band or gap.lost is None:
                self.losses.add(Cursor(gap.epoch, gap.sequence))

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
            (Gap if type_ == "gap" else Event).of(orjson.dumps(data), type_, int(time_us), name, epoch, first + offset)
            for offset, (time_us, type_, data) in enumerate(rows)
        ]

    def _pages_changed(self) -> None:
        with self._lock:
            states = set() if self.closed else {status.state for status in self._pages.values()}
            connected = "open" in states
            if connected and not self._attached:
                self.channel.log.attach(self)
            elif not connected:
                self.channel.log.detach(self)
            self._attached = connected
            # A page says so after everything it has received is here.
            ended = "ended" in states and self.channel.closed and self.position >= self.channel.log.newest
        if ended:
            self.log.close()
        self._changed()


def _nowhere(_text: str) -> None:
    """Show nothing: there is no widget yet."""


def _lost_in(event: Event) -> int:
    return event.lost or 0 if isinstance(event, Gap) and event.in_band else 0


def _is_late(status: dict[str, Any]) -> bool:
    """Tell whether a page that has left said this before; a busy cell holds up the comm, and only the comm."""
    return "n" in status and status.get("state") in {"connecting", "open"} and status.get("transport") != "comm"
