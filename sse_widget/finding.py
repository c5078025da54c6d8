"""From what a user names to a channel of this kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from sse_widget.hub.channel import Channel

if TYPE_CHECKING:
    from sse_widget.hub.memory import MemoryHub
    from sse_widget.runs.routes import Routes

__all__ = ["find_channel"]

_CHANNELS_PATH = "/channels/"


def find_channel(hub: MemoryHub, routes: Routes, source: object) -> Channel:
    """Return the channel that a widget's source names."""
    if isinstance(source, Channel):
        return source
    if isinstance(source, str) and source.startswith(_CHANNELS_PATH):
        name = source.removeprefix(_CHANNELS_PATH)
        found = hub.get(name) or hub.get(unquote(name))  # `Channel.url` has it quoted
        if found is not None:
            return found
        message = f"expected the path of a channel of this kernel, got {source!r}; make it with sse_widget.channel(...)"
        raise ValueError(message)
    if isinstance(source, str):
        meant = "handle_request" if routes.has(source.partition("?")[0]) else "channel"
        message = (
            f"expected a channel or a path such as '/channels/prices', got {source!r}; "
            f"did you mean sse_widget.{meant}({source!r})?"
        )
        raise ValueError(message)  # noqa: TRY004 - a str may be a source; this one is not
    message = f"expected a channel, got {type(source).__name__}; make one with sse_widget.channel('name')"
    raise TypeError(message)
