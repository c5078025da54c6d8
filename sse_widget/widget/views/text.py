"""Tokens as text."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import traitlets

from sse_widget.widget.path import value_at
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["Text"]

_SNAPSHOT_CHARS: Final = 6_000


class Text(SSEWidget):
    """Tokens joined into flowing text, what a language model or a program writes; it scrolls along, and can be copied.

    Parameters
    ----------
    source : Channel or str
        What to show, as for `SSEWidget`.
    field : str, default ""
        Where the token is in an event's data: a key, or a path such as `"choices.0.delta.content"`; `""`: the data is
        the token. Numbers are written, too; an event without a token is counted as missing.
    separator : str, default ""
        What stands between two tokens; a newline makes each a line.
    height : str, default "320px"
        Height of the text, in CSS.
    **traits
        All other parameters of `SSEWidget`.
    """

    _view = traitlets.Unicode("text").tag(sync=True)
    _snapshot_events = 20_000
    _shows_all = True

    field = traitlets.Unicode(help="Path of the token in an event's data; empty: the data itself.").tag(sync=True)
    separator = traitlets.Unicode(help="What stands between two tokens.").tag(sync=True)

    def __init__(self, source: Channel | str, field: str = "", **traits: Any) -> None:
        super().__init__(source, field=field, **traits)

    def _snapshot(self, events: Sequence[Event], count: int) -> str:
        tokens = [token for event in events if (token := value_at(event, self.field)) is not None]
        text = self.separator.join(str(token) for token in tokens if isinstance(token, str | int | float))
        cut = len(text) > _SNAPSHOT_CHARS or len(events) < count
        shown = html.escape(("…" if cut else "") + text[-_SNAPSHOT_CHARS:])
        return f'<p><b>{html.escape(self.title[:200])}</b></p><pre style="white-space:pre-wrap">{shown}</pre>'
