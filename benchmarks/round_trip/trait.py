"""A synced trait per event: the page sets it and saves, Python observes it. What one tries first.

Best configuration: no echo (`echo_update=False`), one small integer, a widget that does nothing else. ipywidgets sends
one state at a time and merges the others while it waits, so what Python sees is the first and the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.round_trip.arrivals import Outcome, measure_from_page

if TYPE_CHECKING:
    from tests.e2e.rig import Notebook

NAME = "a synced trait per event, page → Python"
SETUP = """
import anywidget, traitlets

class Trait(anywidget.AnyWidget):
    _esm = '''
    export default {
        render({ model, el }) {
            el.className = "ready";
            model.on("msg:custom", ({ events }) => {
                for (let number = 0; number < events; number += 1) {
                    model.set("number", number);
                    model.save_changes();
                    arrivals.take(number);
                }
            });
        },
    };
    '''
    number = traitlets.Int(-1).tag(sync=True, echo_update=False)

widget = Trait()
widget.observe(lambda change: arrivals.take(change.new), "number")
widget
"""


def measure(notebook: Notebook, events: int) -> Outcome:
    """Run it in a notebook."""
    return measure_from_page(notebook, SETUP, events)
