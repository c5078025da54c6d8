"""Standard SSE for everybody: `/channels/NAME`, and what the user's own paths share with it."""

from __future__ import annotations

from typing import Final

import orjson

from sse_widget.core.wire import encode_priming
from sse_widget.server.base import Refusal
from sse_widget.server.stream import StreamHandler

__all__ = ["RETRY_MS", "ChannelHandler", "PlainHandler"]

RETRY_MS: Final = 2000


class PlainHandler(StreamHandler):
    """Standard SSE, one event a message."""

    def may_enter(self) -> bool:
        """Take the bearer, or a ticket for this one source."""
        ticket = self.get_query_argument("ticket", "")
        if not ticket:
            return super().may_enter()
        source = self.source()
        return self.state.guard.redeem(ticket, self.get_query_argument("client", ""), frozenset({source}))

    def source(self) -> str:
        """Return what a ticket has to be for."""
        raise NotImplementedError

    def last_event_id(self) -> str | None:
        """Return up to where the reader has read; None if it does not say."""
        return self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", None)

    def opening(self) -> bytes:
        """Return `retry` and, in a frame without data, the cursor: a cut before the first event resumes exactly."""
        return encode_priming(self.places[0].cursor, RETRY_MS)

    def heartbeat(self) -> bytes:
        """Return the cursor."""
        return orjson.dumps({"id": self.places[0].cursor})


class ChannelHandler(PlainHandler):
    """`GET /channels/NAME`."""

    def source(self) -> str:
        """Return the channel's name."""
        return self.path_kwargs["name"]

    async def get(self, name: str) -> None:
        """Stream the channel."""
        channel = self.state.inbox.channel(name)
        if channel is None:
            raise Refusal(404, f"expected the name of an open channel, got {name!r}")
        self.add_place(channel, self.last_event_id(), packed=False)
        await self.run()
