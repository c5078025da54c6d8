"""What a channel tells, and what it needs of the process it lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sse_widget.core.event import Event

if TYPE_CHECKING:
    import asyncio
    import os

    from sse_widget.hub.channel import Channel
    from sse_widget.hub.feeding import Recording, Source

__all__ = ["ChannelStats", "Host", "Place", "Position"]

Place = Event | str | None
"""Where a reader starts: after an `Event` or an event id, `"oldest"`, or `"newest"`; None: the function's default."""


class Position(NamedTuple):
    """A place in a channel's log."""

    sequence: int  # read what follows this
    lost: int | None  # before that, announce: 0 nothing, None a gap of unknown size


class Host(Protocol):
    """What a channel needs of the process it lives in."""

    def url(self, channel: Channel) -> str:
        """Return the address of the channel; starts the server."""

    def curl(self, channel: Channel, push: bytes | None = None) -> str:
        """Return the shell command that follows the channel, or pushes one line of JSON to it."""

    def display(self, channel: Channel) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        """Return the MIME bundle of the channel's live log."""

    def pump(
        self,
        channel: Channel,
        source: object,
        type: str,  # noqa: A002 - SSE's own word
        loop: asyncio.AbstractEventLoop | None,
    ) -> Source:
        """Push all that `source` gives; see `Channel.pump`."""

    def record(
        self, channel: Channel, path: str | os.PathLike[str], after: str, max_bytes: int, *, overwrite: bool
    ) -> Recording:
        """Write down all that is pushed; see `Channel.record`."""

    def trouble(self, channel: Channel, text: str) -> None:
        """Show in the channel's widgets that its source has failed."""

    def forget(self, channel: Channel) -> None:
        """Take a closed channel out of the registry."""


class ChannelStats(NamedTuple):
    """What a channel holds and who reads it, at one moment."""

    pushed: int  # events pushed so far; a loss that was announced is one
    held: int  # events in the history
    held_bytes: int  # memory they take [bytes]
    dropped: int  # events that have left the history
    readers: list[dict[str, Any]]  # for each: "label", and how many events it is "behind"
