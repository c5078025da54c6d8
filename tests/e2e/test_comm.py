"""Events over the comm alone: from a busy cell into the page while it runs, and back into Python right after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.feeds import (
    CHANNEL,
    END,
    LISTENED,
    NO_FAULTS,
    VIEW,
    faults,
    in_python,
    page_stats,
    record,
    views,
    wait_for_views,
)

if TYPE_CHECKING:
    from pathlib import Path

N_EVENTS = 20_000
PUSHED = [[n + 1, "message", {"price": n // 100}] for n in range(N_EVENTS)] + [[N_EVENTS + 1, "end", "end"]]
FORCED = """
feed = sse.SSEWidget(prices, transport="comm")
seen = []
feed.on(None, seen.append)
feed
"""
PUSH = f"""
for n in range({N_EVENTS}):
    prices.push({{"price": n // 100}})
{END}
"""
PUSH_SLOWLY = f"""
import time
for n in range({N_EVENTS}):
    prices.push({{"price": n // 100}})
    if n % 100 == 0:
        time.sleep(0.02)
{END}
"""
CARRIER = "[each['label'] for each in prices.stats().readers if each['label'] == 'pages over the comm']"
ALL_COUNTED = f"""(
    (views) => views.length > 0 && views.every((view) => view.dataset.count === '{N_EVENTS + 1}')
)([...document.querySelectorAll('{VIEW}')])"""

# What the page still has of what its feed has taken: the last 10,000 at the most.
LATEST = """
(id) => {
	const { ring } = globalThis[Symbol.for("sse_widget")]["1"].feeds.get(id).tally;
	const latest = [];
	for (let at = ring.start; at < ring.end; at += 1) {
		const { kind, id, type, data, lost } = ring.at(at);
		latest.push(kind === "gap" ? ["gap", lost] : [Number(id.split("-")[1]), type, data]);
	}
	return latest;
}
"""


# A page says every 12 s that it needs the comm; the kernel believes it for 45 s, here for less.
LEASE_S = 16
SHORT_LEASE = f"""
from sse_widget.server import leases
leases.LEASE_S, leases.GRACE_S = {LEASE_S}, 3
"""
PUSH_FOR_LONG = f"""
import time
for n in range({2 * LEASE_S}):
    prices.push(n)
    time.sleep(1)
{END}
"""


def wait_until_there_is(path: Path) -> str:
    """Return code that keeps the cell running until the test has seen enough."""
    return f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists():\n    time.sleep(0.01)"


def expect_all_in_python(notebook):
    notebook.kernel.wait_for("seen and seen[-1].type == 'end'", 10)
    assert faults(in_python(notebook, "seen"), PUSHED) == NO_FAULTS
    assert notebook.kernel.value("[feed.count, feed.lost]") == [N_EVENTS + 1, 0]


def test_20_000_events_are_in_the_page_while_the_cell_runs_and_in_python_right_after_it(
    open_notebook, kernel_name, tmp_path
):
    enough = tmp_path / "enough"
    notebook = open_notebook(CHANNEL, FORCED, PUSH + wait_until_there_is(enough), kernel=kernel_name)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    recorder = record(notebook)
    cell = notebook.run_async(2)
    recorder.wait_for_end()
    assert not cell.done
    assert faults(recorder.records, PUSHED) == NO_FAULTS
    enough.touch()
    cell.wait()
    expect_all_in_python(notebook)
    assert notebook.kernel.value("[feed.state, feed.transport, list(feed.transport_log)]") == ["open", "comm", []]
    notebook.wait(ALL_COUNTED, "the view to count all events")
    assert [(view["lost"], view["transport"]) for view in views(notebook)] == [("0", "comm")]
    assert page_stats(notebook)["connections"] == []


def test_a_reload_in_the_middle_of_the_cell_loses_and_repeats_nothing(open_notebook, kernel_name):
    notebook = open_notebook(CHANNEL, FORCED, PUSH_SLOWLY, kernel=kernel_name)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    notebook.save()
    recorder = record(notebook)
    notebook.run_async(2)
    recorder.wait_for(N_EVENTS // 10)
    notebook.reload(idle=False)
    notebook.wait_idle()
    expect_all_in_python(notebook)
    notebook.wait(ALL_COUNTED, "the view to count all events")
    shown = notebook.page.evaluate(LATEST, notebook.kernel.value("feed.model_id"))
    assert shown == PUSHED[-len(shown) :]
    assert [view["lost"] for view in views(notebook)] == ["0"]


def test_two_tabs_give_python_each_event_once(open_notebook, kernel_name):
    first = open_notebook(CHANNEL, FORCED, PUSH_SLOWLY, kernel=kernel_name)
    first.run(0)
    first.run(1)
    wait_for_views(first)
    first.save()
    second = first.second_tab()
    wait_for_views(second)
    recorders = [record(tab) for tab in (first, second)]
    first.run(2)
    expect_all_in_python(first)
    for tab, recorder in zip((first, second), recorders, strict=True):
        recorder.wait_for_end()
        assert faults(recorder.records, PUSHED) == NO_FAULTS
        tab.wait(ALL_COUNTED, "the view to count all events")


def test_where_the_page_reaches_the_kernel_the_comm_is_left(open_notebook, kernel_name):
    notebook = open_notebook(CHANNEL, LISTENED, PUSH, kernel=kernel_name)
    notebook.run(0)
    notebook.run(1)
    notebook.kernel.wait_for("feed.transport == 'direct'")
    notebook.kernel.wait_for(f"not {CARRIER}")
    recorder = record(notebook)
    notebook.run(2)
    recorder.wait_for_end()
    expect_all_in_python(notebook)
    assert faults(recorder.records, PUSHED) == NO_FAULTS
    assert notebook.kernel.value(CARRIER) == []


def test_a_kernel_that_restarts_is_told_within_three_seconds(open_notebook):
    notebook = open_notebook(CHANNEL, FORCED)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    notebook.restart_kernel()
    wait_for_views(notebook, state="failed", timeout_s=3)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)


def test_in_a_cell_that_is_longer_than_the_lease_events_go_on(open_notebook, tmp_path):
    enough = tmp_path / "enough"
    cells = (CHANNEL + SHORT_LEASE, FORCED, PUSH_FOR_LONG + wait_until_there_is(enough))
    notebook = open_notebook(*cells, kernel="ipykernel-6.31")  # it takes no messages from the page meanwhile
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    recorder = record(notebook)
    cell = notebook.run_async(2)
    recorder.wait_for_end(3 * LEASE_S)
    assert not cell.done
    assert [data for _, _, data in recorder.records] == [*range(2 * LEASE_S), "end"]
    enough.touch()
    cell.wait()
    notebook.kernel.wait_for("seen and seen[-1].type == 'end'", 10)
    assert notebook.kernel.value("[event.data for event in seen]") == [*range(2 * LEASE_S), "end"]
    notebook.wait(f"[...document.querySelectorAll('{VIEW}')][0].dataset.lost === '0'", "nothing to be lost")


def test_a_tab_that_is_closed_is_noticed_and_nobody_waits_for_it(open_notebook):
    notebook = open_notebook(CHANNEL + SHORT_LEASE, FORCED)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    notebook.kernel.wait_for("feed.state == 'open'")
    notebook.close()
    notebook.kernel.wait_for("feed.state != 'open'", 2 * LEASE_S)
    assert notebook.kernel.value("[prices.push(1), prices.drain(timeout=5)][1]") is None
    assert notebook.kernel.value(CARRIER) == []
