"""How a reader of a feed's log goes on from its cursor."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.core.gaps import GapPlaces

if TYPE_CHECKING:
    from sse_widget.core.log import Slice

__all__ = ["Losses", "join"]

_REMEMBERED_EPOCHS: Final = 16


class Losses:
    """Where the losses lie that are more than their sequences tell, by epoch."""

    def __init__(self) -> None:
        self._epochs: OrderedDict[str, GapPlaces] = OrderedDict()

    def add(self, place: Cursor) -> None:
        """Note one, before anybody can read it."""
        if place.epoch not in self._epochs:
            self._epochs[place.epoch] = GapPlaces()
            if len(self._epochs) > _REMEMBERED_EPOCHS:
                self._epochs.popitem(last=False)
        self._epochs[place.epoch].add(place.sequence)

    def between(self, after: Cursor, until: int) -> bool:
        """Tell whether there may be one behind `after`, up to the sequence `until`."""
        places = self._epochs.get(after.epoch)
        return places is not None and places.between(after.sequence, until)


def join(channel: str, losses: Losses, taken: Slice[Event], cursor: Cursor) -> tuple[list[Event], Cursor]:
    """Tell a reader of a feed's log what follows its cursor: what it has is left out, what it lacks becomes a `Gap`.

    By ids, not by positions as in a channel: in this log 900 lost events are one item.
    """
    events: list[Event] = []
    here = cursor
    for event in taken.items:
        if event.epoch == here.epoch and event.sequence <= here.sequence:
            continue
        lost_here = isinstance(event, Gap) and not event.in_band  # it stands for events, and is none itself
        end = event.sequence if lost_here else event.sequence - 1  # of what is missing before this one
        lost = end - here.sequence if event.epoch == here.epoch and not losses.between(here, end) else None
        if event.epoch == here.epoch and end == here.sequence:
            lost = 0
        if lost != 0:
            events.append(Gap.between(lost, channel, Cursor(event.epoch, end)))
        if not lost_here:
            events.append(event)
        here = Cursor(event.epoch, event.sequence)
    return events, here
