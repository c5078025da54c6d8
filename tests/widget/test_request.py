"""`handle_request`, without a notebook."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import comm
import pytest

import sse_widget as sse
from sse_widget.server.state import Limits
from sse_widget.session import Session
from tests.conftest import eventually
from tests.widget.page import Page, RecordingComm, sent

if TYPE_CHECKING:
    from tests.widget.page import MainThread


@pytest.fixture
def gate() -> threading.Semaphore:
    """Let one step of a handler go on."""
    return threading.Semaphore(0)


@pytest.fixture
def requests(session: Session, main: MainThread, monkeypatch: pytest.MonkeyPatch, gate: threading.Semaphore):  # noqa: ARG001
    """Make requests in `session`, over HTTP only; the widgets are closed after the test."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    for module in ("sse_widget.widget.request", "sse_widget.routing"):
        monkeypatch.setattr(f"{module}.current", lambda: session)
    made: list[sse.RequestWidget] = []

    def make(path: str, *arguments: Any, **named: Any) -> sse.RequestWidget:
        made.append(sse.handle_request(path, *arguments, **{"transport": "direct", **named}))
        return made[-1]

    @sse.route("/countdown/{n:int}")
    async def countdown(_request: sse.Request, n: int):
        for left in range(n, 0, -1):
            yield {"left": left}

    @sse.route("/typed")
    def typed(_request: sse.Request):
        for number, type_ in enumerate(["a", "b", "message", "a"]):
            yield sse.Event(number, type=type_)

    @sse.route("/wrong")
    def wrong(_request: sse.Request):
        yield 1
        raise ValueError("boom")

    @sse.route("/gated")
    def gated(_request: sse.Request):
        for number in range(100):
            yield number
            assert gate.acquire(timeout=10)

    yield make
    for widget in made:
        widget.close()


def data(events: list[sse.Event]) -> list[Any]:
    return [event.data for event in events]


def test_result_waits_for_the_end_without_any_page(requests) -> None:
    run = requests("/countdown/5")
    events = run.result(timeout=10)
    assert data(events) == [{"left": left} for left in (5, 4, 3, 2, 1)]
    assert [event.id for event in events] == [f"{run.id}-{n}" for n in range(1, 6)]
    assert repr(run) == "<RequestWidget /countdown/5: ended, 5 events>"


def test_the_callback_gets_the_json_of_each_event_in_order_and_then_the_state_is_ended(
    requests, session: Session, main: MainThread
) -> None:
    got: list[Any] = []
    states: list[str] = []
    run = requests("/countdown/5", got.append)
    run.observe(lambda change: states.append(change.new), "state")
    page = Page(session, run)
    run.result(timeout=10)
    page.catches_up()
    main.is_free()
    assert got == [{"left": left} for left in (5, 4, 3, 2, 1)]
    page.says("ended")
    main.is_free()
    assert (run.state, run.error, run.count) == ("ended", "", 5)
    assert states[-1] == "ended"


@pytest.mark.parametrize(
    ("types", "expected"), [("a", [0, 3]), (["b", "message"], [1, 2]), ((), []), (None, [0, 1, 2, 3])]
)
def test_the_callback_gets_the_types_that_it_wants(
    requests, session: Session, main: MainThread, types: Any, expected: list[int]
) -> None:
    got: list[Any] = []
    run = requests("/typed", got.append, types=types)
    run.result(timeout=10)
    Page(session, run).catches_up()
    main.is_free()
    assert got == expected


