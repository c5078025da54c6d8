"""One wake-up per burst and channel, however many streams wait for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from sse_widget.server.frames import Frames

if TYPE_CHECKING:
    import asyncio

    from sse_widget.hub.channel import Channel
    from sse_widget.server.tally import Tally

__all__ = ["Fanout", "Sleeper"]


class Sleeper(Protocol):
    """A stream that has sent everything."""

    def wake(self) -> None:
        """Look again."""


class Fanout:
    """A channel as the server's loop sees it. Lives on the loop; only `_pushed` is called from elsewhere."""

    def __init__(self, channel: Channel, loop: asyncio.AbstractEventLoop, tally: Tally) -> None:
        self.channel = channel
        self.tally = tally
        self.packed = Frames(channel, packed=True)
        self.plain = Frames(channel, packed=False)
        self.n_streams = 0
        self._loop = loop
        self._sleepers: set[Sleeper] = set()
        self._armed_at = -1  # the position that the waker waits behind; -1: it does not

    def sleep(self, sleeper: Sleeper, position: int) -> bool:
        """Wake `sleeper` when something follows `position`; False if something does already."""
        log = self.channel.log
        if self._armed_at == position:
            if log.newest > position or log.closed:
                return False
        else:
            # If it was armed: something has come since, so it was called and its turn is due, or an interrupt (SIGINT)
            # has hit the pushing thread before it called.
            log.disarm(self._pushed)
            if not log.arm(self._pushed, position):
                return False
            self._armed_at = position
        self._sleepers.add(sleeper)
        return True

    def leave(self, sleeper: Sleeper) -> None:
        """Do not wake `sleeper` any more."""
        self._sleepers.discard(sleeper)

    def wake_all(self) -> None:
        """Let every sleeping stream look again."""
        sleepers, self._sleepers = self._sleepers, set()
        for sleeper in sleepers:
            sleeper.wake()

    def look_again(self) -> None:
        """Wake those who sleep though there is something, after such an interrupt."""
        if self._sleepers and self.channel.log.newest > self._armed_at:
            self._turn()

    def close(self) -> None:
        """Take the waker back."""
        self.channel.log.disarm(self._pushed)

    def _pushed(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        self._armed_at = -1
        self.wake_all()
