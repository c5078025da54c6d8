"""A `widget.send` per event, kernel → page, over the comm: how a live view built on ipywidgets gets its data.

Best configuration: the smallest message and JupyterLab's defaults. Jupyter's server drops what exceeds 1,000 messages a
second over 3 s (`iopub_msg_rate_limit`), with a warning in the cell. Whoever may restart the server with another limit
loses nothing here; still nothing comes back to Python.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from benchmarks.round_trip.arrivals import PATIENCE_S, Outcome, outcome, prepare

if TYPE_CHECKING:
    from tests.e2e.rig import Notebook

NAME = "a custom message per event, kernel → page"
SETUP = """
import anywidget

class Comm(anywidget.AnyWidget):
    _esm = '''
    export default {
        render({ model, el }) {
            el.className = "ready";
            model.on("msg:custom", ({ number, fence }) => {
                if (fence === undefined) arrivals.take(number);
                else arrivals.fence = fence;
            });
        },
    };
    '''

widget = Comm()
widget
"""
PRODUCE = """
started = time.time()
for number in range({events}):
    widget.send({{"number": number}})
produced = True
"""
FENCE_EVERY_S = 0.25


def measure(notebook: Notebook, events: int) -> Outcome:
    """Run it in a notebook; when a later message has arrived, nothing of the earlier ones is still on its way."""
    prepare(notebook, SETUP)
    notebook.wait("document.querySelector('.ready')", "the widget")
    # The kernel is asked, not the page: the limit may drop the word that the cell has ended, too.
    notebook.run_async(notebook.add(PRODUCE.format(events=events)))
    notebook.kernel.wait_for("globals().get('produced')", timeout_s=PATIENCE_S)
    _wait_for_fence(notebook)
    return outcome(notebook, python=False)


def _wait_for_fence(notebook: Notebook) -> None:
    """Send a message now and then until one gets past the limit."""
    deadline = time.monotonic() + PATIENCE_S
    for fence in itertools.count():
        notebook.kernel.run(f"widget.send({{'fence': {fence}}})", timeout_s=PATIENCE_S)
        next_fence = time.monotonic() + FENCE_EVERY_S
        while time.monotonic() < next_fence:
            if notebook.page.evaluate("arrivals.fence !== undefined"):
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"no message reached the page within {PATIENCE_S} s")
