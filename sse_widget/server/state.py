"""What the handlers of one server share: the guard, the streams, the channels as the loop sees them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sse_widget.server.fanout import Fanout, Sleeper
from sse_widget.server.ledger import Ledger
from sse_widget.server.pace import Pace
from sse_widget.server.tally import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.hub.channel import Channel
    from sse_widget.runs.table import Runs
    from sse_widget.server.guard import Guard
    from sse_widget.server.stream import Place, StreamHandler

__all__ = ["Inbox", "Limits", "State"]

logger = logging.getLogger(__name__)

_SWEEP_S: Final = 1.0
_LEFT_S: Final = 5.0
"""How long a page may be without a stream (it reconnects) before Python is told that it has left."""


class Inbox(Protocol):
    """Where the server hands over what pages send; called on the server's thread, must not block."""

    @property
    def runs(self) -> Runs:
        """The requests that are handled."""

    def channel(self, name: str) -> Channel | None:
        """Return the channel of that name."""

    def channels(self) -> list[Channel]:
        """Return the open channels, in the order in which they were made."""

    def pushed(self) -> int:
        """Return how many events were pushed so far, into channels that are closed by now too."""

    def received(self, page: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take a batch from a page and return the answer. Raises ValueError if it is malformed."""

    def page_left(self, page: str) -> None:
        """Forget a page: it has had no stream for a while."""


class Watched(Protocol):
    """Something that has to be looked after from time to time."""

    def sweep(self) -> bool:
        """Do what is due once a second; False: not any more, until `watch` is called again."""


class Limits(NamedTuple):
    """The bounds of one server; every time in seconds, every size in bytes."""

    heartbeat_s: float = 15.0
    silence_s: float = 40.0  # a page takes the stream for dead after this long without a message
    lease_s: float = 45.0  # a page that has not posted for this long is reaped
    stall_s: float = 60.0  # a stream whose reader takes nothing for this long is closed
    rotate_s: float = 600.0  # ± 10 %
    rotate_bytes: int = 64 << 20
    max_connections: int = 4000  # or half of the process's file descriptors, if that is less
    max_socket_connections: int = 1000  # or a quarter; the Jupyter server opens one for each request
    max_streams: int = 2000
    max_channels_per_stream: int = 400  # two query fields each; tornado takes 1000 in all
    max_runs: int = 100  # at a time; each generator and plain function has a thread
    run_lease_s: float = 45.0  # a run that nobody has read for this long is cancelled
    run_history: int = 100_000  # events
    run_history_bytes: int = 8 << 20
    max_ended_runs: int = 100  # kept, for readers that were away at the end
    ended_run_s: float = 300.0
    ended_runs_bytes: int = 64 << 20  # all of them


class State:
    """Lives on the server's loop."""

    def __init__(self, guard: Guard, inbox: Inbox, limits: Limits) -> None:
        self.guard = guard
        self.inbox = inbox
        self.limits = limits
        self.streams: set[StreamHandler] = set()
        self.pages: dict[str, StreamHandler] = {}
        self.seen: dict[str, float] = {}  # page → when it last opened a stream or posted
        self._held: set[str] = set()  # pages that have no stream because Python does not take what they have
        self._watched: set[Watched] = set()
        self._fanouts: dict[Channel, Fanout] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._runs_sweeper: asyncio.Task[None] | None = None
        self.draining = False
        self.ledger = Ledger()
        self.pace = Pace()
        self.tallies = Tallies()
        self.connections: Callable[[], int] = int  # how many are open; the server says it

    def fanout(self, channel: Channel) -> Fanout:
        """Return the one Fanout of `channel`; the last stream to leave takes it away."""
        fanout = self._fanouts.get(channel)
        if fanout is None:
            tally = self.tallies.of(channel)
            fanout = self._fanouts[channel] = Fanout(channel, asyncio.get_running_loop(), tally)
        return fanout

    def enter(self, stream: StreamHandler) -> None:
        """Register an open stream; a newer one of the same page closes the older."""
        self.streams.add(stream)
        for place in stream.places:
            self.hold(place)
        if stream.client:
            older = self.pages.get(stream.client)
            self.pages[stream.client] = stream
            self.seen[stream.client] = time.monotonic()
            self._held.discard(stream.client)
            if older is not None:
                older.cut()
        self._sweep_on()

    def leave(self, stream: StreamHandler) -> None:
        """Forget a stream that has ended. Idempotent."""
        if stream not in self.streams:
            return
        self.streams.discard(stream)
        for place in stream.places:
            self.release(stream, place)
        if self.pages.get(stream.client) is stream:
            del self.pages[stream.client]
            self.seen[stream.client] = time.monotonic()

    def hold(self, place: Place) -> None:
        """Count a place among the channel's readers."""
        place.fanout.n_streams += 1
        place.channel.log.attach(place)

    def release(self, stream: Sleeper, place: Place) -> None:
        """Forget one of a stream's places."""
        place.channel.log.detach(place)
        place.fanout.leave(stream)
        place.fanout.n_streams -= 1
        if not place.fanout.n_streams:
            place.fanout.close()
            self._fanouts.pop(place.channel, None)

    def touch(self, page: str, *, held: bool = False) -> None:
        """Renew the lease of a page that has a stream, or had one a moment ago.

        `held`: it does without a stream until Python has taken what it has; then its posts alone are its lease.
        """
        if page in self.seen:
            self.seen[page] = time.monotonic()
            (self._held.add if held else self._held.discard)(page)

    def watch(self, watched: Watched) -> None:
        """Call its `sweep` about once a second, until that says that there is no need."""
        self._watched.add(watched)
        self._sweep_on()

    def close(self) -> None:
        """Cut every stream."""
        self.draining = True
        for stream in list(self.streams):
            stream.cut()
        for sweeper in (self._sweeper, self._runs_sweeper):
            if sweeper is not None:
                sweeper.cancel()

    def watch_runs(self) -> None:
        """Look after the runs, as long as there are any."""
        if self._runs_sweeper is None or self._runs_sweeper.done():
            self._runs_sweeper = asyncio.get_running_loop().create_task(self._sweep_runs())

    async def _sweep_runs(self) -> None:
        while self.inbox.runs.sweep():  # noqa: ASYNC110 - it looks at the clock, and at readers who tell nobody
            await asyncio.sleep(min(_SWEEP_S, self.limits.run_lease_s / 4))

    def _sweep_on(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        """Once a second, while there is anybody: heartbeats, leases, stalls, and pages that have left."""
        while self.streams or self.seen or self._watched:
            await asyncio.sleep(_SWEEP_S)
            now = time.monotonic()
            for stream in list(self.streams):
                stream.sweep(now)
            for fanout in list(self._fanouts.values()):
                fanout.look_again()
            self._watched -= {watched for watched in list(self._watched) if not watched.sweep()}
            self._sweep_pages(now)

    def _sweep_pages(self, now: float) -> None:
        for page, seen in list(self.seen.items()):
            if page in self.pages:
                if now - seen > self.limits.lease_s:
                    logger.info("closing the stream of a page that has been silent for %.0f s", now - seen)
                    self.pages[page].cut()
            elif now - seen > (self.limits.lease_s if page in self._held else _LEFT_S):
                del self.seen[page]
                self._held.discard(page)
                self.inbox.page_left(page)
