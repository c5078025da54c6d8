"""Which pages need the comm: each says so from time to time, and is believed for a while.

Theory of operation
-------------------
What a page says over the comm waits until the kernel's main thread is free. So that a page has been silent for a while
means nothing if a cell was running: before a lease ends, the main thread is asked for a sign of life, again and again.
If it answers late, there may be messages in front of it, and the lease goes on until it has had time to take them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Leases"]

LEASE_S: Final = 45.0
ASK_S: Final = 20.0
"""For so long a page may be silent before the main thread is asked; a live one speaks every 12 s."""
PROMPT_S: Final = 0.5
"""A main thread that takes longer to answer is busy."""
GRACE_S: Final = 10.0
"""For what waited in front of a busy main thread."""


class Report(NamedTuple):
    """What a page has said."""

    carry: bool  # it needs the comm
    at: float


class Leases:
    """Knows no clock: every time [s] comes from outside, and none is before an earlier one.

    Parameters
    ----------
    ask : callable
        Sees to it that `answered` is called once the main thread has had a free moment.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._reports: dict[str, Report] = {}
        self._asked_at: float | None = None
        self._busy_at = -math.inf  # when the main thread was last known to be

    def __bool__(self) -> bool:
        """Whether any page has said anything lately."""
        return bool(self._reports)

    @property
    def carry(self) -> bool:
        """Whether some page needs the comm."""
        return any(report.carry for report in self._reports.values())

    def report(self, page: str, *, carry: bool, now: float) -> None:
        """Take what a page says."""
        self._reports[page] = Report(carry, now)

    def forget(self, page: str) -> None:
        """Forget a page that has gone, unless it has just come to the comm: then it has a lease."""
        report = self._reports.get(page)
        if report is not None and not report.carry:
            del self._reports[page]

    def answered(self, now: float) -> None:
        """Note that the main thread has had a free moment."""
        self._look(now)
        self._asked_at = None

    def sweep(self, now: float) -> list[str]:
        """Return the pages that needed the comm, and have left. Call it about once a second."""
        self._look(now)
        oldest = min((report.at for report in self._reports.values()), default=now)
        if self._asked_at is None and now - oldest > min(ASK_S, LEASE_S / 2):
            self._asked_at = now
            self._ask()
        if now - self._busy_at < min(GRACE_S, LEASE_S):
            return []
        over = {page: report for page, report in self._reports.items() if now - report.at > LEASE_S}
        for page in over:
            del self._reports[page]
        return [page for page, report in over.items() if report.carry]

    def _look(self, now: float) -> None:
        if self._asked_at is not None and now - self._asked_at > PROMPT_S:
            self._busy_at = now
