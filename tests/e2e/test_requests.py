"""Requests: a handler runs once, whatever happens to the connection; a cell sends one and gets all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.feeds import NO_FAULTS, faults, in_python, record, views, wait_for_views
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy
from tests.server.client import Client

if TYPE_CHECKING:
    from sse_widget.session import Session

N_CUTS = 3
EVENTS_PER_CUT = 100
SEED = 4
ID = "0123456789abcdef" * 2


class Handler:
    """Sends parts of many bytes; it begins the next one when the proxy has cut the connection once more."""

    def __init__(self, session: Session, proxy: CuttingProxy) -> None:
        self.calls = 0
        self.proxy = proxy
        session.runs.routes.add("/job/{n:int}", self.handle)

    def handle(self, _request: object, n: int):
        self.calls += 1
        for number in range(n):
            yield {"number": number, "text": "x" * 500}
            if number % EVENTS_PER_CUT == EVENTS_PER_CUT - 1 and number < n - 1:
                self.proxy.wait_for_cuts(number // EVENTS_PER_CUT + 1)


N_EVENTS = (N_CUTS + 1) * EVENTS_PER_CUT


@pytest.fixture
def proxy(session: Session):
    with CuttingProxy(SEED, stream="/job") as made:
        made.target_port = session.server.start()
        session.server.reached_as(f"http://127.0.0.1:{made.port}")
        yield made


def read(client: Client, path: str, last: str) -> tuple[list[Any], str]:
    """Read a stream as an EventSource does until it breaks or ends; return its events and the cursor."""
    events: list[Any] = []
    with client.stream(path, headers={"Last-Event-ID": last} if last else {}) as stream:
        try:
            while True:
                events.append(stream.next())
        except (EOFError, ConnectionResetError):
            return events, stream.last_event_id or last


@pytest.mark.parametrize("chosen", [f"?run={ID}", ""])
def test_a_plain_event_source_gets_all_of_one_run_through_three_cuts(
    session: Session, proxy: CuttingProxy, chosen: str
) -> None:
    handler = Handler(session, proxy)
    client = Client(session)
    client.port = proxy.port
    proxy.cut([Cut("stream", "reset"), Cut("stream", "close"), Cut("stream", "reset")])
    events: list[Any] = []
    last, connections = "", 0
    while not events or events[-1].type != "ended":
        more, last = read(client, f"/job/{N_EVENTS}{chosen}", last)
        events += more
        connections += 1
    assert (len(proxy.done), connections) == (N_CUTS, N_CUTS + 1)
    assert [json.loads(event.data)["number"] for event in events[:-1]] == list(range(N_EVENTS))
    assert len({event.id for event in events}) == N_EVENTS + 1
    answer = client.request("GET", f"/job/{N_EVENTS}{chosen}", headers={"Last-Event-ID": last})
    assert answer.status == 204
    assert handler.calls == 1


SETUP = """
import asyncio, threading, time
import sse_widget as sse

calls = []

@sse.route("/countdown/{n:int}")
async def countdown(request, n):
    calls.append(("countdown", request.run))
    for left in range(n, 0, -1):
        yield {"left": left}
        await asyncio.sleep(0.01)

@sse.route("/job")
def job(request, steps: int):
    calls.append(("job", request.run))
    for step in range(steps):
        yield sse.Event({"step": step}, type="step")
        if step % 100 == 0:
            yield {"percent": step}

@sse.route("/wrong")
def wrong(request):
    yield 1
    raise ValueError("boom")
"""
REQUEST = """
got, states = [], []
run = sse.handle_request("/countdown/50", got.append)
run.observe(lambda change: states.append(change.new), "state")
run
"""
RESULT_IN_THE_SAME_CELL = """
steps = []
other = sse.handle_request("/job?steps=1000", steps.append, types="step")
events = other.result(timeout=20)
assert [event.data["step"] for event in events if event.type == "step"] == list(range(1000))
assert len(events) == 1010 and other.id == calls[-1][1]
"""
FAILING = """
failing = sse.handle_request("/wrong")
try:
    failing.result(timeout=20)
    raise AssertionError("nothing was raised")
