"""`Channel.pump`: an iterable, plain or asynchronous, into a channel, in the background.

Theory of operation
-------------------
A plain iterable may block, so it has a thread of its own; an asynchronous one is a task on a loop. Either way one
object decides, under one lock, whether the next item is still pushed: so nothing comes after `stop` has returned, and
how the pump has ended is decided once. A plain iterable that blocks cannot be interrupted: its thread, a daemon, ends
with its next item. The generator is closed where it runs, so that its `finally` does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sse_widget.core.event import Gap
from sse_widget.errors import ChannelClosed
from sse_widget.sources.ending import Ending

if TYPE_CHECKING:
    from sse_widget.background import Background
    from sse_widget.hub.channel import Channel

__all__ = ["Pump", "start"]

logger = logging.getLogger(__name__)


class PumpStats(NamedTuple):
    """What a pump has done so far."""

    state: str
    events: int  # pushed into the channel


class Pump(Ending):
    """What `Channel.pump` returns: how far it is, and the way to stop it.

    Attributes
    ----------
    state : str
        `"running"`; `"done"` when the source has ended, `"stopped"` by `stop` or the end of the channel, `"failed"`
        when the source has raised, or has given what cannot be pushed.
    error : BaseException or None
        What it was then.
    count : int
        How many events it has pushed.
    """

    def __init__(self, channel: Channel, type: str) -> None:  # noqa: A002 - SSE's own word
        super().__init__()
        self.channel = channel
        self.state = "running"
        self.error: BaseException | None = None
        self.count = 0
        self._type = type
        self._lock = threading.RLock()  # the source itself may call `stop`
        self._interrupt: Any = None  # wakes an asynchronous source that waits

    def stop(self) -> None:
        """Push nothing more, and close the source. Idempotent; may be called from any thread."""
        self._end("stopped")
        if self._interrupt is not None:
            self._interrupt()

    def result(self, timeout: float | None = None) -> int:
        """Block until it has ended; return how many events it has pushed, or raise what the source raised."""
        self._wait_well(timeout)
        return self.count

    def stats(self) -> PumpStats:
        """Return what it has done so far."""
        return PumpStats(self.state, self.count)

    def __repr__(self) -> str:
        why = "" if self.error is None else f": {_first_line(self.error)}"
        return f"<Pump into {self.channel.name!r}: {self.state}, {self.count} events{why}>"

    # Where the source runs

    def run(self, source: Iterable[object]) -> None:
        """Push all that a plain iterable gives."""
        iterator: Any = None
        try:
            iterator = iter(source)
            for item in iterator:
                if not self._push(item):
                    break
            self._end("done")
        except BaseException as error:  # noqa: BLE001 - whatever the source raises is kept and shown
            self._end("failed", error)
        finally:
            close = getattr(iterator, "close", None)
            if callable(close):
                self._closing(close)

    async def run_async(self, source: AsyncIterable[object]) -> None:
        """Push all that an asynchronous iterable gives."""
        iterator: Any = None
        try:
            iterator = aiter(source)
            async for item in iterator:
                if not self._push(item):
                    break
            self._end("done")
        except asyncio.CancelledError:
            self._end("stopped")
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the source raises is kept and shown
            self._end("failed", error)
        finally:
            close = getattr(iterator, "aclose", None)
            if callable(close):
                try:
                    await close()
                except Exception:
                    logger.exception("closing the source of %r raised", self)

    def start_thread(self, source: Iterable[object]) -> None:
        """Run a plain iterable on a thread of its own."""
        threading.Thread(target=self.run, args=(source,), name="sse_widget pump", daemon=True).start()

    def start_task(
        self, source: AsyncIterable[object], background: Background, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        """Run an asynchronous iterable on a loop."""
        running = self.run_async(source)
        future = background.submit(running) if loop is None else asyncio.run_coroutine_threadsafe(running, loop)
        self._interrupt = future.cancel
        future.add_done_callback(lambda _future: self._end("stopped"))  # it may be cancelled before it has begun

    def _push(self, item: object) -> bool:
        with self._lock:
            if self.state != "running":
                return False
            try:
                if isinstance(item, Gap):  # another channel's subscription is a source, too
                    self.channel.announce(item.lost)
                    return True
                self.channel.push(item, type=self._type)
            except ChannelClosed:
                self._end("stopped")
                return False
            self.count += 1
            return True

    def _end(self, state: str, error: BaseException | None = None) -> None:
        with self._lock:
            if self.state != "running":
                return
            self.state, self.error = state, error
        if error is not None:
            logger.error("%r has ended", self, exc_info=error)
            self.channel.host.trouble(self.channel, f"what feeds this channel has failed: {_first_line(error)}")
        self._has_ended()
        self._ended.set()  # last: who has waited finds all of it done

    def _has_ended(self) -> None:
        """Do what follows the end."""

    def _closing(self, close: Any) -> None:
        try:
            close()
        except Exception:
            logger.exception("closing the source of %r raised", self)


def start(
    channel: Channel, source: object, type_: str, background: Background, loop: asyncio.AbstractEventLoop | None
) -> Pump:
    """Start a pump.

    Raises
    ------
    TypeError
        If `source` is nothing to loop over.
    """
    pump = channel.source = Pump(channel, type_)
    if isinstance(source, AsyncIterable):
        pump.start_task(source, background, loop)
    elif isinstance(source, Iterable) and not isinstance(source, str | bytes):
        if loop is not None:
            raise TypeError(f"expected an asynchronous iterable to run on a loop, got {_kind(source)}; leave loop= out")
        pump.start_thread(source)
    else:
        hint = "; call it" if callable(source) else "; push() takes a single value"
        raise TypeError(f"expected an iterable or asynchronous iterable to pump, got {_kind(source)}{hint}")
    return pump


def _kind(value: object) -> str:
    return type(value).__name__


def _first_line(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
