"""Channels in this process's memory: the default hub."""

from __future__ import annotations

import math
import threading
import unicodedata
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sse_widget.core.log import Limits
from sse_widget.hub.channel import Channel

if TYPE_CHECKING:
    from sse_widget.hub.channel import Host

__all__ = ["DEFAULT_LIMITS", "MemoryHub"]

DEFAULT_LIMITS: Final = Limits(max_items=100_000, max_bytes=32 << 20)
MAX_CHANNELS: Final = 10_000
MAX_ENDED: Final = 16
MAX_NAME_BYTES: Final = 200


class MemoryHub:
    """The channels of one session, by name. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._channels: dict[str, Channel] = {}
        self._ended: OrderedDict[str, Channel] = OrderedDict()  # closed ones, for readers that have not finished them
        self._pushed_before = 0  # into channels that are forgotten
        self._lock = threading.Lock()

    def channel(
        self, name: str, history: int | None = None, history_bytes: int | None = None, history_s: float | None = None
    ) -> Channel:
        """Get the channel `name`, or make it; see `sse_widget.channel`."""
        _check_name(name)
        with self._lock:
            channel = self._channels.get(name)
            if channel is not None and channel.closed:  # by another thread, which will `forget` it in a moment
                self._end(channel)
                channel = None
            before = DEFAULT_LIMITS if channel is None else channel.log.measure()[3]
            limits = _changed(before, history, history_bytes, history_s)
            if channel is None:
                if len(self._channels) >= MAX_CHANNELS:
                    message = f"expected at most {MAX_CHANNELS} channels, got one more; close() those that are done"
                    raise ValueError(message)
                channel = self._channels[name] = Channel(name, limits, self._host)
            elif limits != before:
                channel.log.resize(limits)
            return channel

    def get(self, name: str) -> Channel | None:
        """Return the channel `name`: the open one, or one closed lately, which may still be read to its end."""
        with self._lock:
            return self._channels.get(name) or self._ended.get(name)

    def channels(self) -> list[Channel]:
        """Return all channels, in the order in which they were made."""
        with self._lock:
            return list(self._channels.values())

    def pushed(self) -> int:
        """Return how many events were pushed so far, into closed channels too."""
        with self._lock:
            return self._pushed_before + sum(channel.log.newest for channel in self._channels.values())

    def forget(self, channel: Channel) -> None:
        """Take a closed channel out; its name is free again."""
        with self._lock:
            if self._channels.get(channel.name) is channel:
                self._end(channel)

    def close(self) -> None:
        """Close all channels."""
        for channel in self.channels():
            channel.close()

    def _end(self, channel: Channel) -> None:
        del self._channels[channel.name]
        self._pushed_before += channel.log.newest
        self._ended[channel.name] = channel
        self._ended.move_to_end(channel.name)
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)


def _changed(limits: Limits, history: int | None, history_bytes: int | None, history_s: float | None) -> Limits:
    """Replace what was given; checks it, so a bad value changes nothing."""
    for name, value, kinds in (
        ("history", history, int),
        ("history_bytes", history_bytes, int),
        ("history_s", history_s, int | float),
    ):
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < math.inf):
            unit = {"history": "events", "history_bytes": "bytes", "history_s": "seconds"}[name]
            message = f"expected {name} to be a positive number of {unit}, got {value!r}"
            raise ValueError(message)
    return Limits(
        limits.max_items if history is None else history,
        limits.max_bytes if history_bytes is None else history_bytes,
        limits.max_age_us if history_s is None else max(round(history_s * 1e6), 1),
    )


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        message = f"expected the channel's name as a str, got {type(name).__name__}"
        raise TypeError(message)
    if not name:
        message = "expected a channel name of at least one character, got ''"
        raise ValueError(message)
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            message = f"expected a channel name without control characters, got {name!r} with {character!r}"
            raise ValueError(message)
    n_bytes = len(name.encode())
    if n_bytes > MAX_NAME_BYTES:
        message = f"expected a channel name of at most {MAX_NAME_BYTES} bytes, got {n_bytes}"
        raise ValueError(message)
