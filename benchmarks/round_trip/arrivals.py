"""What arrived at each end: how many events, whether in order, and when the last one came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.rig import Notebook

PATIENCE_S = 300

# The same thing for the kernel and for the page; both read the clock of the same machine.
IN_KERNEL = """
import time

class Arrivals:
    def __init__(self):
        self.count, self.last, self.in_order, self.at = 0, -1, True, 0.0

    def take(self, number):
        self.in_order = self.in_order and number > self.last
        self.count, self.last, self.at = self.count + 1, number, time.time()

arrivals = Arrivals()
"""
IN_PAGE = """
globalThis.arrivals = {
    count: 0, last: -1, in_order: true, at: 0,
    take(number) {
        this.in_order &&= number > this.last;
        this.count += 1;
        this.last = number;
        this.at = (performance.timeOrigin + performance.now()) / 1000;
    },
};
"""


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What arrived at one end.

    Attributes
    ----------
    count : int
        Events, repeated ones included.
    in_order : bool
        Whether every number was larger than the one before; a lost event does not change that, a repeated one does.
    at : float [s]
        When the last one came, since 1970.
    """

    count: int
    in_order: bool
    at: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One way, measured: when production began, and what arrived at the ends that this way has."""

    started: float
    page: Arrivals
    python: Arrivals | None


def prepare(notebook: Notebook, setup: str) -> None:
    """Put the counters into the page and the kernel, then run the cell that makes and shows the widget."""
    notebook.page.evaluate(IN_PAGE)
    notebook.execute(IN_KERNEL)
    notebook.execute(setup)


def outcome(notebook: Notebook, *, python: bool = True) -> Outcome:
    """Read the counters; `started` is a variable of the cell that produced."""
    names = "('count', 'in_order', 'at')"
    there = notebook.page.evaluate("(({ count, in_order, at }) => ({ count, in_order, at }))(arrivals)")
    here = notebook.kernel.value(f"{{name: getattr(arrivals, name) for name in {names}}}") if python else None
    return Outcome(
        started=notebook.kernel.value("started"),
        page=Arrivals(**there),
        python=None if here is None else Arrivals(**here),
    )


def measure_from_page(notebook: Notebook, setup: str, events: int) -> Outcome:
    """Measure a widget whose page produces when the cell says so, and whose last event always arrives in Python."""
    prepare(notebook, setup)
    notebook.wait("document.querySelector('.ready')", "the widget")
    notebook.execute(f"started = time.time()\nwidget.send({{'events': {events}}})", timeout_s=PATIENCE_S)
    # Seldom: each question is a message that the measured ones have to share the kernel with.
    notebook.kernel.wait_for(f"arrivals.last == {events - 1}", timeout_s=PATIENCE_S, every_s=0.25)
    return outcome(notebook)
