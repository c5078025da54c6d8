"""How a feed is, on one line."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import traitlets

from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event

__all__ = ["State"]


class State(SSEWidget):
    """A badge: the state of the connection, how the page reaches the stream, events a second, events lost.

    Takes the parameters of `SSEWidget`.
    """

    _view = traitlets.Unicode("state").tag(sync=True)

    def _snapshot(self, events: Sequence[Event], count: int) -> str:  # noqa: ARG002 - the base class's signature
        return f"<p><b>{html.escape(self.title[:200])}</b>: {self.state}, {count} events, {self.lost} lost</p>"
