"""Who in Python listens to a widget: callbacks, observers, loops and waits.

The page connects while anybody does, shown or not; the trait `_listening` tells it.
"""

from __future__ import annotations

import logging
import threading
import traceback
import warnings
import weakref
from typing import TYPE_CHECKING, Final

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.event import Event, Gap
from sse_widget.errors import ChannelClosed, NoPage, WaitTimeout
from sse_widget.hub.subscription import Subscription
from sse_widget.widget.dispatch import Dispatcher, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.widget.feed import Feed
    from sse_widget.widget.main_loop import Call

    Callback = Callable[[Event], object]

__all__ = ["Listeners"]

logger = logging.getLogger(__name__)

_NO_PAGE_S: Final = 5.0


class Listeners:
    """The readers of one feed. Thread-safe.

    Parameters
    ----------
    feed : Feed
        What they read.
    call : callable
        Runs a function on the main thread.
    tell_event : callable
        Tells the observers of the event traits, on the main thread.
    tell_state : callable
        Tells the observers of the state traits, on the main thread.
    listening : callable
        Called with True when the first begins, with False when the last ends.
    failed : callable
        Called with the text of a callback's traceback.
    """

    def __init__(
        self,
        feed: Feed,
        call: Call,
        tell_event: Callable[[Event], None],
        tell_state: Callable[[], None],
        listening: Callable[[bool], None],
        failed: Callable[[str], None],
    ) -> None:
        self._feed = feed
        self._tell_event = tell_event
        self._listening = listening
        self._failed = failed
        self._lock = threading.RLock()
        self._n_listeners = 0
        self._observed = False
        self._callbacks: list[tuple[str | None, Callback]] = []
        self._workers: list[tuple[Callback, Subscription]] = []
        self.dispatcher = Dispatcher(call, self._deliver, tell_state)

    def add(self, type_: str | None, callback: Callback, *, thread: bool) -> None:
        """Call `callback` for each event of a type (None: all but gaps)."""
        if thread:
            source = self.subscribe(None)
            self._workers.append((callback, source))
            run_worker(source, lambda event: self._call(type_, callback, event))
            return
        with self._lock:
            self._callbacks.append((type_, callback))
            self._refresh()

    def remove(self, callback: Callback) -> None:
        """Call `callback` no more."""
        with self._lock:
            self._callbacks = [(type_, other) for type_, other in self._callbacks if other != callback]
            stopped = [source for other, source in self._workers if other == callback]
            self._workers = [(other, source) for other, source in self._workers if other != callback]
            self._refresh()
        for source in stopped:
            source.close()

    def observed(self, observed: bool) -> None:  # noqa: FBT001 - what a predicate found
        """Note whether anybody observes a live trait."""
        with self._lock:
            self._observed = observed
            self._refresh()

    def subscribe(self, after: Event | str | None) -> Subscription:
        """Read the received events; after the newest one, or after a given one."""
        if self._feed.closed:
            message = (
                f"expected an open widget, got one on {self._feed.channel.name!r} that was closed; make a new SSEWidget"
            )
            raise ChannelClosed(message)
        position, first = self._feed.log.newest, None
        if after is not None:
            position, first = self._place(after)
        source = _Reading(self._feed, position, first)
        self._count(+1)
        # Also when its user just lets go of it, as `break` in a loop does.
        source.released = weakref.finalize(source, self._count, -1)
        source.released.atexit = False
        return source

    def close(self) -> None:
        """End everything."""
        self.dispatcher.stop()
        for _callback, source in self._workers:
            source.close()

    def report(self, error: BaseException) -> None:
        """Log what a callback raised, and show it."""
        text = "".join(traceback.format_exception(error))
        logger.error("a callback of the widget on %r raised:\n%s", self._feed.channel.name, text)
        self._failed(text)

    def _place(self, after: Event | str) -> tuple[int, Event | None]:
        text = after.id if isinstance(after, Event) else after
        cursor = parse_cursor(text)
        if cursor is None:
            message = f"expected an event or an event id, got {after!r}"
            raise ValueError(message)
        position, lost = self._feed.position_after(text, cursor)
        if not lost:
            return position, None
        return position, Gap.between(lost, self._feed.channel.name, Cursor(cursor.epoch, cursor.sequence + lost))

    def _count(self, change: int) -> None:
        with self._lock:
            self._n_listeners += change
            self._refresh()

    def _refresh(self) -> None:
        wants_turns = bool(self._callbacks) or self._observed
        if wants_turns and not self.dispatcher.active and not self._feed.closed:
            self.dispatcher.start(_Reading(self._feed, self._feed.log.newest, None))
        elif not wants_turns:
            self.dispatcher.stop()
        self._listening(wants_turns or self._n_listeners > 0)

    def _deliver(self, event: Event) -> None:
        if event.type != "gap":
            self._tell_event(event)
        for type_, callback in tuple(self._callbacks):
            self._call(type_, callback, event)

    def _call(self, type_: str | None, callback: Callback, event: Event) -> None:
        if type_ == event.type or (type_ is None and event.type != "gap"):
            try:
                callback(event)
            except Exception as error:  # noqa: BLE001 - a user's callback may raise anything; it is shown and logged
                self.report(error)


class _Reading(Subscription):
    """A subscription to a feed: it knows when there is no page to wait for."""

    def __init__(self, feed: Feed, position: int, first: Event | None) -> None:
        super().__init__(feed.log, position, self._gap, f"the widget on {feed.channel.name!r}", first)
        self._feed = feed
        self._warned = False
        self.released: Callable[[], object] = _nothing

    def close(self) -> None:
        """As `Subscription.close`; the page may disconnect if nobody else listens."""
        super().close()
        self.released()

    def next(self, timeout: float | None = None) -> Event:
        """As `Subscription.next`; a timeout, or a long wait, says so where no page has the widget."""
        warn = timeout is None and not self._warned
        try:
            return super().next(_NO_PAGE_S if warn else timeout)
        except WaitTimeout as error:
            explained = self._explained(error)
            if not warn:
                raise explained from None
        self._warned = True
        if isinstance(explained, NoPage):
            warnings.warn(f"still waiting: {explained}", stacklevel=2)
        return super().next(None)

    def wait(self, predicate: Callable[[Event], bool] | None = None, timeout: float | None = None) -> Event:
        """As `Subscription.wait`; a timeout says so where no page has the widget."""
        try:
            return super().wait(predicate, timeout)
        except WaitTimeout as error:
            raise self._explained(error) from None

    def _explained(self, error: WaitTimeout) -> WaitTimeout:
        status = self._feed.status
        if status.state == "open":
            return error
        why = status.text or "no page has this widget open"
        message = (
            f"{error}; {why}. Show the widget (as the last line of a cell, in a notebook that is open in a browser), "
            "or read the channel without a page: channel.subscribe()"
        )
        return NoPage(message)

    def _gap(self, lost: int, _position: int) -> Gap:
        return Gap.between(lost, self._feed.channel.name, Cursor("", 0))


def _nothing() -> None:
    """Do nothing: nobody counts this reading."""
