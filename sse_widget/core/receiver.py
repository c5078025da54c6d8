"""Once and in order, whoever sends it and however often.

Several pages send the same events; each sends them in order, with repeats after a lost answer, and no page waits for
another. The receiver is one cursor and four rules (docs/protocol.md, "Reading a pack"). It looks at numbers only, so
the rules are the same for any payload, and the page's TypeScript is a line-by-line twin.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sse_widget.core.cursor import Cursor

__all__ = ["Receiver", "Taken"]

_REMEMBERED_EPOCHS = 16


class Taken(NamedTuple):
    """What to do with a pack."""

    skip: int  # leave out this many events from its start
    lost: int | None  # 0: nothing; n: announce a gap of n; None: announce a gap of unknown size
    joins: bool  # False: there is a hole nobody announced; take nothing and ask again from the cursor


class Receiver:
    """The place of one reader that is fed by many senders.

    Not thread-safe: it belongs to whoever holds its lock.

    Parameters
    ----------
    cursor : Cursor
        The last event the reader has already.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._past_epochs: deque[str] = deque(maxlen=_REMEMBERED_EPOCHS)

    def take(self, epoch: str, first: int, n_events: int, *, gap: bool, unsure: bool = False) -> Taken:
        """Decide about the events `first … first + n_events - 1` of `epoch`, and move the cursor.

        Parameters
        ----------
        epoch : str
            Of the log that the events come from.
        first : int
            Sequence of the first event.
        n_events : int
            How many there are; 0 with `gap` says that all before `first` is gone.
        gap : bool
            True if the sender announces that events before `first` are gone for good.
        unsure : bool
            True if announced losses are among them, so that more is lost than their sequences tell.
        """
        if epoch != self.cursor.epoch:
            return self._take_other_epoch(epoch, first, n_events, gap=gap)
        last = self.cursor.sequence
        end = first + n_events - 1
        if first <= last + 1:
            self.cursor = Cursor(epoch, max(last, end))
            return Taken(min(last + 1 - first, n_events), 0, joins=True)
        if not gap:
            return Taken(n_events, 0, joins=False)
        self.cursor = Cursor(epoch, end)
        return Taken(0, None if unsure else first - 1 - last, joins=True)

    def _take_other_epoch(self, epoch: str, first: int, n_events: int, *, gap: bool) -> Taken:
        if epoch in self._past_epochs:  # a page that has not noticed yet: what it sends was read, or announced as lost
            return Taken(n_events, 0, joins=True)
        if not gap:
            return Taken(n_events, 0, joins=False)
        self._past_epochs.append(self.cursor.epoch)
        self.cursor = Cursor(epoch, first + n_events - 1)
        return Taken(0, None, joins=True)
