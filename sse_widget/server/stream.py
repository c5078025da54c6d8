"""What streams share, and `/events`, the one for our own page.

Theory of operation
-------------------
A stream is a place in each of its channels. It writes everything between its places and the heads in one write, waits
until the socket has taken it, and looks again; only when there is nothing does it sleep. So what a slow reader holds
up is its own cursor, memory per reader is one frame, and the longer a write takes, the more the next one carries.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

import orjson
from tornado.iostream import StreamClosedError

from sse_widget.core.cursor import Cursor
from sse_widget.core.wire import encode_named
from sse_widget.server.base import BaseHandler, Refusal

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.server.fanout import Fanout
    from sse_widget.server.frames import Frame, Frames
    from sse_widget.server.state import State

__all__ = ["EventsHandler", "Place", "StreamHandler", "ending_data"]

NO_CURSOR: Final = "unknown"
"""What a reader is called back with whose cursor is none: its own words could hold a line break, and inject a field."""


class Place:
    """Where one stream is in one channel."""

    def __init__(self, fanout: Fanout, frames: Frames, after: str | None, label: str) -> None:
        self.channel: Channel = fanout.channel
        self.fanout = fanout
        self.label = label
        self._frames = frames
        self._after = after
        try:
            found = self.channel.resolve("newest" if after is None else after or "oldest")
        except ValueError:  # not a cursor of ours: nobody knows what its reader has missed
            found = self.channel.resolve("oldest")._replace(lost=None)
            self._after = NO_CURSOR
        self.position = found.sequence
        self._unknown_gap = found.lost is None

    @property
    def cursor(self) -> str:
        """Id of the last event that was sent; until a gap of unknown size is announced, what the reader came with."""
        if self._unknown_gap:
            return self._after or ""
        return str(Cursor(self.channel.epoch, self.position))

    def take(self) -> Frame | None:
        """Return what to send next and move on; None if there is nothing."""
        frame = self._frames.after(self.position, unknown_gap=self._unknown_gap)
        if frame is not None:
            self.fanout.tally.add(frame.n_events, frame.lost)
            self._unknown_gap = False
            self.position = frame.last
        return frame

    @property
    def ended(self) -> bool:
        """True if nothing more can come."""
        return self.channel.closed and self.position >= self.channel.log.newest


def ending_data(channel: Channel) -> bytes:
    """Return the data of `ended`: which channel, and how, if what fed it has failed."""
    error = {} if channel.failure is None else {"error": channel.failure}
    return orjson.dumps({"channel": channel.name, **error})


class StreamHandler(BaseHandler):
    """What both streams share: the loop that writes."""

    client = ""

    def initialize(self, state: State) -> None:
        """Start with nothing to read."""
        super().initialize(state)
        self.places: list[Place] = []
        self._wake: asyncio.Future[None] | None = None
        self._gone = False
        self._now = self._heartbeat_at = self._flushing_since = 0.0
        self._rotate_at = float("inf")
        self._rotate_bytes = float("inf")
        self._heartbeat_due = False
        self._sent_bytes = 0

    def prepare(self) -> None:
        """Let in whom `BaseHandler` lets in, as long as there is room."""
        super().prepare()
        limit = self.state.limits.max_streams
        if self.state.draining or len(self.state.streams) >= limit:
            raise Refusal(503, f"expected at most {limit} streams, got one more")

    async def run(self) -> None:
        """Send until the reader goes or the channels end."""
        limits = self.state.limits
        self.say_stream()
        self._now = time.monotonic()
        self._heartbeat_at = self._now + limits.heartbeat_s
        self.state.enter(self)
        try:
            await self._send(self.opening())
            while self.places and not self._gone:
                if not await self._send(self._take()):
                    await self._sleep()
        except StreamClosedError:
            pass  # the reader has gone: that is how streams end
        finally:
            self.state.leave(self)

    def say_stream(self) -> None:
        """Announce a stream, in the headers."""
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-store, no-transform")
        self.set_header("X-Accel-Buffering", "no")

    def _take(self) -> bytes:
        """Collect everything there is to say now, up to one frame a channel."""
        parts: list[bytes] = []
        for place in tuple(self.places):
            frame = place.take()
            if frame is not None:
                parts.append(frame.content)
            elif place.ended:
                parts.append(self.ending(place))
                self._drop(place)
        if self._heartbeat_due:
            self._heartbeat_due = False
            self._heartbeat_at = time.monotonic() + self.state.limits.heartbeat_s
            parts.append(encode_named("heartbeat", self.heartbeat()))
        if self._sent_bytes > self._rotate_bytes or self._now > self._rotate_at:
            parts.append(encode_named("rotate", b"{}"))
            self._gone = True
        return b"".join(parts)

    def _drop(self, place: Place) -> None:
        self.state.release(self, place)
        self.places = [other for other in self.places if other is not place]

    async def _send(self, content: bytes) -> bool:
        if not content:
            return False
        self._flushing_since = time.monotonic()
        self._sent_bytes += len(content)
        self.write(content)
        await self.flush()
        self._flushing_since = 0.0
        for place in self.places:
            place.channel.log.advanced()
        return True

    async def _sleep(self) -> None:
        wake = self._wake = asyncio.get_running_loop().create_future()
        asleep = all(place.fanout.sleep(self, place.position) for place in self.places)
        try:
            if asleep and not self._gone and not self._heartbeat_due:
                await wake
        finally:
            self._wake = None
            for place in self.places:
                place.fanout.leave(self)

    def wake(self) -> None:
        """Look again."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def cut(self) -> None:
        """End the stream now, whatever it is doing."""
        self._gone = True
        self.wake()
        self.cut_connection()

    def sweep(self, now: float) -> None:
        """Do what is due: a heartbeat, the end of a stalled or old stream."""
        self._now = now
        if self._flushing_since:
            if now - self._flushing_since > self.state.limits.stall_s:
                self.cut()
        elif now >= self._heartbeat_at or now > self._rotate_at:
            self._heartbeat_due = now >= self._heartbeat_at
            self.wake()

    def on_connection_close(self) -> None:
        """Note that the reader has gone."""
        super().on_connection_close()
        self._gone = True
        self.wake()

    def opening(self) -> bytes:
        """Return the first bytes of the stream."""
        raise NotImplementedError

    def heartbeat(self) -> bytes:
        """Return the data of a heartbeat."""
        raise NotImplementedError

    def ending(self, place: Place) -> bytes:
        """Return the last message of a channel that was closed."""
        return encode_named("ended", ending_data(place.channel))

    def add_place(self, channel: Channel, after: str | None, *, packed: bool) -> None:
        """Read `channel` too."""
        fanout = self.state.fanout(channel)
        label = f"page {self.client[:8]}" if self.client else f"stream from {self.request.remote_ip}"
        self.places.append(Place(fanout, fanout.packed if packed else fanout.plain, after, label))


