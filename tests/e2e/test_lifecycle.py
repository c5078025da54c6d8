"""When a page is connected: while a view is shown or Python listens; once, however many widgets there are."""

from __future__ import annotations

import pytest

from tests.e2e.feeds import CHANNEL, LISTENED, PAGE, SHOWN, STREAMS, page_stats, views, wait_for_views

CLOSE_S = 5
NO_CONNECTION = f"{PAGE}.stats().connections.length === 0"


def test_running_the_widgets_cells_20_times_leaves_one_connection(open_notebook):
    notebook = open_notebook(CHANNEL, SHOWN, "prices", "prices.push(1)")
    notebook.run(0)
    for _ in range(20):
        notebook.run(1)
        notebook.run(2)
    wait_for_views(notebook, 2)
    notebook.run(3)
    notebook.kernel.wait_for("feed.count == 1")
    assert len(notebook.kernel.value(STREAMS)) == 1
    (connection,) = page_stats(notebook)["connections"]
    assert connection["streams"] == 1
    assert len(connection["subscribers"]) == 2
    notebook.wait(f"{PAGE}.stats().connections[0].subscribers.length === 2", "the old widgets to have left")


@pytest.mark.parametrize("close", ["clear_outputs", "close_panel"])
def test_closing_all_outputs_closes_the_connection(open_notebook, close):
    notebook = open_notebook(CHANNEL, SHOWN, "feed")
    notebook.run_all()
    wait_for_views(notebook, 2)
    assert len(notebook.kernel.value(STREAMS)) == 1
    getattr(notebook, close)()
    notebook.wait(NO_CONNECTION, "the page to disconnect", CLOSE_S)
    notebook.kernel.wait_for(f"not {STREAMS}", CLOSE_S)


BOTH = """
feed = sse.SSEWidget(prices)
other = sse.SSEWidget(sse.channel("other"))
seen = []
feed.on(None, seen.append)
"""


def test_closing_all_outputs_leaves_those_connected_to_which_python_listens(open_notebook):
    notebook = open_notebook(CHANNEL, BOTH, "feed", "other")
    notebook.run_all()
    wait_for_views(notebook, 2)
    notebook.clear_outputs()
    # The one that nobody needs any more goes: by then the other would have gone, too.
    notebook.wait(f"String({PAGE}.stats().connections[0]?.channels) === 'prices'", "`other` to disconnect", CLOSE_S)
    notebook.kernel.wait_for("not [each for each in sse.channel('other').stats().readers if 'page' in each['label']]")
    assert views(notebook) == []
    assert len(notebook.kernel.value(STREAMS)) == 1
    notebook.kernel.run("prices.push('unseen, but heard')")
    notebook.kernel.wait_for("[event.data for event in seen] == ['unseen, but heard']")
    notebook.kernel.run("feed.off(seen.append)")
    notebook.wait(NO_CONNECTION, "the page to disconnect when Python listens no more", CLOSE_S)
    notebook.kernel.wait_for(f"not {STREAMS}", CLOSE_S)


def test_a_widget_that_is_never_displayed_receives_if_it_has_a_callback(open_notebook):
    notebook = open_notebook(CHANNEL, LISTENED.removesuffix("feed\n"), "for n in range(10): prices.push(n)")
    notebook.run_all()
    notebook.kernel.wait_for("[event.data for event in seen] == list(range(10))")
    assert views(notebook) == []
    assert notebook.kernel.value("feed.state") == "open"
