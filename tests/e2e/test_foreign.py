"""The browser reads somebody else's stream: one tab does, Python has each event once, also when that tab goes."""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from tests.e2e.feeds import VIEW

FEED = """
import sse_widget as sse
feed = sse.SSEWidget("{url}", types=["tick"])
seen = []
feed
"""
LOOP = """
for event in feed:
    seen.append(event)
    if event.data == "end":
        break
"""
ITEMS = "[event.type if event.type == 'gap' else event.data for event in seen]"
TEXT = f"document.querySelector('{VIEW}')?.innerText ?? ''"


class Upstream:
    """A stream for every origin; with ids, it begins with all there is."""

    def __init__(self, *, ids: bool, cors: bool = True) -> None:
        self.ids, self.n_connections, self._history = ids, 0, []
        self._lock, self._readers = threading.Lock(), set[queue.Queue[bytes]]()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                if cors:
                    self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
                self.end_headers()
                waiting: queue.Queue[bytes] = queue.Queue()
                with upstream._lock:
                    upstream.n_connections += 1
                    upstream._readers.add(waiting)
                    for block in upstream._history if ids else [b": hello\n\n"]:
                        waiting.put(block)
                try:
                    while block := waiting.get():
                        self.wfile.write(block)
                        self.wfile.flush()
                except OSError:
                    return  # the tab has gone
                finally:
                    upstream._readers.discard(waiting)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for waiting in list(self._readers):
            waiting.put(b"")
        self._server.shutdown()
        self._server.server_close()

    def send(self, *items: str, type_: str = "message") -> None:
        with self._lock:
            for data in items:
                id_ = f"id: {len(self._history) + 1}\n" if self.ids else ""
                block = f"event: {type_}\n{id_}data: {data}\n\n".encode()
                self._history.append(block)
                for waiting in self._readers:
                    waiting.put(block)


@pytest.mark.parametrize("ids", [True, False])
def test_python_has_each_event_once_though_two_tabs_show_it_and_the_one_that_reads_is_closed(open_notebook, ids):
    with Upstream(ids=ids) as upstream:
        first = open_notebook(FEED.format(url=upstream.url), LOOP)
        first.run(0)
        first.kernel.wait_for("feed.state == 'open'")
        first.save()
        second = first.second_tab()
        second.wait(f"document.querySelector('{VIEW}') !== null", "its view")
        first.run_async(1)
        first.wait_busy()
        while upstream.n_connections == 0:
            first.wait("true", "a turn of the page")
        upstream.send(*map(str, range(300)))
        upstream.send(*map(str, range(300, 500)), type_="tick")
        for tab in (first, second):
            tab.wait(f"document.querySelector('{VIEW}').dataset.count === '500'", "all events in both tabs")
        assert upstream.n_connections == 1
        first.close()
        second.wait(f"{TEXT} !== ''", "a view that goes on")
        while upstream.n_connections == 1:
            second.wait("true", "a turn of the page")
        upstream.send("500", '"end"')
        second.kernel.wait_for("seen and seen[-1].data == 'end'", 30)
        gap = [] if ids else ["gap"]
        assert second.kernel.value(ITEMS) == [*range(500), *gap, 500, "end"]


def test_a_server_that_does_not_let_the_page_read_is_told_with_what_to_do(open_notebook):
    with Upstream(ids=False, cors=False) as upstream:
        notebook = open_notebook(FEED.format(url=upstream.url))
        notebook.run(0)
        notebook.wait(f"({TEXT}).includes('(CORS)') && ({TEXT}).includes('sse_widget.relay(url)')", "the reason")
        notebook.kernel.wait_for("'CORS' in feed.error")