except ValueError as error:
    assert str(error) == "boom"
failing
"""


def test_a_cell_sends_a_request_and_gets_all_of_it(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, REQUEST, RESULT_IN_THE_SAME_CELL, FAILING, kernel=kernel_name)
    notebook.run_all()
    kernel = notebook.kernel
    kernel.wait_for("run.state == 'ended'", 20)
    assert kernel.value("got") == [{"left": left} for left in range(50, 0, -1)]
    kernel.wait_for("states[-1:] == ['ended']")
    kernel.wait_for("len(steps) == 1000", 20)
    assert kernel.value("steps == [{'step': step} for step in range(1000)]")
    assert kernel.value("[call[0] for call in calls]") == ["countdown", "job"]
    kernel.wait_for("failing.state == 'failed'", 20)
    assert kernel.value("failing.error") == "the handler raised ValueError: boom"
    shown = notebook.output(3)
    notebook.page.wait_for_function("(node) => node.innerText.includes('ValueError: boom')", arg=shown.element_handle())


INTERRUPTED = """
@sse.route("/never")
async def never(request):
    yield "begun"
    await asyncio.Event().wait()

waiting = sse.handle_request("/never")
print("waiting")
waiting.result()
"""


def test_interrupting_ends_the_wait_for_a_result_and_the_run_goes_on(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, INTERRUPTED, kernel=kernel_name)
    notebook.run(0)
    run = notebook.run_async(1)
    notebook.wait(f"rig.outputs('{notebook.file.name}', 1).length > 0", "the cell to wait")
    notebook.interrupt_kernel()
    run.wait(timeout_s=5)
    errors = [each["ename"] for each in notebook.outputs(1) if each["output_type"] == "error"]
    assert errors == ["KeyboardInterrupt"]
    assert "running" in notebook.kernel.value("repr(waiting)")
    notebook.kernel.run("waiting.close()")
    assert "cancelled" in notebook.kernel.value("repr(waiting)")


GATED = f"""
import threading
import sse_widget as sse
calls, seen, gate = [], [], threading.Semaphore(0)

@sse.route("/gated")
def gated(request):
    calls.append(request.run)
    for number in range({(N_CUTS + 1) * 1000}):
        if number % 1000 == 0:
            gate.acquire()
        yield number
"""
THROUGH_A_PROXY = """
run = sse.handle_request("/gated", seen.append, url_template="{url}", transport="direct")
run
"""


def test_a_handler_runs_once_though_the_pages_connection_is_cut_three_times(open_notebook):
    with CuttingProxy(SEED) as proxy:
        notebook = open_notebook(GATED, THROUGH_A_PROXY.format(url=proxy.url))
        notebook.run(0)
        notebook.run(1)
        proxy.target_port = notebook.kernel.value("__import__('urllib.parse').parse.urlsplit(run.url).port")
        wait_for_views(notebook)
        recorder = record(notebook, "run")
        proxy.cut([Cut("stream", "reset"), Cut("stream", "close"), Cut("stream", "reset")])
        for part in range(N_CUTS):
            notebook.kernel.run("gate.release()")
            proxy.wait_for_cuts(part + 1)
        notebook.kernel.run("gate.release()")
        notebook.kernel.wait_for("run.state == 'ended'", 30)

        n_events = (N_CUTS + 1) * 1000
        assert notebook.kernel.value("len(calls)") == 1
        assert notebook.kernel.value(f"seen == list(range({n_events}))")
        pushed = [[number + 1, "message", number] for number in range(n_events)]
        assert faults(recorder.records, pushed) == NO_FAULTS
        assert faults(in_python(notebook, "run.result(1)"), pushed) == NO_FAULTS
        assert [view["lost"] for view in views(notebook)] == ["0"]
