"""What there is: `GET /channels`, for the page `/` and for who reads from the newest event on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sse_widget.core.event import OVERHEAD_BYTES
from sse_widget.runs.run import RunChannel
from sse_widget.server.base import BaseHandler

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.server.tally import Tally

__all__ = ["ChannelsHandler"]


class ChannelsHandler(BaseHandler):
    """`GET /channels`: every channel, or those of `?channel=NAME&channel=…`, with its counts and its readers."""

    def get(self) -> None:
        """List them; names that are no open channel's are left out."""
        names = self.get_query_arguments("channel", strip=False)
        inbox = self.state.inbox
        everything = [*inbox.channels(), *(run.channel for run in inbox.runs.running())]
        found = [inbox.channel(name) for name in names] if names else everything
        listed = [describe(channel, self.state.tallies.of(channel)) for channel in found if channel is not None]
        self.reply({"server": self.state.guard.server_id, "channels": listed})


def describe(channel: Channel, tally: Tally) -> dict[str, Any]:
    """Return what a page may want to know of a channel, at one moment."""
    stats = channel.stats()
    pushed, pushed_bytes = channel.log.pushed()
    return {
        "name": channel.name,
        "newest": channel.newest_id,
        "closed": channel.closed,
        "run": isinstance(channel, RunChannel),
        "pushed": pushed,
        "pushed_bytes": pushed_bytes - pushed * OVERHEAD_BYTES,  # of JSON
        "held": stats.held,
        "held_bytes": stats.held_bytes,
        "dropped": stats.dropped,
        "lost": tally.lost,
        "readers": stats.readers,
    }
