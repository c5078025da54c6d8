"""Where a view finds its values: the same dotted paths as in the page (`js/src/views/path.ts`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event

__all__ = ["number_at", "value_at"]

_OWN: dict[str, Callable[[Event], Any]] = {
    "time": lambda event: event.time,
    "type": lambda event: event.type,
    "id": lambda event: event.id,
}


def value_at(event: Event, path: str) -> Any:
    """Return what an event has at `path`; None if it has nothing there.

    `""` is the whole data; `"quote.price"` a key in a key (or the key of that very name); `"bids.0"` an item of a list;
    `"time"`, `"type"` and `"id"` are the event's own where its data has no such key.
    """
    if path == "":
        return event.data
    whole = _step(event.data, path)
    if whole is not None:
        return whole
    if path in _OWN:
        return _OWN[path](event)
    value = event.data
    for key in path.split("."):
        value = _step(value, key)
    return value


def number_at(event: Event, path: str) -> float | None:
    """Return the number at `path`; None if there is none."""
    value = value_at(event, path)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _step(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None
