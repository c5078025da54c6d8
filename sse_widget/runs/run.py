"""One request that is being handled, or was."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from sse_widget.core.cursor import Cursor
from sse_widget.errors import ChannelClosed, RunCancelled, WaitTimeout
from sse_widget.hub.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event
    from sse_widget.core.log import Limits
    from sse_widget.hub.channel import Host
    from sse_widget.runs.routes import Target

__all__ = ["Run", "RunChannel"]

logger = logging.getLogger(__name__)

_MAX_NAME_CHARS: Final = 120
_LOOK_AGAIN_S: Final = 1.0
"""How long one sleep lasts at the most: it lets Ctrl-C through where waiting for a lock cannot be interrupted."""


class RunChannel(Channel):
    """The history of one run. Its epoch is the run's id, so every cursor says by itself which run it is of."""

    def __init__(self, run_id: str, path: str, limits: Limits, host: Host) -> None:
        super().__init__(f"{path[:_MAX_NAME_CHARS]}#{run_id}", limits, host)
        self.epoch = run_id


class Run:
    """One request being handled: its events, how it ended. Thread-safe.

    Parameters
    ----------
    run_id : str
        32 hexadecimal digits.
    target : Target
        What was asked for.
    call : callable
        Calls the handler.
    channel : RunChannel
        Where its events go.
    over : callable
        Called, on any thread, when it has ended.

    Attributes
    ----------
    held : bool
        True as long as somebody wants it without reading it: it has no lease then.
    alone_since : float [s]
        Monotonic time since when nobody is known to read it.
    ended_at : float [s]
        Monotonic time when it ended; 0 before.
    error : BaseException or None
        Why it ended early.
    stop : callable
        Lets the handler know that nobody wants more.
    """

    def __init__(
        self,
        run_id: str,
        target: Target,
        call: Callable[[], object],
        channel: RunChannel,
        over: Callable[[Run], None],
    ) -> None:
        self.id = run_id
        self.target = target
        self.call = call
        self.channel = channel
        self.held = False
        self.alone_since = time.monotonic()
        self.ended_at = 0.0
        self.error: BaseException | None = None
        self.stop: Callable[[], None] = _nothing
        self._over = over
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ending = False

    @property
    def state(self) -> str:
        """`"running"`, `"ended"`, `"failed"` or `"cancelled"`."""
        if not self._ended.is_set():
            return "running"
        if self.error is None:
            return "ended"
        return "cancelled" if isinstance(self.error, RunCancelled) else "failed"

    def push(self, value: object) -> bool:
        """Add an event; False once nobody wants more."""
        try:
            self.channel.push(value)
        except ChannelClosed:
            return False
        return True

    def end(self, error: BaseException | None = None) -> bool:
        """Say that nothing more comes, and why. Only the first call counts, and returns True."""
        with self._lock:
            if self._ending:
                return False
            self._ending = True
        self.error = error
        if error is not None:
            self.channel.failure = {"class": type(error).__name__, "text": _safe_text(error)}
            self._show(error)
        self.ended_at = time.monotonic()
        self.channel.close()
        self._ended.set()
        self._over(self)
        return True

    def _show(self, error: BaseException) -> None:
        if isinstance(error, RunCancelled):
            return
        what = traceback.format_exception_only(error)[-1].strip()
        try:
            self.channel.host.trouble(self.channel, f"the handler raised {what}")
        except Exception:  # a comm that is closed, a kernel that ends: it must not keep the run from ending
            logger.exception("the widgets of %s could not be told", self.target.path)

    def cancel(self, why: str = "it was cancelled") -> bool:
        """End it now: readers are told at once, the handler's generator is closed as soon as it can be. Idempotent.

        A generator on a thread is closed between two events; nothing can interrupt a plain function.
        """
        if not self.end(RunCancelled(f"the run of {self.target.path} ended early: {why}")):
            return False
        self.stop()
        return True

    def result(self, timeout_s: float | None = None) -> list[Event]:
        """Block until it ends, and return its events; see `RequestWidget.result`."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._ended.is_set():
            left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - time.monotonic())
            if left <= 0:
                message = (
                    f"expected {self.target.path} to end within {timeout_s} s, "
                    f"got {self.channel.log.newest} events so far; it goes on: wait again, or cancel() it"
                )
                raise WaitTimeout(message)
            self._ended.wait(left)
        if self.error is not None:
            raise self.error
        return self.channel.since(str(Cursor(self.id, 0)))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.target.path}: {self.state}, {self.channel.log.newest} events>"


def _safe_text(error: BaseException) -> str:
    """Say what strangers may know: what a user's exception says is the user's, and may hold anything."""
    if isinstance(error, RunCancelled):
        return str(error)
    return "the handler raised it; the traceback is in the kernel's log"


def _nothing(*_ignored: Any) -> None:
    """Do nothing: no handler runs yet."""
