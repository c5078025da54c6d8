"""The main job, end to end: from a cell to the page and back into Python, each event once, in order."""

from __future__ import annotations

from tests.e2e.feeds import (
    CHANNEL,
    END,
    LISTENED,
    NO_FAULTS,
    PAGE,
    VIEW,
    faults,
    in_python,
    record,
    views,
    wait_for_views,
)

OBSERVED = """
observed = []
feed.observe(lambda change: observed.append(change.new), "event")
"""
PUSH_20_000 = f"""
for n in range(20_000):
    prices.push({{"price": n // 100}})
{END}
"""


def test_20_000_events_of_one_cell_are_in_the_page_and_back_in_python_once_and_in_order(open_notebook):
    notebook = open_notebook(CHANNEL, LISTENED, OBSERVED, PUSH_20_000)
    for cell in range(3):
        notebook.run(cell)
    wait_for_views(notebook)
    recorder = record(notebook)
    notebook.run(3)
    recorder.wait_for_end()
    notebook.kernel.wait_for("all(events and events[-1].type == 'end' for events in (seen, observed))", 20)

    pushed = [[n + 1, "message", {"price": n // 100}] for n in range(20_000)] + [[20_001, "end", "end"]]
    assert faults(recorder.records, pushed) == NO_FAULTS
    assert faults(in_python(notebook, "seen"), pushed) == NO_FAULTS
    assert faults(in_python(notebook, "observed"), pushed) == NO_FAULTS
    assert notebook.kernel.value("[feed.count, feed.lost]") == [20_001, 0]
    notebook.wait(f"document.querySelector('{VIEW}').dataset.count === '20001'", "the view to count all events")
    assert [(view["lost"], view["transport"]) for view in views(notebook)] == [("0", "direct")]


def test_after_a_reload_of_the_saved_notebook_the_history_is_back_at_once_without_gap_or_repetition(open_notebook):
    notebook = open_notebook(CHANNEL, LISTENED, "for n in range(300): prices.push(n)", "prices.push(300)", END)
    for cell in range(3):
        notebook.run(cell)
    notebook.kernel.wait_for("len(seen) == 300")
    notebook.save()
    notebook.reload()
    rows = f"document.querySelectorAll('{VIEW} .sse-widget-row').length"
    notebook.wait(f"{rows} === 300", "the history to be on screen again", timeout_s=2)
    assert [(view["count"], view["lost"]) for view in views(notebook)] == [("300", "0")]
    recorder = record(notebook)

    notebook.run(3)
    notebook.run(4)
    recorder.wait_for_end()
    notebook.kernel.wait_for("seen[-1].type == 'end'")
    pushed = [[n + 1, "message", n] for n in range(301)] + [[302, "end", "end"]]
    assert faults(recorder.records, pushed) == NO_FAULTS
    assert faults(in_python(notebook, "seen"), pushed) == NO_FAULTS
    assert notebook.kernel.value("[feed.count, feed.lost]") == [302, 0]
    notebook.wait(f"{rows} === 302 && {PAGE}.stats().connections.length === 1", "the new events to be shown, too")
