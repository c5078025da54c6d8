"""Reading a log in a loop, waiting or awaiting."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from sse_widget.core.event import Gap
from sse_widget.errors import ChannelClosed, WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sse_widget.core.cursor import Cursor
    from sse_widget.core.event import Event
    from sse_widget.core.log import Slice
    from sse_widget.hub.shared_log import SharedLog

    Join = Callable[[Slice[Event], Cursor], tuple[list[Event], Cursor]]

__all__ = ["Subscription"]

_TAKE_ITEMS = 256
_LOOK_AGAIN_S = 1.0
"""How long one sleep lasts at the most. Wake-ups do not depend on it: it bounds the harm if an interrupt (SIGINT) hits
the pushing thread between an append and its wake-up, and lets Ctrl-C through where locks cannot be interrupted."""


class Subscription:
    """A reader of its own: every event after its start, in order, once, or a `Gap` in the place of those it missed.

    Use it in `for`, in `async for`, or call `next` and `wait`. It never slows the pushing side down; falling behind
    the history costs a `Gap`. One thread or task at a time. A `for` loop ends when the channel is closed and
    everything has been read.

    Parameters
    ----------
    log : SharedLog
        What to read.
    position : int
        Start after this position of the log.
    cursor : Cursor
        The last event the reader has already.
    join : callable
        `(slice, cursor) -> (events, cursor)`: what to hand out for the next slice of the log to a reader that is at
        `cursor`, and where it is then. It decides about gaps and repeats, and keeps nothing.
    source : str
        What the log is, for error messages.
    first : Gap, optional
        Handed out before all others.
    """

    def __init__(
        self,
        log: SharedLog[Event],
        position: int,
        cursor: Cursor,
        join: Join,
        source: str,
        first: Gap | None = None,
    ) -> None:
        self.source = source
        self.lost = 0  # events announced as lost so far, where their number is known
        self._log = log
        self._position = position
        self._cursor = cursor
        self._join = join
        self._ready: deque[Event] = deque([first] if first is not None else ())
        self._awake = threading.Event()
        self._waker: Callable[[], None] = self._awake.set  # wakes whoever waits now
        self._closed = False
        log.attach(self)

    @property
    def label(self) -> str:
        """What `Channel.stats` and `drain` call it."""
        return "a subscription in the kernel"

    @property
    def position(self) -> int:
        """The last position that was handed out."""
        return self._position - len(self._ready)

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._closed

    def take_all(self) -> list[Event]:
        """Return everything that is there now, without waiting; it may be empty."""
        events: list[Event] = []
        newest = self._log.newest
        while self._ready or self._position < newest:
            self._fill()
            events += self._ready
            self._ready.clear()
        self._log.advanced()
        return events

    def sleep(self, waker: Callable[[], None]) -> bool:
        """Have `waker` called when there is something to read; False if there is already. Never blocks."""
        if self._ready:
            return False
        self._log.disarm(waker)
        return self._log.arm(waker, self._position) or (self._log.closed and self._log.newest <= self._position)

    def next(self, timeout: float | None = None) -> Event:
        """Block until the next event and return it.

        Parameters
        ----------
        timeout : float [s], optional
            Wait no longer than this; default: as long as it takes. Interrupting the kernel ends the wait at once.

        Returns
        -------
        Event
            The next event, or a `Gap`.

        Raises
        ------
        WaitTimeout
            If nothing came in time.
        ChannelClosed
            If nothing can come any more.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._available():
            self._awake.clear()
            if not self._arm(self._awake.set):
                continue
            left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - time.monotonic())
            try:
                self._awake.wait(max(left, 0))
            finally:
                self._log.disarm(self._awake.set)
            if deadline is not None and time.monotonic() >= deadline and not self._available():
                message = f"expected an event from {self.source} within {timeout} s, got none"
                raise WaitTimeout(message)
        return self._hand_out()

    async def anext(self) -> Event:
        """Await the next event; as `next`, for coroutines. Cancelling it loses nothing."""
        loop = asyncio.get_running_loop()
        while not self._available():
            wake = _LoopWaker(loop)
            if not self._arm(wake):
                continue
            try:
                await asyncio.wait([wake.future], timeout=_LOOK_AGAIN_S)
            finally:
                self._log.disarm(wake)
        return self._hand_out()

    def wait(self, predicate: Callable[[Event], bool] | None = None, timeout: float | None = None) -> Event:
        """Block until an event for which `predicate` is true, and return it; gaps are passed over.

        Parameters
        ----------
        predicate : callable, optional
            Called with each event; default: any event will do. What it raises is raised here.
        timeout : float [s], optional
            Wait no longer than this in all; default: as long as it takes. What is there already when the time is up
            is still looked at.

        Raises
        ------
        WaitTimeout
            If none came in time.
        ChannelClosed
            If nothing can come any more.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        seen, last = 0, None
        while last is None or self.position < last:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if left == 0 and last is None:
                last = self._log.newest  # and no further, or a stream that never pauses would never time out
            try:
                event = self.next(left)
            except WaitTimeout:
                break
            if event.type != "gap" and (predicate is None or predicate(event)):
                return event
            seen += 1
        message = f"expected a matching event from {self.source} within {timeout} s, got {seen} others"
        raise WaitTimeout(message)

    def close(self) -> None:
        """Stop reading and end a loop that waits. Idempotent; may be called from any thread."""
        self._closed = True
        self._log.detach(self)
        self._waker()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        try:
            return self.next()
        except ChannelClosed:
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.anext()
        except ChannelClosed:
            raise StopAsyncIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<Subscription to {self.source}, {self._log.newest - self.position} behind{state}>"

    def _available(self) -> bool:
        """Look for events; raise if none can ever come."""
        if self._closed:
            message = f"expected an open subscription, got one to {self.source} that was closed"
            raise ChannelClosed(message)
        if not self._ready:
            ended = self._log.closed  # before looking: what was pushed before the close is still read
            self._fill()
            if not self._ready and ended:
                message = f"expected more events, but {self.source} was closed"
                raise ChannelClosed(message)
        return bool(self._ready)

    def _arm(self, waker: Callable[[], None]) -> bool:
        """Have `waker` called when it is worth looking again; False if it is already."""
        self._waker = waker  # before looking at `_closed`, which `close` sets before it calls the waker
        return not self._closed and self._log.arm(waker, self._position)

    def _fill(self) -> None:
        taken = self._log.after(self._position, _TAKE_ITEMS)
        events, cursor = self._join(taken, self._cursor)
        lost = self.lost + sum(event.lost or 0 for event in events if isinstance(event, Gap))
        # One statement without a call in its second half: an interrupt (SIGINT) finds all of it done, or nothing.
        self._ready, self._position, self._cursor, self.lost = deque([*self._ready, *events]), taken.last, cursor, lost

    def _hand_out(self) -> Event:
        event = self._ready.popleft()
        self._log.advanced()
        return event


class _LoopWaker:
    """Wakes one await from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        self._loop = loop

    def __call__(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody awaits there any more
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)
