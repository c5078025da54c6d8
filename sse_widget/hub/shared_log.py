"""A `Log` that many threads use: one lock, and wake-ups that cost nothing when nobody sleeps.

Theory of operation
-------------------
The lock is held for an append or a slice, never while anything is encoded, sent or called. A reader that has read
everything *arms* a waker and sleeps; whether there is something new and the arming happen under the same lock, so no
append can fall in between. An append takes the armed wakers off and calls them after releasing the lock: a burst of
pushes wakes a sleeping reader once, and a reader that is busy reading is not woken at all.

A waker must be quick and must not raise: `threading.Event.set`, or `loop.call_soon_threadsafe`.

The lock is re-entrant: a garbage collection can begin while it is held, and close a reader that nobody uses any more.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from sse_widget.core.log import Entry, Limits, Log, Slice
from sse_widget.errors import WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Waker = Callable[[], None]

__all__ = ["Reader", "SharedLog"]

T = TypeVar("T", bound=Entry)

_LOOK_AGAIN_S = 1.0
"""A reader that is garbage-collected notifies nobody; this is how soon `drain` sees that it is gone."""


class Reader(Protocol):
    """Somebody who reads a log, as `SharedLog.drain` and `stats` see it."""

    @property
    def position(self) -> int:
        """The last position that this reader has dealt with."""

    @property
    def label(self) -> str:
        """What it is, in a few words."""


class SharedLog(Generic[T]):
    """Items in order, for any number of threads; `closed` once nothing more will come."""

    def __init__(self, limits: Limits, number: Callable[[T, int], None] | None = None) -> None:
        self.lock = threading.RLock()
        self.closed = False
        self._log: Log[T] = Log(limits)
        self._number = number  # tells an item its position, under the lock, before anybody can read it
        self._armed: list[Waker] = []
        # Weak: a subscription that its user has let go of reads no more, and nobody waits for it.
        self._readers: weakref.WeakValueDictionary[int, Reader] = weakref.WeakValueDictionary()
        self._progress = threading.Condition(self.lock)
        self._draining = 0

    @property
    def newest(self) -> int:
        """Position of the newest item; reading one number needs no lock."""
        return self._log.newest

    @property
    def oldest(self) -> int:
        """Position of the oldest item held."""
        with self.lock:
            return self._log.oldest

    def extend(self, items: Sequence[T], placed: Callable[[int], None] | None = None) -> bool:
        """Add items, with one wake-up; False, and nothing stored, once the log is closed.

        `placed` is told the position of the last one before anybody can read it.
        """
        with self.lock:
            if self.closed:
                return False
            for item in items:
                if self._number is not None:
                    self._number(item, self._log.newest + 1)
                self._log.append(item)
            if placed is not None:
                placed(self._log.newest)
            armed, self._armed = self._armed, []
        for wake in armed:
            wake()
        return True

    def after(self, position: int, max_items: int | None = None, max_bytes: int | None = None) -> Slice[T]:
        """Return what follows `position`; see `Log.after`."""
        with self.lock:
            if self._log.limits.max_age_us is not None:
                self._log.expire(time.time_ns() // 1000)
            return self._log.after(position, max_items, max_bytes)

    def arm(self, waker: Waker, position: int) -> bool:
        """Have `waker` called once, at the next append or at close; False if something follows `position` already."""
        with self.lock:
            if self._log.newest > position or self.closed:
                return False
            self._armed.append(waker)
            return True

    def disarm(self, waker: Waker) -> None:
        """Take a waker back that may not have been called."""
        with self.lock:
            self._armed = [armed for armed in self._armed if armed != waker]

    def close(self) -> None:
        """Let nothing more in and wake everybody. Idempotent."""
        with self.lock:
            self.closed = True
            armed, self._armed = self._armed, []
            self._progress.notify_all()
        for wake in armed:
            wake()

    def clear(self) -> None:
        """Drop all items; readers that had not read them get a gap."""
        with self.lock:
            self._log.clear()

    def resize(self, limits: Limits) -> None:
        """Change the bounds."""
        with self.lock:
            self._log.limits = limits

    def measure(self) -> tuple[int, int, int, Limits]:
        """Return items held, bytes held, items dropped so far, and the limits, all of one moment."""
        with self.lock:
            return len(self._log), self._log.n_bytes, self._log.dropped, self._log.limits

    def dropped_by(self, n_items: int, n_bytes: int) -> int:
        """Return the position up to which items would go if so many more came, and a quarter of the bounds on top."""
        with self.lock:
            limits = self._log.limits
            return self._log.dropped_by(n_items + limits.max_items // 4, n_bytes + limits.max_bytes // 4)

    def pushed(self) -> tuple[int, int]:
        """Return how many items there were so far, and the memory that they took [bytes], both of one moment."""
        with self.lock:
            return self._log.newest, self._log.pushed_bytes

    # Readers, for those who want to wait for them

    def attach(self, reader: Reader) -> None:
        """Count `reader` among those that `drain` waits for."""
        with self.lock:
            self._readers[id(reader)] = reader

    def detach(self, reader: Reader) -> None:
        """Forget `reader`. Idempotent."""
        with self.lock:
            self._readers.pop(id(reader), None)
            self._progress.notify_all()

    def readers(self) -> list[Reader]:
        """Return the attached readers."""
        with self.lock:
            return [reader for ref in self._readers.valuerefs() if (reader := ref()) is not None]

    def advanced(self) -> None:
        """Tell a waiting `drain` that a reader's position has changed; a reader calls this after it has moved."""
        if self._draining:
            with self.lock:
                self._progress.notify_all()

    def drain(self, timeout_s: float | None, name: str) -> None:
        """Block until every attached reader has what is in the log now."""
        target = self._log.newest
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self.lock:
            self._draining += 1
            try:
                while self._behind(target):  # without a name for it: that would keep alive whom its user has let go of
                    left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - time.monotonic())
                    if left <= 0:
                        break
                    self._progress.wait(left)
            finally:
                self._draining -= 1
            behind = self._behind(target)
        if behind:
            slowest = min(behind, key=lambda reader: reader.position)
            missing = target - slowest.position
            message = (
                f"expected every reader of {name} to be up to date within {timeout_s} s, got {len(behind)} behind; "
                f"the slowest is {slowest.label}, {missing} events behind"
            )
            raise WaitTimeout(message)

    def _behind(self, target: int) -> list[Reader]:
        return [reader for reader in self.readers() if reader.position < target]
