"""Pushes that wait for readers: for a producer that has everything at hand and would outrun them.

Theory of operation
-------------------
A push costs a reader something only if it drives events out of the history that the reader has not read. So a paced
push waits until no reader needs what it would drive out, and a quarter of the history more, for those that come back
after a cut and have to read again. A reader that stands still for a while (a stopped program, a subscription that
nobody iterates) is waited for no longer; the answer names it, and it gets a gap. As soon as it moves it counts again.

Readers' places are looked at every 20 ms while a push waits: a message from every move of every reader would cost all
the others, for whom nobody waits.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from sse_widget.server.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from sse_widget.hub.channel import Channel
    from sse_widget.hub.shared_log import Reader

__all__ = ["Pace"]

STILL_S: Final = 10.0
WAIT_S: Final = 20.0
MAX_WAITING: Final = 64
_LOOK_S: Final = 0.02


class Pace:
    """The pushes that wait. Lives on the server's loop."""

    def __init__(self, still_s: float = STILL_S, wait_s: float = WAIT_S) -> None:
        self._still_s = still_s
        self._wait_s = wait_s
        self._waiting = 0
        self._still: WeakKeyDictionary[Reader, int] = WeakKeyDictionary()  # and the position they stand at

    async def room(self, channel: Channel, n_events: int, n_bytes: int, gone: Callable[[], bool]) -> list[str]:
        """Wait until a push of this size costs no reader an event.

        Parameters
        ----------
        channel : Channel
            Where it goes.
        n_events, n_bytes : int
            How large it is.
        gone : callable
            Tells whether nobody waits for the answer any more; then this returns at once.

        Returns
        -------
        list of str
            The readers that stand still and were not waited for.

        Raises
        ------
        Refusal
            If the history is too small for it, or readers still read after a while: then try again.
        """
        _check_size(channel, n_events, n_bytes)
        if self._waiting >= MAX_WAITING:
            raise Refusal(503, f"expected at most {MAX_WAITING} pushes that wait for readers, got one more")
        self._waiting += 1
        try:
            return await self._wait(channel, n_events, n_bytes, gone)
        finally:
            self._waiting -= 1

    async def _wait(self, channel: Channel, n_events: int, n_bytes: int, gone: Callable[[], bool]) -> list[str]:
        deadline = time.monotonic() + self._wait_s
        since: WeakKeyDictionary[Reader, tuple[int, float]] = WeakKeyDictionary()
        newest, needed = -1, 0
        while True:
            if channel.log.newest != newest:  # also the first time; others may push meanwhile
                newest = channel.log.newest
                needed = channel.log.dropped_by(n_events, n_bytes)
            still, slowest = self._look(channel.log.readers(), needed, since)
            if not slowest or gone():
                return still
            if time.monotonic() > deadline:
                raise Refusal(503, f"expected readers to make room, got {slowest} that still reads; try again")
            await asyncio.sleep(_LOOK_S)

    def _look(
        self, readers: list[Reader], needed: int, since: MutableMapping[Reader, tuple[int, float]]
    ) -> tuple[list[str], str]:
        """Return who stands still before `needed`, and the slowest of those who move; no name outlives the call.

        (A reader that its user has let go of must not live on because somebody waits for it.)
        """
        behind = [reader for reader in readers if reader.position < needed]
        moving = [reader for reader in behind if self._moves(reader, since)]
        slowest = min(moving, key=lambda reader: reader.position).label if moving else ""
        return sorted({reader.label for reader in behind}), slowest

    def _moves(self, reader: Reader, since: MutableMapping[Reader, tuple[int, float]]) -> bool:
        position, now = reader.position, time.monotonic()
        if self._still.get(reader) == position:
            return False
        self._still.pop(reader, None)
        if since.get(reader, (None, 0.0))[0] != position:
            since[reader] = position, now
        if now - since[reader][1] < self._still_s:
            return True
        self._still[reader] = position
        return False


def _check_size(channel: Channel, n_events: int, n_bytes: int) -> None:
    """Refuse what would not fit into three quarters of the history; a single event always does."""
    limits = channel.log.measure()[3]
    most = max(limits.max_items - limits.max_items // 4, 1)
    most_bytes = limits.max_bytes - limits.max_bytes // 4
    if n_events > 1 and (n_events > most or n_bytes > most_bytes):
        raise Refusal(
            413,
            f"expected at most {most} events and {most_bytes} bytes at a time for the history of {channel.name!r}, "
            f"got {n_events} and {n_bytes}; push less at a time, or give the channel more history",
        )
