"""All runs of one session: each id once, bounded, and cancelled when nobody reads them any more.

Theory of operation
-------------------
A reader whose connection is cut comes back with its cursor, whose epoch is the run's id: it gets the rest of that run,
never a run of its own. Ended runs are kept for a while, for those who were away at the end; of what is forgotten only
the id is remembered, so that an id is never run twice. A run that nobody reads has a lease: after it, the handler is
told to stop.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sse_widget.core.log import Limits as LogLimits
from sse_widget.errors import RequestRefused
from sse_widget.runs.handling import Handling
from sse_widget.runs.routes import Routes, Target
from sse_widget.runs.run import Run, RunChannel

if TYPE_CHECKING:
    from sse_widget.background import Background
    from sse_widget.hub.channel import Channel, Host
    from sse_widget.server.state import Limits

__all__ = ["Runs"]

logger = logging.getLogger(__name__)

MAX_REMEMBERED_IDS: Final = 10_000
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Runs:
    """The routes and runs of one session. Thread-safe.

    Attributes
    ----------
    n_started, n_failed, n_cancelled, n_abandoned : int
        How many runs there were; that raised; that were cancelled; of these, since nobody read them any more.
    """

    def __init__(self, host: Host, limits: Limits, loop: Background) -> None:
        self.routes = Routes()
        self.n_started = self.n_failed = self.n_cancelled = self.n_abandoned = 0
        self._host = host
        self._limits = limits
        self._handling = Handling(loop, self._left)
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, Run] = OrderedDict()  # those that have ended, oldest first, among those that run
        self._working: set[Run] = set()  # whose handler is not done, though its run may be cancelled
        self._forgotten: OrderedDict[str, None] = OrderedDict()

    def start(self, target: Target, run_id: str = "") -> tuple[Run, bool]:
        """Return the run of this id, and whether it is new; a new one has begun. Never blocks.

        Raises
        ------
        RequestRefused
            If it cannot be.
        """
        run, new = self.prepare(target, run_id)
        if new:
            self.begin(run)
        return run, new

    def prepare(self, target: Target, run_id: str = "") -> tuple[Run, bool]:
        """As `start`; but a new run has yet to `begin`."""
        if run_id and not _ID.fullmatch(run_id):
            raise RequestRefused(422, f"expected a run's id of 32 hexadecimal digits, got {run_id[:64]!r}")
        run_id = run_id or secrets.token_hex(16)
        call = None if run_id in self._runs else self.routes.bind(target, run_id)
        with self._lock:
            known = self._known(target, run_id)
            if known is not None:
                return known, False
            if call is None:  # it was forgotten just now
                raise _gone(run_id)
            limits = self._limits
            if len(self._working) >= limits.max_runs:
                raise RequestRefused(503, f"expected at most {limits.max_runs} runs at a time, got one more; try again")
            bounds = LogLimits(limits.run_history, limits.run_history_bytes)
            channel = RunChannel(run_id, target.path, bounds, self._host)
            run = self._runs[run_id] = Run(run_id, target, call, channel, self._ended)
            self._working.add(run)
            self.n_started += 1
        return run, True

    def begin(self, run: Run) -> None:
        """Have the handler of a prepared run called."""
        try:
            self._handling.begin(run)
        except RuntimeError:
            self.drop(run, "the session is closed")
            raise

    def drop(self, run: Run, why: str) -> None:
        """End a prepared run that will not begin."""
        run.cancel(why)
        self._left(run)

    def get(self, run_id: str) -> Run | None:
        """Return a run that is not forgotten yet; asking for it renews its lease."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            run.alone_since = time.monotonic()
        return run

    def channel(self, name: str) -> Channel | None:
        """Return the channel of this name, if it is that of a run."""
        run = self.get(name.rpartition("#")[2])
        return run.channel if run is not None and run.channel.name == name else None

    def running(self) -> list[Run]:
        """Return the runs that have not ended."""
        with self._lock:
            return [run for run in self._runs.values() if run.state == "running"]

    def sweep(self) -> bool:
        """Cancel what nobody reads, and forget what is old; False if there is nothing to look at any more."""
        now = time.monotonic()
        for run in self.running():
            if run.held or run.channel.log.readers():
                run.alone_since = now
            elif now - run.alone_since > self._limits.run_lease_s and run.cancel("nobody read it any more"):
                self.n_abandoned += 1
                logger.info("cancelled a run of %s that nobody reads any more", run.target.path)
        with self._lock:
            self._forget_old()
            return bool(self._runs)

    def close(self) -> None:
        """Cancel all runs."""
        for run in self.running():
            run.cancel("the session is closed")

    def _known(self, target: Target, run_id: str) -> Run | None:
        run = self._runs.get(run_id)
        if run is None and run_id in self._forgotten:
            raise _gone(run_id)
        if run is not None and run.target != target:
            raise RequestRefused(409, f"expected an id of its own for {target}, got that of a run of {run.target.path}")
        return run

    def _ended(self, run: Run) -> None:
        with self._lock:
            self.n_failed += run.state == "failed"
            self.n_cancelled += run.state == "cancelled"
            self._runs.move_to_end(run.id)
            self._forget_old()

    def _left(self, run: Run) -> None:
        with self._lock:
            self._working.discard(run)

    def _forget_old(self) -> None:
        limits, now = self._limits, time.monotonic()
        ended = [run for run in self._runs.values() if run.state != "running"]
        n_bytes = sum(run.channel.log.measure()[1] for run in ended)
        n_ended = len(ended)
        for run in ended:
            too_many = n_ended > limits.max_ended_runs or n_bytes > limits.ended_runs_bytes
            # What a widget still shows is kept for its pages, as long as there is room.
            if not too_many and (run.held or now - run.ended_at <= limits.ended_run_s):
                continue
            n_ended -= 1
            n_bytes -= run.channel.log.measure()[1]
            del self._runs[run.id]
            self._forgotten[run.id] = None
        while len(self._forgotten) > MAX_REMEMBERED_IDS:
            self._forgotten.popitem(last=False)


def _gone(run_id: str) -> RequestRefused:
    return RequestRefused(410, f"expected a run that is still known, got {run_id!r}, which has ended some time ago")
