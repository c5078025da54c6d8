"""The comm as carrier of events: for pages that cannot reach the server, and until they do.

Theory of operation
-------------------
What is sent over a comm goes to every page that has the widget, so there is one carrier per widget, with one place in
the channel; the pages' readers skip what they have. It speaks first, unasked, because a page's first message may wait
behind the cells that are queued already. The Jupyter server drops what exceeds its IOPub limit (1000 messages a second)
without telling: hence few, large messages. A page may be slow or gone: hence a window beyond what pages have confirmed.
A page that finds a hole says where it begins, and the carrier goes back to that. It may say so several times before
anybody listens, so the kernel counts how often it has gone back: a wish of a page that has not seen that its last one
was granted is an old one.

It lives on the server's loop. Its public methods may be called from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.server.frames import PACK_HEAD, PACK_TAIL
from sse_widget.server.leases import Leases
from sse_widget.server.stream import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.cursor import Cursor
    from sse_widget.hub.channel import Channel
    from sse_widget.server.state import State

__all__ = ["Carrier"]

logger = logging.getLogger(__name__)

INTERVAL_S: Final = 0.05
HEARTBEAT_S: Final = 15.0
MAX_MESSAGE_BYTES: Final = 1 << 20
WINDOW_BYTES: Final = 8 << 20
MAX_GRANTED: Final = 64  # pages whose wishes are remembered


class Report(NamedTuple):
    """What a page says about the comm."""

    carry: bool  # it needs it
    cursor: str = ""  # its place
    back: bool = False  # go back to there
    backs: int | None = None  # how often the kernel had gone back, as far as the page knew


class Sent(NamedTuple):
    """A message that no page has confirmed yet."""

    last: int  # sequence of its last event
    n_bytes: int


class Carrier:
    """One widget's events over its comm.

    Parameters
    ----------
    channel : Channel
        What to send.
    start : Cursor
        Where the widget begins.
    send : callable
        Sends a custom message to all pages that have the widget. Called on the server's thread.
    call : callable
        Runs a function with the server's `State`, on its loop.
    main : callable
        Runs a function on the main thread, when that is free.
    left : callable
        Told, on the server's thread, of each page that had only the comm, and has gone.
    """

    def __init__(
        self,
        channel: Channel,
        start: Cursor,
        send: Callable[[dict[str, Any]], None],
        call: Callable[[Callable[[State], None]], None],
        main: Callable[[Callable[[], None]], None],
        left: Callable[[str], None],
    ) -> None:
        self._channel = channel
        self._at = str(start)  # where to go on
        self._send = send
        self._call = call
        self._main = main
        self._left = left
        self._state: State | None = None
        self._place: Place | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unasked = True  # nobody has said yet whether the comm is needed
        self._closed = False
        self._ended = False  # the channel's end was said; a page that lacks something before it may still go back
        self._leases = Leases(self._ask)
        self._backs = 0  # how often it has gone back
        self._granted: dict[str, int] = {}  # page → the count after it had gone back for it
        self._unconfirmed: deque[Sent] = deque()
        self._next_at = self._heartbeat_at = 0.0

    def begin(self) -> None:
        """Send, unless pages have something better: the widget is shown, or Python listens."""
        self._call(self._begin)

    def report(self, page: str, *, carry: bool, cursor: str = "", back: bool = False, backs: int | None = None) -> None:
        """Take what a page says of its needs and its place, and which return of the kernel's it has seen."""
        report = Report(carry, cursor, back, backs)
        self._call(lambda state: self._report(state, page, report))

    def forget(self, page: str) -> None:
        """Forget a page that has gone."""
        self._call(lambda _state: self._forget(page))

    def close(self) -> None:
        """Send nothing more. Idempotent."""
        self._call(lambda _state: self._close())

    # On the loop

    def _begin(self, state: State) -> None:
        if self._closed:
            return
        self._state = state
        self._unasked = self._unasked or not self._leases
        if self._place is None and not self._ended:
            self._move_to(self._at)
        self.wake()

    def _report(self, state: State, page: str, report: Report) -> None:
        if self._closed:
            return
        self._state = state
        self._unasked = False
        self._leases.report(page, carry=report.carry, now=time.monotonic())
        state.watch(self)
        if report.carry:
            if report.back:
                self._go_back(page, report)
            elif self._place is None and not self._ended:
                self._move_to(report.cursor)
            else:
                self._confirm(parse_cursor(report.cursor))
        self.wake()

    def _go_back(self, page: str, report: Report) -> None:
        self._heartbeat_at = 0.0  # if there is nothing else to send: it shall see that it was heard
        seen = -1 if report.backs is None else report.backs
        if self._place is not None and seen < self._granted.get(page, -1):
            return  # said before it could know of the last time
        if page not in self._granted and len(self._granted) >= MAX_GRANTED:
            del self._granted[next(iter(self._granted))]
        self._backs += 1
        self._granted[page] = self._backs
        self._move_to(report.cursor)

    def _ask(self) -> None:
        self._main(lambda: self._call(lambda _state: self._leases.answered(time.monotonic())))

    def sweep(self) -> bool:
        """Do what is due once a second; False: there will be nothing until a page speaks."""
        for page in self._leases.sweep(time.monotonic()):
            logger.info("a page that had the widget on %r over the comm has left", self._channel.name)
            self._left(page)
        if self._place is not None and not self._wanted:
            self._release()
        return bool(self._leases) or self._place is not None

    def _confirm(self, cursor: Cursor | None) -> None:
        if cursor is not None and cursor.epoch == self._channel.epoch:
            while self._unconfirmed and self._unconfirmed[0].last <= cursor.sequence:
                self._unconfirmed.popleft()

    def _move_to(self, after: str) -> None:
        self._release()
        if self._state is not None:
            fanout = self._state.fanout(self._channel)
            self._place = Place(fanout, fanout.packed, after, "pages over the comm")
            self._state.hold(self._place)
            self._state.watch(self)
            self._unconfirmed.clear()

    def _release(self) -> None:
        if self._place is not None and self._state is not None:
            self._at = self._place.cursor
            self._state.release(self, self._place)
        self._place = None

    def _forget(self, page: str) -> None:
        self._leases.forget(page)
        self._granted.pop(page, None)

    def _close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._release()

    def wake(self) -> None:
        """Look whether there is something to send, as soon as it may be sent."""
        loop = asyncio.get_running_loop()
        due = max(self._next_at, loop.time())
        if self._timer is not None and self._timer.when() <= due and not self._timer.cancelled():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self._closed else loop.call_at(due, self._turn)

    def _turn(self) -> None:
        self._timer = None
        place = self._place
        if self._closed or place is None or not self._window_is_open():
            return
        if not self._wanted:
            self._release()
            return
        packs = self._collect(place)
        now = asyncio.get_running_loop().time()
        if packs:
            self._say({"kind": "packs", "packs": packs, "cursor": place.cursor, "backs": self._backs})
            self._channel.log.advanced()
            self.wake()
        elif place.ended:
            error = {} if self._channel.failure is None else {"error": self._channel.failure}
            self._say({"kind": "ended", "cursor": place.cursor, **error})
            self._ended = True
            self._release()
        elif now >= self._heartbeat_at:  # a page sees by the cursor whether the last message was dropped
            self._say({"kind": "packs", "packs": [], "cursor": place.cursor, "backs": self._backs})
            self.wake()
        elif place.fanout.sleep(self, place.position):
            self._timer = asyncio.get_running_loop().call_at(self._heartbeat_at, self._turn)
        else:
            self.wake()

    @property
    def _wanted(self) -> bool:
        return self._unasked or self._leases.carry

    def _window_is_open(self) -> bool:
        if sum(sent.n_bytes for sent in self._unconfirmed) < WINDOW_BYTES:
            return True
        if not self._leases:  # nobody was there to confirm
            self._unasked = False
            self._release()
        return False

    def _collect(self, place: Place) -> list[str]:
        packs: list[str] = []
        n_bytes = 0
        while n_bytes < MAX_MESSAGE_BYTES and (frame := place.take()) is not None:
            packs.append(frame.content[len(PACK_HEAD) : -len(PACK_TAIL)].decode())
            n_bytes += len(frame.content)
        if packs:
            self._unconfirmed.append(Sent(place.position, n_bytes))
        return packs

    def _say(self, content: dict[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        self._next_at, self._heartbeat_at = now + INTERVAL_S, now + HEARTBEAT_S
        try:
            self._send(content)
        except Exception:  # a comm that is closed, a kernel that ends: whatever the host raises
            logger.exception("the comm of the widget on %r does not take messages any more", self._channel.name)
            self._close()
