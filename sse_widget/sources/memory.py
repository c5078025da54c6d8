"""What a relay knows of its place in somebody else's stream: what it has taken, and what may be missing.

Theory of operation
-------------------
An upstream owes its reader nothing but the stream format, so all is judged by the ids it gives:

* Where the last event had an id of its own, a new connection asks for what follows it (`Last-Event-ID`), and the
  upstream is taken at its word. Where not, events may have been lost in between: a gap of unknown size.
* Some send again what they have sent, or everything. Right after a reconnect an event that was taken before, the same
  id with the same content, is left out. The same id with another content is another event: its numbering has begun
  anew, and what came before that is not known.
* Where the ids have counted up one by one so far, a jump over a reconnect tells how many events are missing.
* An upstream that gives one id to several events has said that ids identify nothing: then nothing is left out.

It does no I/O, and belongs to one relay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sse_widget.core.wire import ServerSentEvent

__all__ = ["Memory", "Verdict"]

MAX_REMEMBERED: Final = 16_384
_STEPS: Final = 3
"""So many times have ids to count up by one before a jump means something."""
_NUMBER = re.compile(r"(.*?)(0|[1-9][0-9]{0,14})", re.DOTALL)


class Verdict(NamedTuple):
    """What to do with an event."""

    take: bool
    lost: int | None = 0  # announce this before it; None: a gap of unknown size


_TAKE: Final = Verdict(take=True)
_REPEATED: Final = Verdict(take=False)


class Memory:
    """The place of one relay."""

    def __init__(self) -> None:
        self.resumable = False  # asking for what follows the last id misses nothing
        self._opened = False
        self._overlap = False  # since a reconnect nothing new has come
        self.last_event_id = ""  # up to which all was judged; the decoder carries it on to events without one
        self._seen: dict[int, int] = {}  # hashes of ids and contents, the oldest first
        self._unique = True
        self._bare = False  # there was an event without an id of its own
        self._number: tuple[str, int] | None = None
        self._steps = 0
        self._counting = True  # no two neighbours have disproved it

    def opened(self) -> Verdict:
        """Note that a connection is there; tell what may be missing before its first event."""
        first, self._opened = not self._opened, True
        if first:
            return _TAKE
        self._overlap = True
        return _TAKE if self.resumable else Verdict(take=True, lost=None)

    def opened_anew(self) -> bool:
        """Note that a connection is there that has not asked for what follows; True: one was there before."""
        before = self._opened
        self.opened()
        return before

    def knows(self, event: ServerSentEvent) -> bool:
        """Tell whether this very event was taken before."""
        return self._unique and bool(event.id) and self._seen.get(hash(event.id)) == hash((event.type, event.data))

    def moved(self, last_event_id: str) -> None:
        """Note the decoder's cursor, all before it judged: a block without data may have moved it on."""
        if last_event_id != self.last_event_id:
            self.last_event_id = last_event_id
            self.resumable = bool(last_event_id) and self._unique
            self._number = _number_of(last_event_id)

    def skipped(self) -> None:
        """Note that events went by that nobody could read."""
        self._number = None

    def judge(self, event: ServerSentEvent, *, jumps: bool = False) -> Verdict:
        """Decide about the next event. `jumps`: it announces a loss, so its id may be any."""
        if not event.id:
            self.last_event_id = ""
            self.resumable = False
            self._bare = True
            return _TAKE
        key, content = hash(event.id), hash((event.type, event.data))
        known = self._seen.get(key) if self._unique else None
        if self._overlap and known == content:
            self.last_event_id = event.id
            self.resumable = True
            return _REPEATED
        anew = self._overlap and known is not None and not self._bare
        if event.id == self.last_event_id and not anew:  # an event without an id has that of the one before
            self.resumable = False
            self._bare = True
            return _TAKE
        lost = self._missing(event.id, jumps=jumps, again=known is not None)
        if known is not None and not self._overlap:
            self._unique = False
            self._seen.clear()
        elif known is not None:
            self._seen.clear()
        self._overlap = False
        self.last_event_id = event.id
        self.resumable = self._unique
        if self._unique:
            self._seen[key] = content
            if len(self._seen) > MAX_REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return Verdict(take=True, lost=lost)

    def _missing(self, id: str, *, jumps: bool, again: bool) -> int | None:  # noqa: A002 - SSE's own word
        """Return how many events are missing before the one with this id, which is new."""
        before, self._number = self._number, _number_of(id)
        if self._overlap and again:
            return None
        if before is None or jumps:
            return 0
        joins = self._number is not None and self._number[0] == before[0]
        step = self._number[1] - before[1] if self._number is not None and joins else 0
        if step == 1:
            self._steps += 1
        elif not self._overlap:
            self._counting = False
        elif self._counting and self._steps >= _STEPS:
            return step - 1 if step > 1 else None
        return 0


def _number_of(id: str) -> tuple[str, int] | None:  # noqa: A002 - SSE's own word
    found = _NUMBER.fullmatch(id)
    return (found[1], int(found[2])) if found else None