def test_what_the_handler_raises_is_raised_by_result_and_shown(
    requests, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    run = requests("/wrong")
    with pytest.raises(ValueError, match=r"^boom$"):
        run.result(timeout=10)
    page = Page(session, run)
    page.catches_up()
    page.says("ended")
    assert (run.state, run.error) == ("failed", "the handler raised ValueError: boom")
    assert data(run.events) == [1]
    assert sent(run, "error")[-1]["text"] == "the handler raised ValueError: boom"
    assert "the handler of /wrong raised" in caplog.text
    assert repr(run) == "<RequestWidget /wrong: failed, 1 events>"


def test_a_timeout_says_how_far_it_is_and_the_run_goes_on(requests, gate: threading.Semaphore) -> None:
    run = requests("/gated")
    eventually(lambda: run.channel.log.newest == 1)
    with pytest.raises(sse.WaitTimeout) as caught:
        run.result(timeout=0.01)
    assert str(caught.value) == (
        "expected /gated to end within 0.01 s, got 1 events so far; it goes on: wait again, or cancel() it"
    )
    gate.release(100)
    assert data(run.result(timeout=10)) == list(range(100))


def test_closing_the_widget_cancels_its_run(requests, session: Session, gate: threading.Semaphore) -> None:
    run = requests("/gated")
    run.close()
    run.close()
    assert (run.state, run._run.state) == ("closed", "cancelled")
    with pytest.raises(sse.RunCancelled, match=r"^the run of /gated ended early: its widget was closed$"):
        run.result()
    gate.release()
    eventually(lambda: not session.runs._working)


def test_cancelling_leaves_the_widget(requests, session: Session, gate: threading.Semaphore) -> None:
    run = requests("/gated")
    page = Page(session, run)
    run.cancel()
    gate.release()
    page.says("ended")
    assert (run.state, run.error) == ("failed", "the run of /gated ended early: it was cancelled")


@pytest.mark.usefixtures("main")
def test_a_widget_holds_its_run_beyond_any_lease(monkeypatch: pytest.MonkeyPatch, gate: threading.Semaphore) -> None:
    session = Session(Limits(run_lease_s=0.001, ended_run_s=0))
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr("sse_widget.widget.request.current", lambda: session)

    def handler(_request: object) -> None:
        assert gate.acquire(timeout=10)

    session.runs.routes.add("/held", handler)
    try:
        run = sse.handle_request("/held", transport="direct")
        run._run.alone_since = run._run.ended_at = float("-inf")
        assert session.runs.sweep()
        assert run._run.state == "running"
        gate.release()
        assert data(run.result(timeout=10)) == [None]
        assert session.runs.sweep(), "it is kept as long as its widget"
        run.close()
        assert not session.runs.sweep()
    finally:
        session.close()


def test_the_live_log_is_shown_with_the_path_as_title(requests) -> None:
    run = requests("/countdown/2")
    run.result(timeout=10)
    bundle, _metadata = run._repr_mimebundle_()
    assert run.title == "/countdown/2"
    assert "the last 2 of 2 events" in bundle["text/html"]


def test_the_address_is_that_of_this_run(requests, session: Session) -> None:
    run = requests("/countdown/2")
    assert run.url == f"{session.server.url}/countdown/2?run={run.id}"
    other = requests("/countdown/2?b=%C3%BC&a=b c")
    assert other.url == f"{session.server.url}/countdown/2?a=b+c&b=%C3%BC&run={other.id}"
    assert run.curl() == f"curl -sN -H 'Authorization: Bearer {session.server.guard.bearer}' '{run.url}'"


@pytest.mark.usefixtures("main")
def test_a_run_that_exceeds_its_history_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Limits(run_history=3))
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr("sse_widget.widget.request.current", lambda: session)
    session.runs.routes.add("/ten", lambda _request: iter(range(10)))
    run = sse.handle_request("/ten", transport="direct")
    try:
        gap, *rest = run.result(timeout=10)
        assert isinstance(gap, sse.Gap)
        assert (gap.lost, data(rest)) == (7, [7, 8, 9])
    finally:
        run.close()
        session.close()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("/cuntdown/5",), sse.RequestRefused, "expected the path of a route, got '/cuntdown/5'; did you mean"),
        ((5,), TypeError, "expected the path of a route, such as '/countdown/5', got 5"),
        (("http://x/y",), ValueError, "expected a path of this kernel's own routes, such as '/countdown/5', got 'http"),
        (("/countdown/5", 5), TypeError, "expected a function to call with each event's data, got 5"),
    ],
)
def test_what_cannot_be_requested_is_refused_and_nothing_runs(
    requests, session: Session, arguments: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        requests(*arguments)
    assert str(caught.value).startswith(text)
    assert session.runs.n_started == 0


def test_a_widget_on_a_route_is_answered_with_what_to_do(requests, session: Session) -> None:
    requests("/countdown/1").result(timeout=10)
    with pytest.raises(ValueError, match=r"did you mean sse_widget.handle_request\('/countdown/5\?x=1'\)\?$"):
        session.find("/countdown/5?x=1")


def test_a_wrong_type_or_keyword_runs_nothing(requests, session: Session) -> None:
    with pytest.raises(TypeError, match=r"^expected types to be one or several event types, got \[5\]$"):
        requests("/typed", types=[5])
    with pytest.raises(TypeError, match="did you mean 'title'"):
        requests("/typed", titel="x")
    assert not session.runs._working
    assert session.runs.running() == []


def test_a_handler_on_the_loop_may_not_wait_there_for_another_run(requests) -> None:
    @sse.route("/outer")
    async def outer(_request: sse.Request):
        run = sse.handle_request("/countdown/1", transport="direct")
        try:
            yield data(await asyncio.to_thread(run.result))
            run.result()
        finally:
            run.close()

    run = requests("/outer")
    with pytest.raises(RuntimeError, match=r"await asyncio.to_thread\(run.result\)$"):
        run.result(timeout=10)
    assert data(run.channel.history) == [[{"left": 1}]]
