"""What a session does for those who feed its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sse_widget.errors import ChannelClosed
from sse_widget.hub.channel import Channel
from sse_widget.sources.pump import start as start_pump
from sse_widget.sources.recording import start as start_recording

if TYPE_CHECKING:
    import asyncio
    import os
    import weakref

    from sse_widget.background import Background
    from sse_widget.hub.memory import MemoryHub
    from sse_widget.sources.pump import Pump
    from sse_widget.sources.recording import Recording

__all__ = ["SourcesMixin"]


class SourcesMixin:
    """A session's half of `Channel.pump`, `relay` and `replay`."""

    hub: MemoryHub
    user_code: Background
    recordings: weakref.WeakSet[Recording]

    def pump(
        self,
        channel: Channel,
        source: object,
        type: str,  # noqa: A002 - SSE's own word
        loop: asyncio.AbstractEventLoop | None,
    ) -> Pump:
        """Push all that `source` gives; see `Channel.pump`."""
        return start_pump(channel, source, type, self.user_code, loop)

    def record(
        self, channel: Channel, path: str | os.PathLike[str], after: str, max_bytes: int, *, overwrite: bool
    ) -> Recording:
        """Write down all that is pushed; see `Channel.record`."""
        recording = start_recording(channel, path, after, max_bytes, overwrite=overwrite)
        self.recordings.add(recording)
        return recording

    def into(self, place: object) -> Channel:
        """Return the channel that something is to go into.

        Raises
        ------
        TypeError
            If it is neither a channel nor the name of one.
        ChannelClosed
            If it was closed.
        """
        if isinstance(place, str):
            return self.hub.channel(place)
        if not isinstance(place, Channel):
            raise TypeError(f"expected a channel or its name for into=, got {type(place).__name__}")
        if place.closed:
            raise ChannelClosed(f"expected an open channel, got {place!r}")
        return place
