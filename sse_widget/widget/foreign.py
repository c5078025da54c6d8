"""A widget on somebody else's stream: what the user says of it, checked, and the channel that it goes into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sse_widget.core.wire import check_type
from sse_widget.session import current
from sse_widget.sources.foreign import is_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sse_widget.hub.channel import Channel

__all__ = ["read_by_pages"]


def read_by_pages(
    source: Channel | str, types: Iterable[str], traits: dict[str, Any], *, credentials: bool
) -> tuple[Channel | str, dict[str, Any]]:
    """Return a new channel for an address, and what pages are told of it besides; any other source as it is."""
    wanted = [types] if isinstance(types, str) else list(types)
    if not isinstance(source, str) or not is_foreign(source):
        if wanted or credentials:
            raise TypeError(
                f"expected types and credentials only with an address ('https://…'), got them with {source!r}"
            )
        return source, {}
    for type_ in wanted:
        if not isinstance(type_, str):
            raise TypeError(f"expected types to be one or several event types, got {types!r}")
        check_type(type_)
    foreign = current().foreign.open(source, wanted, credentials=bool(credentials))
    traits.setdefault("title", source)
    return foreign.channel, {"foreign": foreign.welcome}
