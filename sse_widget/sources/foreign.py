"""What pages read of other people's streams themselves: `SSEWidget("https://…")` (docs/protocol.md, 4).

Theory of operation
-------------------
One page leads: it alone has an EventSource. The kernel names it, since it alone knows the pages of all browsers. Every
page that would read claims the lead under a name of its own, its session; whoever has it keeps it until it leaves or
says nothing for a while. The leader numbers its batches, one under way at a time, so a batch that comes again is
acknowledged again and not taken twice. Its events go into a channel of the widget's own, which all pages, the leader
too, then read as any other. What may be missing where a connection begins is judged by the events' ids, as for a relay.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sse_widget.core.wire import ServerSentEvent
from sse_widget.errors import ChannelClosed
from sse_widget.hub.channel import Channel
from sse_widget.hub.memory import DEFAULT_LIMITS
from sse_widget.sources.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sse_widget.hub.channel import Host

__all__ = ["Foreign", "Foreigns", "is_foreign"]

LEASE_S: Final = 45.0
_MAX_NAME_CHARS: Final = 120
_NAME_BYTES: Final = 8


def is_foreign(source: object) -> bool:
    """Tell whether a widget's source is the address of somebody's stream."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


class Foreign:
    """One stream that pages read, and the channel that it goes into. Thread-safe.

    Parameters
    ----------
    channel : Channel
        Where its events go.
    welcome : dict
        What pages are told of it.
    """

    def __init__(self, channel: Channel, welcome: dict[str, Any]) -> None:
        self.channel = channel
        self.welcome = welcome
        self._intake = Intake(channel, None)
        self._lock = threading.Lock()
        self._leader: tuple[str, str] | None = None  # its page and session
        self._taken = 0
        self._heard_at = 0.0

    def take(self, page: str, said: dict[str, Any]) -> int | None:
        """Take a batch; return the number of the last one taken, or None: this page does not lead."""
        session, n = said["session"], said["n"]
        with self._lock:
            now = time.monotonic()
            if self._leader != (page, session):
                held = self._leader is not None and self._leader[0] != page and now - self._heard_at <= LEASE_S
                # One who has led before, and of whose batches some were taken, has to begin anew.
                if held or n > 1:
                    return None
                self._leader, self._taken = (page, session), 0
            self._heard_at = now
            if n == self._taken + 1:
                self._taken = n
                self._push(said["events"])
            return self._taken

    def page_left(self, page: str) -> None:
        """Let another page lead."""
        with self._lock:
            if self._leader is not None and self._leader[0] == page:
                self._heard_at = float("-inf")  # but if it comes back before another claims, it goes on

    def _push(self, rows: list[list[str]]) -> None:
        try:
            for row in rows:
                if row[0] == "anew" and len(row) == 1:
                    self._intake.begin_anew()
                elif row[0] == "again" and len(row) == 1:
                    self._intake.begin()
                elif len(row) == 1:
                    self._intake.lose_one()
                else:
                    id_, type_, data = row
                    self._intake.deliver(ServerSentEvent(id=id_, type=type_, data=data))
        except ChannelClosed:
            return  # the widget was closed just now


class Foreigns:
    """The streams that the pages of one session read. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._by_name: dict[str, Foreign] = {}

    def open(self, url: str, types: Iterable[str], *, credentials: bool) -> Foreign:
        """Return a new channel for what pages read from there.

        Raises
        ------
        ValueError
            If `url` is no address.
        """
        if not urlsplit(url).hostname:
            raise ValueError(f"expected the address of a stream, such as 'https://example.org/events', got {url!r}")
        name = f"{url[:_MAX_NAME_CHARS]}#{secrets.token_hex(_NAME_BYTES)}"
        welcome = {"url": url, "types": list(types), "credentials": credentials}
        foreign = self._by_name[name] = Foreign(Channel(name, DEFAULT_LIMITS, self._host), welcome)
        return foreign

    def channel(self, name: str) -> Channel | None:
        """Return the channel of this name."""
        foreign = self._by_name.get(name)
        return None if foreign is None else foreign.channel

    def take(self, channel: Channel, page: str, status: dict[str, Any]) -> dict[str, Any]:
        """Take what a page has read for this channel; return what its answer says of that."""
        foreign = self._by_name.get(channel.name)
        if foreign is None or "foreign" not in status:
            return {}
        return {"foreign": foreign.take(page, status["foreign"])}

    def page_left(self, page: str) -> None:
        """Let other pages lead."""
        for foreign in list(self._by_name.values()):
            foreign.page_left(page)

    def close(self, channel: Channel) -> None:
        """Close a channel, if it is one of these: its widget is gone."""
        if self._by_name.pop(channel.name, None) is not None:
            channel.close()
