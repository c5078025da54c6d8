"""Who is not let in, in a real browser against a real kernel: pages of every other origin, whatever they know.

Each attack first runs against a server that welcomes it: what is refused later is refused by the kernel's server.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.e2e.feeds import PAGE, wait_for_views
from tests.e2e.hosts.chromium import Chromiums
from tests.e2e.rig import Notebook, NotebookFile
from tests.e2e.welcoming import PAGE as BLANK
from tests.e2e.welcoming import Welcoming

ATTACK = Path(__file__).with_name("attack.js").read_text()
# Every name of these leads to this machine, as after a re-binding. Whether the browser itself would stop a page is
# not what is tested: others would not.
FLAGS = (
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP evil-localhost 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks",
)
CELL = """
import sse_widget as sse
channel = sse.channel("c")
channel.push("inside")
feed = sse.SSEWidget(channel)
feed
"""
GUARD = "channel.host.server.guard"
EVENTS = "[event.data for event in feed._feed.log.after(0).items]"
NOT_AUTHORISED = '{"error":"not authorised"}'
BLIND_READS = ("blind get", "blind post", "blind push", "blind introduction")
BLIND = dict.fromkeys(BLIND_READS, "opaque") | {"beacon": "true", "form": "sent"}
"""What any page may send, and nobody answers."""
LOADS = ("image", "script", "style")
READS = ("health", "proof", "channel", "batch", "push", "page", "ticket", "credentials")
STREAMS = ("packs", "stream")
WELCOMED = (
    BLIND
    | dict.fromkeys(LOADS, "loaded")
    | dict.fromkeys(READS, "200 read")
    | dict.fromkeys(STREAMS, "heard read")
    | {"module": "read", "client": "read", "frame": "unreadable", "socket": "refused"}
)
OF_ITS_OWN = dict.fromkeys(BLIND_READS, "200 read") | {"frame": "read"}
REFUSED = (
    BLIND
    | dict.fromkeys((*LOADS, *STREAMS, "socket"), "refused")
    | dict.fromkeys((*READS, "module", "client"), "TypeError")
    | {"frame": "unreadable"}
)
# For the browser it is the page's own server; so the page may read the answer, which is the constant one.
REBOUND = REFUSED | dict.fromkeys(READS, f"403 {NOT_AUTHORISED}")
REBOUND |= dict.fromkeys(BLIND_READS, f"403 {NOT_AUTHORISED}")


class Target:
    """A kernel with a live widget in a tab, and what the attackers are told about it."""

    def __init__(self, notebook, streams):
        self.streams = streams  # the addresses of the page's own
        self.notebook, self.kernel = notebook, notebook.kernel
        self.url = self.kernel.value("channel.host.server.url")
        self.port = urlsplit(self.url).port
        self.lab = notebook.file.lab
        self.kernel_id = self.kernel.value("channel.host.welcome('http://127.0.0.1:{port}')['kernel_id']")
        self.pushed = ["inside"]

    def given(self):
        """Everything but the key, and an introduction that was overheard: of the page that is let in."""
        issue = f"{GUARD}.issue('p', frozenset(['c']))"
        pack = {"channel": "c", "epoch": "forged", "first": 1, "events": [[1, "message", "forged"]], "gap": True}
        feed = self.kernel.value("next(iter(channel.host._feeds))")
        body = {"page": "p", "feeds": {feed: {"state": "failed"}}, "wanted": [[feed]], "packs": [pack]}
        mac = self.kernel.value(f"{GUARD}._mac('page|{self.lab.url}|{'0' * 32}')")
        return {
            "bearer": self.kernel.value(f"str({GUARD}.bearer)"),
            "tickets": self.kernel.value(f"[{issue}, {issue}]"),
            "body": json.dumps(body),
            "overheard": json.dumps({"n": "0" * 32, "mac": mac}),
        }

    def check(self):
        """Nothing has come in, no origin was admitted, and the page is as live as before."""
        assert self.kernel.value(EVENTS) == self.pushed
        assert self.kernel.value(f"list({GUARD}._origins)") == [self.lab.url]
        self.pushed.append(f"still {len(self.pushed)}")
        self.kernel.run(f"channel.push({self.pushed[-1]!r})")
        self.kernel.wait_for(f"{EVENTS} == {self.pushed!r}")
        assert self.notebook.page.evaluate(f"{PAGE}.stats().connections[0].transport ?? 'direct'") == "direct"
        wait_for_views(self.notebook)


@pytest.fixture(scope="module")
def target(lab, browser):
    file = NotebookFile.create(lab, [CELL])
    notebook = Notebook(file, browser.context).open()
    streams = []
    notebook.page.on("request", lambda request: "/events?" in request.url and streams.append(request.url))
    notebook.run(0)
    wait_for_views(notebook)
    notebook.kernel.wait_for("feed.transport == 'direct'")
    yield Target(notebook, streams)
    file.close()


@pytest.fixture(scope="module")
def person(browser):
    """Somebody at a browser whose names can be re-bound."""
    with Chromiums(browser) as chromiums:
        context = chromiums.context(*FLAGS)
        yield context
        context.close()


@pytest.fixture
def welcoming():
    with Welcoming() as made:
        yield made


def page_at(person, address):
    """Open an empty page at any address, whoever listens there: what was loaded before its name was re-bound."""
    page = person.new_page()
    page.route(address, lambda route: route.fulfill(body=BLANK, content_type="text/html"))
    page.goto(address)
    return page


def attack(frame, url, given):
    return frame.evaluate(ATTACK, [url, given])


FRAMES = {
    "sandboxed": "el.srcdoc = '<body>'; el.sandbox = 'allow-scripts allow-forms'",
    "data": "el.src = 'data:text/html,<body>'",
}


def framed(page, kind):
    """Return a frame of the page whose origin is null."""
    made = f"const el = document.createElement('iframe'); {FRAMES[kind]}; el.onload = done; document.body.append(el);"
    page.evaluate(f"() => new Promise((done) => {{ {made} }})")
    return page.frames[-1]


ELSEWHERE = {
    "another port": "http://localhost:{own}/",
    "another port of the same host": "http://127.0.0.1:{own}/",
    "the notebook's server by another name": "http://localhost:{lab}/elsewhere",
    "the notebook's name with more behind it": "http://127.0.0.1.evil.example:{lab}/",
    "the notebook's name with more before it": "http://evil-localhost:{lab}/",
    "the notebook's server over https": "https://127.0.0.1:{lab}/elsewhere",
    "a sandboxed frame of the notebook's server": "http://127.0.0.1:{lab}/sandboxed",
    "a data address": "http://127.0.0.1:{own}/data",
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_page_of_another_origin_reads_nothing_and_changes_nothing_whatever_it_knows(target, person, welcoming, where):
    address = ELSEWHERE[where].format(own=welcoming.port, lab=urlsplit(target.lab.url).port)
    page = page_at(person, address)
    try:
        kind = address.rpartition("/")[2]
        frame = framed(page, kind) if kind in {"sandboxed", "data"} else page.main_frame
        given = target.given()
        control = attack(frame, f"http://127.0.0.1:{welcoming.port}", given)
        came = attack(frame, target.url, given)
    finally:
        page.close()
    its_own = address == f"http://127.0.0.1:{welcoming.port}/"
    assert control == WELCOMED | (OF_ITS_OWN if its_own else {})
    assert set(welcoming.heard) >= set(WELCOMED)
    assert came == REFUSED
    target.check()


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost", "localhost.example"]
)
def test_a_page_that_binds_its_name_to_this_machine_reads_only_that_it_is_not_authorised(
    target, person, welcoming, name
):
    done = {}
    for port in (welcoming.port, target.port):
        page = page_at(person, f"http://{name}:{port}/")
        try:
            done[port] = attack(page.main_frame, f"http://{name}:{port}", target.given())
        finally:
            page.close()
    assert done[welcoming.port] == WELCOMED | OF_ITS_OWN
    assert done[target.port] == REBOUND
    target.check()


def test_a_page_of_another_port_of_jupyters_host_gets_nothing_through_jupyter_with_all_its_cookies(target, welcoming):
    """Cookies ignore ports: the browser sends Jupyter's login with them, and the page can read `_xsrf`."""
    context = target.notebook.context
    page = context.new_page()
    try:
        page.goto(f"http://127.0.0.1:{welcoming.port}/")
        (xsrf,) = [each["value"] for each in context.cookies(target.lab.url) if each["name"] == "_xsrf"]
        assert xsrf in page.evaluate("document.cookie")
        given = target.given() | {"query": f"_xsrf={xsrf}&"}
        came = attack(page.main_frame, f"{target.lab.url}/sse-widget/{target.kernel_id}", given)
        own = f"http://127.0.0.1:{welcoming.port}"
        assert attack(page.main_frame, own, given) == WELCOMED | OF_ITS_OWN
    finally:
        page.close()
    assert came == REFUSED
    heard = welcoming.heard
    assert all("username-" in heard[name] for name in ("image", "blind get", "blind post", "form", "beacon"))
    told = [line for line in target.lab.log.read_text().splitlines() if "/sse-widget/" in line]
    for name in set(heard) - {""}:
        answers = [line for line in told if f"as={name.replace(' ', '%20')}" in line]
        assert answers, name
        assert all(" 403 " in line for line in answers), answers
    target.check()


