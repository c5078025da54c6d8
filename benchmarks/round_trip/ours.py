"""sse_widget: a cell pushes into a channel, the page shows it, `feed.on` sees what the page received.

Best configuration: the defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.round_trip.arrivals import Outcome, outcome, prepare

if TYPE_CHECKING:
    from tests.e2e.rig import Notebook

NAME = "**sse_widget**, kernel → page → Python"
SETUP = """
import sse_widget as sse

channel = sse.channel("bench")
feed = sse.SSEWidget(channel)

@feed.on()
def take(event):
    arrivals.take(event.data["number"])

feed
"""
PRODUCE = """
started = time.time()
for number in range({events}):
    channel.push({{"number": number}})
"""
# What the page's own feed takes, through its tap.
TAP = """() => {
    const [feed] = globalThis[Symbol.for("sse_widget")]["1"].feeds.values();
    feed.tap((record) => { if (record.kind === "event") arrivals.take(record.data.number); });
}"""
PATIENCE_S = 60


def measure(notebook: Notebook, events: int) -> Outcome:
    """Run it in a notebook until both ends have the last event."""
    prepare(notebook, SETUP)
    notebook.kernel.wait_for("feed.state == 'open'")
    notebook.page.evaluate(TAP)
    notebook.execute(PRODUCE.format(events=events), timeout_s=PATIENCE_S)
    notebook.wait(f"arrivals.last === {events - 1}", "the last event in the page", PATIENCE_S)
    notebook.kernel.wait_for(f"arrivals.last == {events - 1}", timeout_s=PATIENCE_S, every_s=0.25)
    return outcome(notebook)
