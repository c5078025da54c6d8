"""Who in Python listens to a widget: callbacks, observers, loops and waits.

The page connects while anybody does, shown or not; the trait `_listening` tells it. That somebody begins is told at
once, that the last one has ended in a turn of the dispatcher: a loop of short waits would otherwise send two messages
for each, and the end may be found by a garbage collection, which interrupts anything and must not wait for a lock.
"""

from __future__ import annotations

import functools
import logging
import threading
import traceback
import warnings
import weakref
from typing import TYPE_CHECKING, Final

from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.event import Event
from sse_widget.errors import ChannelClosed, NoPage, WaitTimeout
from sse_widget.hub.subscription import Subscription
from sse_widget.widget.dispatch import Dispatcher, run_worker
from sse_widget.widget.join import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.cursor import Cursor
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
        Called with True when somebody begins, with False when the last one has ended.
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
        self._tell_state = tell_state
        self._listening = listening
        self._failed = failed
        self._lock = threading.RLock()
        self._readings: weakref.WeakSet[_Reading] = weakref.WeakSet()  # loops, waits and workers
        self._observed = False
        self._callbacks: list[tuple[str | None, Callback]] = []
        self._workers: list[tuple[Callback, _Reading]] = []
        self.dispatcher = Dispatcher(call, self._deliver, self._after_turn)

    def add(self, type_: str | None, callback: Callback, *, thread: bool) -> None:
        """Call `callback` for each event of a type (None: all but gaps)."""
        self._check_open()
        if thread:
            source = self.subscribe(None)
            source.patient = True
            with self._lock:
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

    def subscribe(self, after: Event | str | None) -> _Reading:
        """Read the received events; after the newest one, or after a given one."""
        self._check_open()
        source = self.look(after)
        source.released = self.dispatcher.poke
        # Also when its user just lets go of it, as `break` in a loop does.
        weakref.finalize(source, self.dispatcher.poke).atexit = False
        with self._lock:
            self._readings.add(source)
            self._refresh()
        return source

    def look(self, after: Event | str | None) -> _Reading:
        """Read what is there, without listening."""
        return _Reading(self._feed, None if after is None else _cursor_of(after))

    def close(self) -> None:
        """End everything; the feed is closed already, so nothing begins any more."""
        with self._lock:
            self._callbacks, self._observed = [], False
            workers, self._workers = self._workers, []
            self._refresh()
        for _callback, source in workers:
            source.close()

    def report(self, error: BaseException) -> None:
        """Log what a callback raised, and show it."""
        text = "".join(traceback.format_exception(error))
        logger.error("a callback of the widget on %r raised:\n%s", self._feed.channel.name, text)
        self._failed(text)

    def _check_open(self) -> None:
        if self._feed.closed:
            message = (
                f"expected an open widget, got one on {self._feed.channel.name!r} that was closed; make a new SSEWidget"
            )
            raise ChannelClosed(message)

    def _refresh(self) -> None:
        wants_turns = bool(self._callbacks) or self._observed
        if wants_turns and not self.dispatcher.active and not self._feed.closed:
            self.dispatcher.start(self.look(None))
        elif not wants_turns:
            self.dispatcher.stop()
        self._listening(self._anybody())

    def _anybody(self) -> bool:
        if self._feed.closed:
            return False
        return bool(self._callbacks) or self._observed or any(not source.closed for source in self._readings)

    def _after_turn(self) -> None:
        with self._lock:
            if not self._anybody():
                self._listening(False)  # noqa: FBT003 - a trait's value
        self._tell_state()

    def _deliver(self, event: Event) -> None:
        if event.type != "gap":
            self._tell_event(event)
        for type_, callback in tuple(self._callbacks):
            self._call(type_, callback, event)

    def _call(self, type_: str | None, callback: Callback, event: Event) -> None:
        if type_ == event.type or (type_ is None and event.type != "gap"):
            try:
                callback(event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a user's callback may raise anything; it is shown and logged
                self.report(error)


class _Reading(Subscription):
    """A subscription to a feed: it knows when there is no page to wait for."""

    def __init__(self, feed: Feed, after: Cursor | None) -> None:
        position, cursor = feed.place(after)
        # Not a method of its own, which would make a cycle: whoever lets go of it would have to wait for the collector.
        joined = functools.partial(join, feed.channel.name, feed.losses)
        super().__init__(feed.log, position, cursor, joined, f"the widget on {feed.channel.name!r}")
        self._feed = feed
        self.patient = False  # a long wait without a page is worth a warning
        self.released: Callable[[], object] = _nothing

    def close(self) -> None:
        """As `Subscription.close`; the page may disconnect if nobody else listens."""
        super().close()
        self.released()

    def next(self, timeout: float | None = None) -> Event:
        """As `Subscription.next`; a timeout, or a long wait, says so where no page has the widget."""
        warn = timeout is None and not self.patient
        try:
            return super().next(_NO_PAGE_S if warn else timeout)
        except WaitTimeout as error:
            explained = self._explained(error)
            if not warn:
                raise explained from None
        self.patient = True
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


def _cursor_of(after: Event | str) -> Cursor:
    text: object = after.id if isinstance(after, Event) else after
    cursor = parse_cursor(text) if isinstance(text, str) else None
    if cursor is None:
        message = f"expected an event or an event id, got {after!r}"
        raise ValueError(message)
    return cursor


def _nothing() -> None:
    """Do nothing: nobody counts this reading."""
