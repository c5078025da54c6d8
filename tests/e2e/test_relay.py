"""Another server's stream in a notebook: it moves while a cell is busy; its losses, and what is wrong with it, show."""

from __future__ import annotations

import threading

from tests.e2e.feeds import VIEW
from tests.sources.upstream import Upstream, answer, chunked, hold

ROWS = f"""
[...document.querySelectorAll("{VIEW} .sse-widget-gap, {VIEW} .sse-widget-row")].map((row) =>
    row.querySelector(".sse-widget-json")?.textContent ?? `gap of ${{row.dataset.lost}}`)
"""
RELAY = """
import sse_widget as sse
wiki = sse.relay("{url}")
feed = sse.SSEWidget(wiki)
seen = []
feed.on(None, seen.append)
feed
"""
BUSY = """
import time
while feed.count < 4:
    time.sleep(0.01)
"""


def test_a_stream_goes_on_while_a_cell_is_busy_and_what_a_reconnect_may_have_lost_is_shown(open_notebook):
    goes_on = threading.Event()

    def second(sock):
        goes_on.wait(60)
        hold(chunked(b'data: {"n": 3}\n\nevent: trade\ndata: four\n\n', whole=False))(sock)

    with Upstream(chunked(b"retry: 10\ndata: 1\n\ndata: 2\n\n"), second) as upstream:
        notebook = open_notebook(RELAY.format(url=upstream.url), BUSY)
        notebook.run(0)
        notebook.wait(f"String({ROWS}) === '1,2'", "what the first connection brought")
        notebook.run_async(1)
        notebook.wait_busy()
        goes_on.set()
        shown = f"{ROWS}.map((text) => text.startsWith('gap') ? text : 'event').join()"
        notebook.wait(f"{shown} === 'event,event,gap of unknown,event,event'", "all of it, with the gap in its place")
        notebook.wait_idle()
        kernel = notebook.kernel
        kernel.wait_for("len(seen) == 4")
        assert kernel.value("[event.data for event in seen]") == [1, 2, {"n": 3}, "four"]
        assert kernel.value("[feed.count, feed.lost, feed.type, wiki.source.state]") == [4, 0, "trade", "open"]
        assert kernel.value("[event.data for event in feed.since(seen[1])]") == [{"lost": None}, {"n": 3}, "four"]
        kernel.run("wiki.source.stop()")


def test_an_upstream_that_refuses_is_told_in_the_widget_also_to_a_page_that_comes_later(open_notebook):
    with Upstream(answer("401 Unauthorized")) as upstream:
        notebook = open_notebook(RELAY.format(url=upstream.url + "?token=secret"))
        notebook.run(0)
        problem = f"document.querySelector('{VIEW} .sse-widget-problem')?.textContent"
        notebook.wait(f"{problem}?.includes('got 401; does it need headers=')", "the reason")
        notebook.save()
        notebook.reload()
        notebook.wait(f"{problem}?.includes('got 401; does it need headers=')", "the reason, after a reload")
        assert notebook.page.evaluate(f"() => {problem}.includes('secret')") is False
        assert notebook.kernel.value("feed.error").startswith("the relay of http://127.0.0.1:")
