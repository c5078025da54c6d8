"""Observers and callbacks: each event once, in order, on the main thread; or at once, on a worker thread.

A dispatcher is a cursor into the feed's log. It runs in turns of a few milliseconds, so a burst of events does not
keep the kernel from running a cell or answering an interrupt, and it is never scheduled twice: what arrives meanwhile
is there at the next look.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from sse_widget.errors import ChannelClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event
    from sse_widget.hub.subscription import Subscription
    from sse_widget.widget.main_loop import Call

__all__ = ["Dispatcher", "run_worker"]

logger = logging.getLogger(__name__)

TURN_S: Final = 0.02


class Dispatcher:
    """Delivers a subscription's events on the main thread.

    Parameters
    ----------
    call : callable
        Runs a function on the main thread.
    deliver : callable
        Called there with each event or gap; must not raise.
    after_turn : callable
        Called there after each turn, and whenever `poke` asked for it; must not raise.
    """

    def __init__(self, call: Call, deliver: Callable[[Event], None], after_turn: Callable[[], None]) -> None:
        self._call = call
        self._deliver = deliver
        self._after_turn = after_turn
        self._source: Subscription | None = None
        # Held while a turn is due. Nobody waits for it: a garbage collection may call `poke`, whatever it interrupts.
        self._due = threading.Lock()

    @property
    def active(self) -> bool:
        """True while events are delivered."""
        return self._source is not None

    def start(self, source: Subscription) -> None:
        """Deliver what `source` gives from now on."""
        self._source = source
        self.poke()

    def stop(self) -> None:
        """Deliver nothing more. Idempotent."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def poke(self) -> None:
        """Have a turn on the main thread soon. May be called from any thread."""
        if self._due.acquire(blocking=False):
            self._call(self._turn)

    def _turn(self) -> None:
        self._due.release()
        again = True  # also if an interrupt (SIGINT) ends a callback: the next events go on
        try:
            source = self._source
            again = source is not None and self._deliver_some(source)
        finally:
            if again:
                self.poke()
            self._after_turn()

    def _deliver_some(self, source: Subscription) -> bool:
        """Deliver for one turn; True if there is more."""
        deadline = time.monotonic() + TURN_S
        while not source.closed and not source.sleep(self.poke):
            try:
                event = source.next(0)
            except ChannelClosed:  # another thread has stopped us just now
                break
            self._deliver(event)
            if time.monotonic() > deadline:
                return True
        return False


def run_worker(source: Subscription, deliver: Callable[[Event], None]) -> threading.Thread:
    """Deliver what `source` gives, as it comes, on a thread of its own; ends when `source` is closed."""

    def work() -> None:
        for event in source:
            try:
                deliver(event)
            except BaseException:
                logger.exception("a callback on a thread of its own was interrupted; it goes on with the next event")

    thread = threading.Thread(target=work, name="sse_widget callbacks", daemon=True)
    thread.start()
    return thread
