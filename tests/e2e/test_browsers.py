"""Browsers' own EventSource, in a bare page of another origin: no driver, the page itself tells what it got."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from sse_widget.pages import admit
from sse_widget.session import Session
from tests.e2e.rig.browser import FLAGS
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy
from tools import browser as chromium
from tools import firefox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 3000
TEXTS = ["", "plain", "ä 🎈 \u2028\u2029\u0085", "a\r\nb\rc\n\nd", ': data: x\nid: y"\\', "\x00\x1b\x7f", "x" * 300]
PREFERENCES = """
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("toolkit.telemetry.enabled", false);
"""
PAGE = """<!doctype html><title>EventSource</title><script type="module">
const {url, bearer} = CONFIG;
const got = [];
let last = "", opened = 0;
async function connect() {
	const headers = {Authorization: `Bearer ${bearer}`, "Content-Type": "application/json"};
	const body = JSON.stringify({client: "page", channels: ["c"]});
	const {ticket} = await (await fetch(`${url}/tickets`, {method: "POST", headers, body})).json();
	const source = new EventSource(`${url}/channels/c?client=page&ticket=${ticket}&after=${last}`);
	opened += 1;
	for (const type of ["message", "trade", "gap"])
		source.addEventListener(type, (event) => {
			last = event.lastEventId;
			got.push({type, data: JSON.parse(event.data), id: last});
		});
	source.addEventListener("ended", () => {
		source.close();
		fetch("/result", {method: "POST", body: JSON.stringify({got, opened})});
	});
	// A ticket is good for one stream: connecting again is the page's own, after the last event that it has.
	source.onerror = () => {
		source.close();
		connect();
	};
}
connect().catch((error) => fetch("/result", {method: "POST", body: JSON.stringify({error: String(error)})}));
</script>"""


class Site:
    """Serves the page, and takes its result."""

    def __init__(self, config: dict[str, str]) -> None:
        self.results: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        page = PAGE.replace("CONFIG", json.dumps(config)).encode()
        results = self.results

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def do_POST(self) -> None:
                results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


def command(name: str, profile: Path) -> list[str]:
    """Return how a browser is started."""
    if name == "firefox":
        path = firefox.find()
        assert path, firefox.HELP
        (profile / "user.js").write_text(PREFERENCES)
        return [path, "--headless", "--no-remote", "--profile", str(profile)]
    path = chromium.find()
    assert path, chromium.HELP
    return [path, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *FLAGS]


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_browsers_own_eventsource_gets_the_same_events_with_the_same_ids_through_cuts(
    session: Session, tmp_path: Path, name: str
) -> None:
    channel = session.hub.channel("c")
    with (
        CuttingProxy(11, "/channels/") as proxy,
        Site({"url": proxy.url, "bearer": session.server.guard.bearer}) as site,
    ):
        proxy.target_port = session.server.start()
        session.server.guard.also_reached_as(f"127.0.0.1:{proxy.port}")
        admit(session, site.origin)
        for i in range(COUNT):
            channel.push({"i": i, "text": TEXTS[i % len(TEXTS)]}, type=("message", "trade")[i % 2])
        proxy.cut([Cut("stream", manner) for manner in ("reset", "close", "reset", "close")])
        started = subprocess.Popen(  # noqa: S603 - ours
            [*command(name, tmp_path), f"{site.origin}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            proxy.wait_for_cuts(4, 60)
            channel.close()
            result = site.results.get(timeout=30)
        finally:
            started.terminate()
            started.wait(20)
    expected = [{"type": event.type, "data": event.data, "id": event.id} for event in channel.history]
    assert result.get("error") is None
    assert len(expected) == COUNT
    assert result["got"] == expected
    assert result["opened"] == 5
