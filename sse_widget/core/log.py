"""The bounded past of a channel.

Theory of operation
-------------------
Positions count from 1 and only grow; where an item lies in memory is a detail. The log holds the positions `oldest …
newest` without a hole. A reader is a number, the position it has read up to, and costs the log nothing. What a reader
lacks because it is no longer held is a subtraction, `oldest - 1 - position`; so a loss cannot go unnoticed, and no
reader can be told about one that did not happen.

Storage is one list and the index of its first live item. Dropping from the left moves the index and clears the slot;
the list is cut when more than half of it is dead, so each item is moved at most once: appending, dropping and finding
a position are all O(1) (a deque would make slices from the middle O(n)).
"""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Entry", "Limits", "Log", "Slice"]


class Entry(Protocol):
    """What a log can hold."""

    @property
    def size(self) -> int:
        """What it costs in memory [bytes]."""

    @property
    def time_us(self) -> int:
        """When it was made [µs since 1970]."""


T = TypeVar("T", bound=Entry)


class Limits(NamedTuple):
    """The bounds of a log; the oldest items go first when one is passed.

    The newest item is always kept, so one item larger than `max_bytes` can be read.
    """

    max_items: int
    max_bytes: int
    max_age_us: int | None = None


class Slice(NamedTuple, Generic[T]):
    """What follows a position."""

    items: list[T]  # oldest first
    lost: int  # items between the position and items[0] that are gone
    last: int  # the position after reading this slice


_CUT_AT = 1024


class Log(Generic[T]):
    """Items in order, the oldest dropped when a limit is passed.

    Not thread-safe: it belongs to whoever holds its lock.
    """

    def __init__(self, limits: Limits) -> None:
        self._items: list[T | None] = []
        self._head = 0  # index of the oldest live item in _items
        self._limits = _checked(limits)
        self.newest = 0
        self.n_bytes = 0
        self.pushed_bytes = 0  # of all items so far
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items) - self._head

    @property
    def oldest(self) -> int:
        """Position of the oldest item held; `newest + 1` when there is none."""
        return self.newest - len(self) + 1

    @property
    def limits(self) -> Limits:
        """The bounds; assigning drops at once what no longer fits."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = _checked(limits)
        self._trim()

    def append(self, item: T) -> int:
        """Add the newest item and return its position."""
        self._items.append(item)
        self.newest += 1
        self.n_bytes += item.size
        self.pushed_bytes += item.size
        if self.n_bytes > self._limits.max_bytes or len(self._items) - self._head > self._limits.max_items:
            self._trim()
        if self._limits.max_age_us is not None:
            self.expire(item.time_us)
        return self.newest

    def after(self, position: int, max_items: int | None = None, max_bytes: int | None = None) -> Slice[T]:
        """Return what follows `position`: at most `max_items` and `max_bytes`, but at least one if there is one."""
        start = max(position + 1, self.oldest)
        stop = self.newest if max_items is None else min(self.newest, start + max_items - 1)
        offset = self._head - self.oldest
        items: list[T] = self._items[start + offset : stop + 1 + offset]  # type: ignore[assignment]  # live from _head on
        if max_bytes is not None:
            items = _fitting(items, max_bytes)
        return Slice(items, start - position - 1, start + len(items) - 1)

    def dropped_by(self, n_items: int, n_bytes: int) -> int:
        """Return the position up to which items would go if so many more came; ages aside."""
        n_held, bytes_held, at = len(self) + n_items, self.n_bytes + n_bytes, self._head
        while at < len(self._items) and (n_held > self._limits.max_items or bytes_held > self._limits.max_bytes):
            item = self._items[at]
            n_held, bytes_held, at = n_held - 1, bytes_held - (item.size if item else 0), at + 1
        return self.oldest - 1 + at - self._head

    def expire(self, now_us: int) -> None:
        """Drop what is older than `max_age_us`; the newest item too."""
        if self._limits.max_age_us is None:
            return
        horizon = now_us - self._limits.max_age_us
        while len(self) and self._oldest_item().time_us < horizon:
            self._drop()

    def clear(self) -> None:
        """Drop everything; positions go on."""
        while len(self):
            self._drop()

    def _oldest_item(self) -> T:
        item = self._items[self._head]
        if item is None:
            message = "a live slot of the log is empty"
            raise AssertionError(message)
        return item

    def _trim(self) -> None:
        limits = self._limits
        while len(self) > limits.max_items or (self.n_bytes > limits.max_bytes and len(self) > 1):
            self._drop()

    def _drop(self) -> None:
        self.n_bytes -= self._oldest_item().size
        self._items[self._head] = None
        self._head += 1
        self.dropped += 1
        if self._head >= _CUT_AT and self._head * 2 >= len(self._items):
            del self._items[: self._head]
            self._head = 0


def _fitting(items: list[T], max_bytes: int) -> list[T]:
    total = 0
    for count, item in enumerate(items):
        total += item.size
        if total > max_bytes and count:
            return items[:count]
    return items


def _checked(limits: Limits) -> Limits:
    for name, value in zip(limits._fields, limits, strict=True):
        if value is None and name == "max_age_us":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            message = f"expected {name} to be a whole number of at least 1, got {value!r}"
            raise ValueError(message)
    return limits