class EventsHandler(StreamHandler):
    """`GET /events`: several channels in packs, for our own page."""

    def may_enter(self) -> bool:
        """Take a ticket for this client and these channels, or the bearer."""
        ticket = self.get_query_argument("ticket", "")
        if not ticket:
            return super().may_enter()
        channels = frozenset(self.get_query_arguments("channel", strip=False))
        return self.state.guard.redeem(ticket, self.get_query_argument("client", ""), channels)

    async def get(self) -> None:
        """Stream the channels."""
        names = self.get_query_arguments("channel", strip=False)
        cursors = self.get_query_arguments("after")
        limits = self.state.limits
        if (
            not names
            or len(names) != len(cursors)
            or len(set(names)) != len(names)
            or len(names) > limits.max_channels_per_stream
        ):
            raise Refusal(
                422, f"expected 1 to {limits.max_channels_per_stream} different channels, each with its after="
            )
        channels = [self.state.inbox.channel(name) for name in names]
        if None in channels:
            raise Refusal(404, f"expected names of open channels, got {names}")
        self.client = self.get_query_argument("client", "")[:64]
        for channel, after in zip(channels, cursors, strict=True):
            if channel is not None:
                self.add_place(channel, after, packed=True)
        if self.client:  # a page comes back by itself; for others an end would be a surprise
            self._rotate_at = time.monotonic() + limits.rotate_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
            self._rotate_bytes = limits.rotate_bytes
        await self.run()

    def opening(self) -> bytes:
        """Return where each channel starts."""
        return encode_named("open", self.heartbeat())

    def heartbeat(self) -> bytes:
        """Return where each channel is."""
        return orjson.dumps({"channels": {place.channel.name: place.cursor for place in self.places}})
