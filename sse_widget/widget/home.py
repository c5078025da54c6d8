"""What a widget needs of the process it lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.cursor import Cursor
    from sse_widget.hub.channel import Channel
    from sse_widget.widget.feed import Carrier, Feed
    from sse_widget.widget.main_loop import Call

__all__ = ["Home"]


class Home(Protocol):
    """What a widget needs of the process it lives in."""

    def find(self, source: object) -> Channel:
        """Return the channel that a source names."""

    def welcome(self, url_template: str) -> dict[str, Any]:
        """Return what a page needs to reach the server; starts it."""

    def enter(self, feed_id: str, feed: Feed, end: Callable[[], None]) -> None:
        """Let pages send to `feed`; `end` closes its widget."""

    def carrier(
        self,
        channel: Channel,
        start: Cursor,
        send: Callable[[dict[str, Any]], None],
        main: Call,
        left: Callable[[str], None],
    ) -> Carrier:
        """Return what sends a channel over a comm; `main` calls on the main thread, `left` is told who has gone."""

    def received_over_comm(self, page: str, text: str) -> dict[str, Any]:
        """Take a batch that came over a comm; return the answer."""

    def leave(self, feed_id: str) -> None:
        """Let them no more."""
