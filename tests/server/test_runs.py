"""Requests over HTTP: once, resumed, ended, refused."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.event import Event
from sse_widget.server.state import Limits
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ID = "0123456789abcdef" * 2
OTHER_ID = "f" * 32


class Handlers:
    """Handlers of one test, which count their calls and go on when they are told to."""

    def __init__(self, session: Session) -> None:
        self.calls: list[tuple[str, int]] = []
        self.closed: list[str] = []
        self.go_on = threading.Semaphore(0)
        session.runs.routes.add("/countdown/{n:int}", self.countdown)
        session.runs.routes.add("/steps/{n:int}", self.steps)
        session.runs.routes.add("/forever", self.forever)
        session.runs.routes.add("/wrong", self.wrong)
        session.runs.routes.add("/one", lambda _request: {"one": 1})

    async def countdown(self, request: Any, n: int):
        self.calls.append((request.run, n))
        for left in range(n, 0, -1):
            yield {"left": left}
            await asyncio.sleep(0)

    def steps(self, request: Any, n: int, kind: str = "step"):
        """Wait before each event after the first until the test says so."""
        self.calls.append((request.run, n))
        for number in range(n):
            if number:
                assert self.go_on.acquire(timeout=10)
            yield Event({"n": number}, type=kind)

    async def forever(self, request: Any):
        self.calls.append((request.run, 0))
        try:
            yield "begun"
            await asyncio.Event().wait()
        finally:
            self.closed.append(request.run)

    def wrong(self, _request: Any):
        yield 1
        raise ValueError("the secret of the user")


@pytest.fixture
def handlers(session: Session) -> Handlers:
    return Handlers(session)


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


@pytest.fixture
def with_limits() -> Iterator[Callable[[Limits], tuple[Session, Client, Handlers]]]:
    made = []

    def make(limits: Limits) -> tuple[Session, Client, Handlers]:
        session = Session(limits)
        made.append(session)
        return session, Client(session), Handlers(session)

    yield make
    for session in made:
        session.close()


def post(client: Client, path: str, run: str | None = None):
    return client.request("POST", "/runs", {"path": path} | ({} if run is None else {"run": run}))


def events_path(client: Client, channel: str, after: str) -> str:
    ticket = client.request("POST", "/tickets", {"client": "p", "channels": [channel]}).json()["ticket"]
    return f"/events?ticket={ticket}&client=p&channel={channel.replace('#', '%23')}&after={after}"


# POST /runs


def test_a_run_is_begun_and_read_like_any_channel(client: Client, handlers: Handlers) -> None:
    answer = post(client, "/countdown/3")
    run, channel = answer.json()["run"], answer.json()["channel"]
    assert answer.status == 201
    assert channel == f"/countdown/3#{run}"
    with client.stream(events_path(client, channel, f"{run}-0")) as stream:
        assert json.loads(stream.next().data) == {"channels": {channel: f"{run}-0"}}
        packs = stream.packs(3)
        assert [row[2]["left"] for pack in packs for row in pack["events"]] == [3, 2, 1]
        assert packs[0]["epoch"] == run
        assert json.loads(stream.take(1, "ended")[0].data) == {"channel": channel}
    assert handlers.calls == [(run, 3)]


def test_the_same_id_again_is_the_same_run_and_not_a_second_one(client: Client, handlers: Handlers) -> None:
    answers = [post(client, "/countdown/3", ID) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 200, 200]
    assert [answer.json() for answer in answers] == [{"run": ID, "channel": f"/countdown/3#{ID}"}] * 3
    eventually(lambda: handlers.calls == [(ID, 3)])


@pytest.mark.usefixtures("handlers")
def test_an_id_that_is_another_requests_is_refused(client: Client) -> None:
    post(client, "/countdown/3", ID)
    answer = post(client, "/countdown/4", ID)
    assert answer.status == 409
    assert answer.json() == {"error": "expected an id of its own for /countdown/4, got that of a run of /countdown/3"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"path": "/nothing"}, 404, "expected the path of a route, got '/nothing'; there are "),
        ({"path": "/countdown/x"}, 404, "expected the path of a route, got '/countdown/x'; did you mean"),
        (
            {"path": "countdown"},
            422,
            "expected a path and a query in UTF-8: expected a path of at most 2000 characters",
        ),
        ({"path": "/forever", "run": "short"}, 422, "expected a run's id of 32 hexadecimal digits, got 'short'"),
        ({"path": "/forever", "run": 1}, 422, "expected 'run' to be a string of 1 to 32 characters"),
        ({"run": ID}, 422, "expected 'path' to be a string of 1 to 16000 characters"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_reason(
    client: Client, handlers: Handlers, body: object, status: int, error: str
) -> None:
    answer = client.request("POST", "/runs", body)
    assert (answer.status, answer.json()["error"][: len(error)]) == (status, error)
    assert handlers.calls == []


def test_more_runs_than_may_be_are_refused_until_one_has_ended(with_limits) -> None:
    session, client, handlers = with_limits(Limits(max_runs=2))
    first = post(client, "/forever").json()["run"]
    post(client, "/forever")
    for answer in (post(client, "/countdown/1"), client.request("GET", "/countdown/1")):
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
        assert answer.json() == {"error": "expected at most 2 runs at a time, got one more; try again"}
    assert post(client, "/forever", first).status == 200
    session.runs.get(first).cancel()
    eventually(lambda: post(client, "/countdown/1").status == 201)
    assert handlers.closed == [first]


# GET PATH


def test_a_path_streams_its_run_to_the_end(client: Client, handlers: Handlers) -> None:
    with client.stream("/countdown/2") as stream:
        events = stream.take(3)
        run = handlers.calls[0][0]
        assert stream.raw.startswith(f"retry: 2000\nid: {run}-0\n\n".encode())
        assert [(event.type, event.id) for event in events] == [
            ("message", f"{run}-1"),
            ("message", f"{run}-2"),
            ("ended", f"{run}-3"),
        ]
        assert [json.loads(event.data) for event in events] == [
            {"left": 2},
            {"left": 1},
            {"channel": f"/countdown/2#{run}"},
        ]
        with pytest.raises(EOFError):
            stream.next()
        assert stream.ended


@pytest.mark.usefixtures("handlers")
def test_a_handlers_types_and_its_query_parameters_are_there(client: Client) -> None:
    with client.stream("/steps/1?kind=tick") as stream:
        assert [event.type for event in stream.take(2)] == ["tick", "ended"]
    with client.stream("/one") as stream:
        assert [event.data for event in stream.take(1)] == ['{"one":1}']


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_reconnect_goes_on_with_the_same_run(client: Client, handlers: Handlers, how: str) -> None:
    seen = []
    last = ""
    for part in range(4):
        if part:
            handlers.go_on.release()
        query = f"?after={last}" if how == "query" and last else ""
        with client.stream(
            f"/steps/4{query}", headers={"Last-Event-ID": last} if how == "header" and last else {}
        ) as stream:
            seen.append(json.loads(stream.next().data)["n"])
            last = stream.last_event_id
    assert seen == [0, 1, 2, 3]
    assert len(handlers.calls) == 1


def test_a_cut_before_the_first_event_resumes_too(client: Client, handlers: Handlers) -> None:
    with client.stream("/forever") as stream:
        stream.next()
        run = handlers.calls[0][0]
    with client.stream("/forever", headers={"Last-Event-ID": f"{run}-0"}) as stream:
        assert stream.next() == ("message", '"begun"', f"{run}-1")
    assert len(handlers.calls) == 1


def test_the_client_may_choose_the_id(client: Client, handlers: Handlers) -> None:
    for _ in range(2):
        with client.stream(f"/forever?run={ID}") as stream:
            assert stream.next().id == f"{ID}-1"
    assert handlers.calls == [(ID, 0)]


def test_the_end_comes_again_to_who_has_not_seen_it_and_stops_who_has(client: Client, handlers: Handlers) -> None:
    with client.stream("/countdown/2") as stream:
        last_event, ended = stream.take(3)[1:]
    with client.stream("/countdown/2", headers={"Last-Event-ID": last_event.id}) as stream:
        assert stream.next() == ended
    answer = client.request("GET", "/countdown/2", headers={"Last-Event-ID": ended.id})
    assert (answer.status, answer.body) == (204, b"")
    assert len(handlers.calls) == 1


@pytest.mark.parametrize("last", [f"{OTHER_ID}-7", "no cursor", "{of_another_path}"])
def test_a_run_that_nobody_knows_is_lost_and_not_run_again(client: Client, handlers: Handlers, last: str) -> None:
    other = post(client, "/forever").json()["run"]
    last = last.replace("{of_another_path}", f"{other}-1")
    with client.stream("/countdown/2", headers={"Last-Event-ID": last}) as stream:
        gap, ended = stream.take(2)
        with pytest.raises(EOFError):
            stream.next()
    assert (gap.type, json.loads(gap.data), gap.id) == ("gap", {"lost": None}, "gone-0")
    assert (ended.type, json.loads(ended.data)["error"]["class"]) == ("ended", "RunGone")
    assert client.request("GET", "/countdown/2", headers={"Last-Event-ID": ended.id}).status == 204
    assert (OTHER_ID, 2) not in handlers.calls
    assert all(n == 0 for _run, n in handlers.calls)


def test_events_that_have_left_the_history_before_a_reader_came_are_announced(with_limits) -> None:
    session, client, _handlers = with_limits(Limits(run_history=2))
    run = post(client, "/countdown/10").json()["run"]
    eventually(lambda: session.runs.get(run).state == "ended")
    with client.stream(f"/countdown/10?run={run}") as stream:
        events = stream.take(4)
    assert [(event.type, event.id) for event in events] == [
        ("gap", f"{run}-8"),
        ("message", f"{run}-9"),
        ("message", f"{run}-10"),
        ("ended", f"{run}-11"),
    ]
    assert events[0].data == '{"lost":8}'


def test_a_path_wants_the_bearer_or_a_ticket_for_it(client: Client, handlers: Handlers) -> None:
    assert client.request("GET", "/countdown/2", bearer=None).status == 403
    body = {"client": "p", "channels": ["/countdown/2"]}
    ticket = client.request("POST", "/tickets", body).json()["ticket"]
    assert client.request("GET", f"/countdown/3?ticket={ticket}&client=p", bearer=None).status == 403
    ticket = client.request("POST", "/tickets", body).json()["ticket"]
    with client.stream(f"/countdown/2?ticket={ticket}&client=p", bearer=None) as stream:
        assert [event.type for event in stream.take(3)] == ["message", "message", "ended"]
    assert len(handlers.calls) == 1


def test_a_path_that_is_no_text_opens_with_no_ticket(client: Client) -> None:
    assert client.request("GET", "/%ff?ticket=x&client=p", bearer=None).status == 403


@pytest.mark.usefixtures("handlers")
def test_tickets_are_for_paths_that_there_are(client: Client) -> None:
    answer = client.request("POST", "/tickets", {"client": "p", "channels": ["/nothing", "nothing", "/one"]})
    assert (answer.status, answer.json()["channels"]) == (404, ["/nothing", "nothing"])


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/one", 405), ("GET", "/nothing", 404), ("GET", "/%ff", 404)]
)
@pytest.mark.usefixtures("handlers")
def test_other_methods_and_paths_are_refused(client: Client, method: str, path: str, status: int) -> None:
    assert client.request(method, path).status == status


def test_only_its_handler_feeds_a_run(session: Session, client: Client, handlers: Handlers) -> None:
    run = post(client, "/forever").json()
    name = run["channel"].replace("/", "%2F").replace("#", "%23")
    answer = client.request("POST", f"/channels/{name}", {"mine": 1})
    assert (answer.status, answer.json()["detail"]) == (
        404,
        f"expected the name of a channel, got '/forever#{run['run']}', that of a run: only its handler feeds it",
    )
    eventually(lambda: handlers.calls == [(run["run"], 0)])
    eventually(lambda: [event.data for event in session.runs.get(run["run"]).channel.history] == ["begun"])


@pytest.mark.usefixtures("handlers")
def test_runs_are_counted(session: Session, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/one", "/wrong", "/forever"):
        post(client, path)
    eventually(lambda: [run.target.path for run in session.runs.running()] == ["/forever"])
    session.runs.running()[0].cancel()
    post(client, "/forever")
    lines = client.request("GET", "/metrics").body.decode().splitlines()
    assert [line for line in lines if "runs" in line and not line.startswith("#") and "created" not in line] == [
        "sse_widget_runs 1.0",
        "sse_widget_started_runs_total 4.0",
        "sse_widget_failed_runs_total 1.0",
        "sse_widget_cancelled_runs_total 1.0",
        "sse_widget_abandoned_runs_total 0.0",
    ]
    assert "the secret of the user" in caplog.text


# How it ends


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("packed", [True, False])
def test_a_handler_that_raises_tells_strangers_its_class_and_the_log_everything(
    client: Client, caplog: pytest.LogCaptureFixture, packed: bool
) -> None:
    error = {"class": "ValueError", "text": "the handler raised it; the traceback is in the kernel's log"}
    if packed:
        run = post(client, "/wrong").json()
        path = events_path(client, run["channel"], "")
    with client.stream(path if packed else "/wrong") as stream:
        ended = stream.take(1, "ended")[0]
    assert json.loads(ended.data)["error"] == error
    assert b"secret" not in stream.raw
    assert "ValueError: the secret of the user" in caplog.text


def test_other_runs_go_on_when_one_fails(client: Client, handlers: Handlers) -> None:
    with client.stream("/steps/2") as stream:
        stream.next()
        with client.stream("/wrong") as other:
            other.take(1, "ended")
        handlers.go_on.release()
        assert stream.next().type == "step"


# Leases


def test_a_run_that_its_readers_have_left_is_cancelled(with_limits) -> None:
    session, client, handlers = with_limits(Limits(run_lease_s=0.05))
    with client.stream("/forever") as stream:
        stream.next()
        run = session.runs.get(handlers.calls[0][0])
    eventually(lambda: handlers.closed == [run.id] and session.runs.n_abandoned == 1)
    assert (run.state, session.runs.n_cancelled) == ("cancelled", 1)
    with client.stream(f"/forever?after={run.id}-1") as stream:
        assert json.loads(stream.next().data)["error"] == {
            "class": "RunCancelled",
            "text": "the run of /forever ended early: nobody read it any more",
        }


def test_a_run_that_nobody_ever_read_is_cancelled(with_limits) -> None:
    session, client, _handlers = with_limits(Limits(run_lease_s=0.05))
    run = session.runs.get(post(client, "/forever").json()["run"])
    eventually(lambda: run.state == "cancelled" and not session.runs._working)


@pytest.mark.parametrize("reader", ["stream", "page", "kernel"])
def test_a_run_that_is_read_is_not(session: Session, client: Client, handlers: Handlers, reader: str) -> None:
    answer = post(client, "/forever").json()
    run = session.runs.get(answer["run"])
    eventually(lambda: run.channel.log.newest == 1)
    if reader == "stream":
        reading: Any = client.stream(f"/forever?run={run.id}")
        reading.next()
    elif reader == "page":
        reading = client.stream(events_path(client, run.channel.name, f"{run.id}-0"))
        reading.next()
    else:
        reading = run.channel.subscribe()
    run.alone_since = float("-inf")
    session.runs.sweep()
    assert run.state == "running"
    reading.close()
    eventually(lambda: not run.channel.log.readers())
    run.alone_since = float("-inf")
    session.runs.sweep()
    assert run.state == "cancelled"
    eventually(lambda: handlers.closed == [run.id])
