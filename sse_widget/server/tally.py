"""What was sent to readers and what they have lost: counted where it happens, looked at when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel

__all__ = ["Tallies", "Tally"]


class Tally:
    """Counters of one channel, or of all. They only grow. Live on the server's loop."""

    __slots__ = ("delivered", "gaps", "lost", "total", "unknown_gaps")

    def __init__(self, total: Tally | None = None) -> None:
        self.total = total
        self.delivered = 0  # events, to each reader
        self.lost = 0  # events that had left the history before a reader got there
        self.gaps = 0  # how often that was
        self.unknown_gaps = 0  # how often nobody could know how many

    def add(self, delivered: int, lost: int | None) -> None:
        """Count a frame; `lost` is None for a gap of unknown size."""
        self.delivered += delivered
        if lost is None:
            self.unknown_gaps += 1
        elif lost:
            self.lost += lost
            self.gaps += 1
        if self.total is not None:
            self.total.add(delivered, lost)


class Tallies:
    """The tallies of all channels that there are, and of all that there have been together."""

    def __init__(self) -> None:
        self.total = Tally()
        self._of: WeakKeyDictionary[Channel, Tally] = WeakKeyDictionary()

    def of(self, channel: Channel) -> Tally:
        """Return the tally of a channel."""
        found = self._of.get(channel)
        if found is None:
            found = self._of[channel] = Tally(self.total)
        return found
