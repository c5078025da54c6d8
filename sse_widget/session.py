"""Puts the parts of one kernel together: its channels, its server, its widgets."""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import TYPE_CHECKING, Any

import orjson

from sse_widget.background import Background
from sse_widget.finding import find_channel
from sse_widget.hub.channel import Channel
from sse_widget.hub.memory import MemoryHub
from sse_widget.marimo import Visitors
from sse_widget.runs.table import Runs
from sse_widget.server import runtime
from sse_widget.server.batch import check_batch
from sse_widget.server.carrier import Carrier
from sse_widget.server.server import Server
from sse_widget.sources.foreign import Foreigns
from sse_widget.sources.home import SourcesMixin
from sse_widget.sources.relays import Relays

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.cursor import Cursor
    from sse_widget.server.state import Limits
    from sse_widget.sources.recording import Recording
    from sse_widget.widget.feed import Feed
    from sse_widget.widget.widget import SSEWidget

__all__ = ["Session", "channel", "current", "session_of"]


class Session(SourcesMixin):
    """One kernel's hub and server. The server starts with the first address that somebody needs."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.hub = MemoryHub(self)
        self.server = Server(self, limits)
        self.user_code = Background("sse_widget user code")  # a loop for what users write as coroutines
        self.runs = Runs(self, self.server.limits, self.user_code)
        self.relays = Relays()
        self.foreign = Foreigns(self)
        self.recordings: weakref.WeakSet[Recording] = weakref.WeakSet()
        self._feeds: dict[str, Feed] = {}
        self._ends: dict[str, Callable[[], None]] = {}
        self._views: dict[Channel, SSEWidget] = {}
        self._lock = threading.Lock()
        self._views_lock = threading.Lock()  # held while a widget is made, which takes the other one

    def close(self) -> None:
        """Stop the server and close the channels. Idempotent."""
        self.server.stop()  # first: pages would take the end of a kernel for the end of their channels
        self.runs.close()
        self.user_code.stop()
        self.relays.close()
        for recording in list(self.recordings):  # they have something to write yet
            recording.stop()
        self.hub.close()

    def end(self) -> None:
        """Close the widgets, too: the process goes on without whom they were for. Idempotent."""
        self.close()
        with self._lock:
            ends = list(self._ends.values())
        for end in ends:
            end()

    # For channels

    def url(self, channel: Channel) -> str:
        """Return the address of a channel; starts the server."""
        return self.server.url_of(channel)

    def curl(self, channel: Channel, push: bytes | None = None) -> str:
        """Return the shell command that follows a channel, or pushes to it; starts the server."""
        return self.server.curl(self.url(channel), push)

    def display(self, channel: Channel) -> Any:
        """Return the MIME bundle of the channel's live log; the same widget each time."""
        from sse_widget.widget.widget import SSEWidget  # noqa: PLC0415 - a session without a notebook needs no widget

        if channel.closed:
            return {"text/plain": f"{channel!r}; make it anew with sse_widget.channel({channel.name!r})"}
        with self._views_lock:
            view = self._views.get(channel)
            if view is None or view.comm is None:  # or its user has closed it
                view = self._views[channel] = SSEWidget(channel)
        return view._repr_mimebundle_()

    def trouble(self, channel: Channel, text: str) -> None:
        """Show in the channel's widgets that its source has failed."""
        channel.trouble = text
        with self._lock:
            feeds = [feed for feed in self._feeds.values() if feed.channel is channel]
        for feed in feeds:
            feed.show_trouble(text)

    def forget(self, channel: Channel) -> None:
        """Take a closed channel out."""
        self.hub.forget(channel)
        self.relays.forget(channel)
        if channel.source is not None:
            channel.source.stop()
        with self._views_lock:
            self._views.pop(channel, None)

    # For widgets

    def find(self, source: object) -> Channel:
        """Return the channel that a widget's source names."""
        return find_channel(self.hub, self.runs.routes, source)

    def enter(self, feed_id: str, feed: Feed, end: Callable[[], None]) -> None:
        """Let pages send to `feed`; `end` closes its widget."""
        with self._lock:
            self._feeds[feed_id], self._ends[feed_id] = feed, end

    def carrier(
        self,
        channel: Channel,
        start: Cursor,
        send: Callable[[dict[str, Any]], None],
        main: Callable[[Callable[[], None]], None],
        left: Callable[[str], None],
    ) -> Carrier:
        """Return what sends a channel over a comm."""
        return Carrier(channel, start, send, self.server.call, main, left)

    def received_over_comm(self, page: str, text: str) -> dict[str, Any]:
        """Take a batch that came over a comm; return the answer.

        Raises
        ------
        ValueError
            If it is malformed.
        """
        body = orjson.loads(text)
        check_batch(body)
        return self.received(page, body)

    def welcome(self, url_template: str) -> dict[str, Any]:
        """Return what a page needs to reach the server; starts it.

        Raises
        ------
        ValueError
            If `url_template` is no address.
        """
        guard, limits = self.server.guard, self.server.limits
        return {
            "url": self.server.reached_as(url_template),
            "server": guard.server_id,
            "bearer": guard.bearer,
            "key": guard.key,
            "kernel_id": runtime.kernel_id(),
            "heartbeat_s": limits.heartbeat_s,
            "silence_s": limits.silence_s,
        }

    def leave(self, feed_id: str) -> None:
        """Let pages send no more; they are told with their next batch."""
        with self._lock:
            feed = self._feeds.pop(feed_id, None)
            self._ends.pop(feed_id, None)
        if feed is not None:
            self.foreign.close(feed.channel)

    # For the server, on its thread

    def channel(self, name: str) -> Channel | None:
        """Return the channel that a stream asks for; also that of a run, or of pages' own reading."""
        return self.hub.get(name) or self.runs.channel(name) or self.foreign.channel(name)

    def channels(self) -> list[Channel]:
        """Return the open channels."""
        return self.hub.channels()

    def pushed(self) -> int:
        """Return how many events were pushed so far."""
        return self.hub.pushed()

    def received(self, page: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take a batch from a page (docs/protocol.md, 4)."""
        packs, wanted, statuses = body.get("packs", []), body.get("wanted", []), body.get("feeds", {})
        if len(packs) != len(wanted):
            message = f"{len(packs)} packs and {len(wanted)} lists of feeds"
            raise ValueError(message)
        by_feed: dict[str, list[dict[str, Any]]] = {feed_id: [] for feed_id in statuses}
        for pack, feed_ids in zip(packs, wanted, strict=True):
            for feed_id in feed_ids:
                by_feed.setdefault(feed_id, []).append(pack)
        return {
            "feeds": {
                feed_id: self._receive(page, feed_id, packs, statuses.get(feed_id, {}))
                for feed_id, packs in by_feed.items()
            }
        }

    def page_left(self, page: str) -> None:
        """Tell every feed that a page has gone."""
        with self._lock:
            feeds = list(self._feeds.values())
        self.foreign.page_left(page)
        for feed in feeds:
            feed.page_left(page)

    def _receive(
        self, page: str, feed_id: str, packs: list[dict[str, Any]], status: dict[str, Any]
    ) -> dict[str, Any] | None:
        feed = self._feeds.get(feed_id)
        if feed is None:
            return None
        cursor, resume = feed.receive(packs)
        feed.page_says(page, status)
        return {"cursor": cursor, "resume": resume, **self.foreign.take(feed.channel, page, status)}


_current: Session | None = None
_current_lock = threading.Lock()
_visitors = Visitors(Session)


def current() -> Session:
    """Return this kernel's session; made by the first call, closed when the kernel ends.

    Where one process serves many visitors (`marimo run`), it is that of the thread's visitor.

    Raises
    ------
    RuntimeError
        If a process has visitors, and the thread is none of theirs.
    """
    global _current  # noqa: PLW0603 - a kernel is a process
    of_visitor = _visitors.session()
    if of_visitor is not None:
        return of_visitor
    with _current_lock:
        if _current is None:
            _current = Session()
            atexit.register(_current.close)
        return _current


def session_of(place: object) -> Session:
    """Return the session that a channel lives in; for anything else, this kernel's."""
    return place.host if isinstance(place, Channel) else current()  # type: ignore[return-value]  # a Session is a Host


def channel(
    name: str, history: int | None = None, history_bytes: int | None = None, history_s: float | None = None
) -> Channel:
    """Get the channel of this name, or make it; running the cell again gives the same one.

    Parameters
    ----------
    name : str
        Up to 200 bytes, no control characters.
    history : int, optional
        How many events are kept for readers that come later or fall behind; default 100,000. On an existing channel:
        changes it.
    history_bytes : int, optional
        How much memory they may take [bytes]; default 32 MiB.
    history_s : float [s], optional
        How long they are kept; default: as long as they fit.

    Returns
    -------
    Channel
        As a cell's last line it shows its live log.

    Raises
    ------
    ValueError
        If the name or a bound is not possible.
    """
    return current().hub.channel(name, history, history_bytes, history_s)
