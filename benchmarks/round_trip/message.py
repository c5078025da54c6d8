"""A custom message per event: the page sends it, Python's `on_msg` counts. Complete, and slow.

Best configuration: the smallest message, a widget that does nothing else. (Many events in one message are much faster;
batching, acknowledging and ordering them is then yours to write – it is what this package does.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.round_trip.arrivals import Outcome, measure_from_page

if TYPE_CHECKING:
    from tests.e2e.rig import Notebook

NAME = "a custom message per event, page → Python"
SETUP = """
import anywidget

class Message(anywidget.AnyWidget):
    _esm = '''
    export default {
        render({ model, el }) {
            el.className = "ready";
            model.on("msg:custom", ({ events }) => {
                for (let number = 0; number < events; number += 1) {
                    model.send(number);
                    arrivals.take(number);
                }
            });
        },
    };
    '''

widget = Message()
widget.on_msg(lambda _widget, number, _buffers: arrivals.take(number))
widget
"""


def measure(notebook: Notebook, events: int) -> Outcome:
    """Run it in a notebook."""
    return measure_from_page(notebook, SETUP, events)
