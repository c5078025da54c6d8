"""Where announced losses lie in a log, also after the log has dropped them.

A loss that came with the stream has a place of its own in the log. Once that is dropped like any other item, whoever
falls behind lacks more than the dropped items; so "how many?" can only be answered where none of them was a loss.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

__all__ = ["GapPlaces"]

MAX_PLACES: Final = 1024


class GapPlaces:
    """The positions of announced losses; the oldest are remembered as "somewhere up to here".

    One thread at a time may `add`; any may ask meanwhile.
    """

    def __init__(self) -> None:
        self._places: list[int] = []
        self._forgotten = 0  # the newest position that is not in the list any more

    def __bool__(self) -> bool:
        return bool(self._places)

    def add(self, position: int) -> None:
        """Note a position, larger than all before."""
        self._places.append(position)
        if len(self._places) > MAX_PLACES:
            # In this order: who has got the shorter list must find what it lacks.
            self._forgotten = self._places[MAX_PLACES // 2 - 1]
            self._places = self._places[MAX_PLACES // 2 :]

    def between(self, after: int, until: int) -> bool:
        """Tell whether there may be one at `after + 1 … until`; always true if there is."""
        places = self._places
        if after < self._forgotten:
            return after < until
        at = bisect_right(places, after)
        return at < len(places) and places[at] <= until