def ask(target, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_ticket_of_the_pages_own_stream_opens_nothing_again(target):
    (url,) = target.streams
    assert "ticket=" in url
    path = url.removeprefix(target.url)
    for headers in ({}, {"Origin": target.lab.url}):
        assert ask(target, path, headers) == (403, NOT_AUTHORISED)
    again = "async (url) => { const answer = await fetch(url); return [answer.status, await answer.text()]; }"
    assert target.notebook.page.evaluate(again, url) == [403, NOT_AUTHORISED]
    target.check()


def test_slow_and_oversized_bodies_and_1000_idle_connections_stop_nobody(target):
    runtime = json.loads((target.lab.runtime / f"sse-widget-{target.kernel_id}.json").read_text())
    lab = urlsplit(target.lab.url).port
    path = f"/sse-widget/{target.kernel_id}/received"

    def sends(stack, port, text):
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        sock.sendall(text.encode())
        return sock

    def post(port, path, length, login=""):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{login}"
        return f"{head}Content-Length: {length}\r\n\r\n{{"

    token = f"Authorization: token {target.lab.token}\r\n"
    with ExitStack() as stack:
        for _ in range(1000):
            sends(stack, target.port, "")
        for _ in range(900):
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(runtime["socket"])
        for _ in range(30):
            sends(stack, target.port, "GET /events")
            sends(stack, target.port, post(target.port, "/whoami", 100))  # the one body that is read of strangers
            sends(stack, lab, post(lab, path, 9 << 20, token))  # and of those who are logged in
        for port, where, login, status in (
            (target.port, "/received", "", 403),
            (target.port, "/whoami", "", 413),
            (lab, path, "", 403),
            (lab, path, token, 413),
        ):
            sock = sends(stack, port, post(port, where, 1 << 30, login))
            told = b"".join(iter(lambda sock=sock: sock.recv(1 << 16), b"")).decode()
            assert told.startswith(f"HTTP/1.1 {status if login else 403} "), told
            assert login or told.endswith(NOT_AUTHORISED)
        taken = psutil.Process(runtime["pid"]).num_fds()
        assert taken > 1900, "the kernel has not taken the connections, so this would prove nothing"
        target.check()
        assert ask(target, "/healthz", {}) == (200, '{"status":"ok"}')
        answer = "async () => (await fetch('/api/contents')).status"
        assert target.notebook.page.evaluate(answer) == 200
    target.check()


def test_whoever_takes_over_the_port_of_a_kernel_that_has_gone_hears_no_secret(open_notebook, lab):
    notebook = open_notebook(CELL)
    notebook.run(0)
    wait_for_views(notebook)
    kernel = notebook.kernel
    kernel.wait_for("feed.transport == 'direct'")
    port = kernel.value("channel.host.server.start()")
    secrets = kernel.value(f"[str({GUARD}.bearer), str({GUARD}.key)]")
    pid = kernel.value("__import__('os').getpid()")
    # What is on its way when a kernel dies, a browser may send again by itself (docs/security.md): so nothing is.
    kernel.wait_for("feed.count == 1")
    notebook.wait(f"{PAGE}.stats().connections[0].waiting_bytes === 0", "all to be back in Python")
    notebook.page.wait_for_timeout(500)
    os.kill(pid, signal.SIGKILL)
    with at_port(port) as stranger:
        deadline = time.monotonic() + 20
        while not any(request.startswith("GET /whoami?n=") for request in stranger.requests):
            assert time.monotonic() < deadline, stranger.requests
            notebook.page.evaluate("globalThis.dispatchEvent(new Event('online'))")
            notebook.page.wait_for_timeout(100)
        notebook.page.wait_for_timeout(3000)  # long enough for a page that believed it to send a ticket's request
        heard = "\n".join(stranger.requests)
    assert {request.split("?")[0].split(" HTTP")[0] for request in stranger.requests} == {"POST /whoami", "GET /whoami"}
    assert [secret for secret in (*secrets, lab.token) if secret in heard] == []
    assert "ticket" not in heard
    assert "authorization" not in heard.lower()
    assert "cookie" not in heard.lower()


def at_port(port):
    """Listen there as soon as the one who did has gone."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return Welcoming(port)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
