"""Other programs push: what is taken, what is refused and in which words, and that nothing is pushed twice."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.server import ledger
from sse_widget.server.push import MAX_BATCH_EVENTS
from tests.conftest import eventually
from tests.server.client import Answer, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session

NDJSON = {"Content-Type": "application/x-ndjson"}
ORIGIN = "http://localhost:8888"


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c")


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


def push(client: Client, body: object, query: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", f"/channels/c{query}", body, headers=named)


def push_lines(client: Client, lines: bytes, query: str = "", **headers: str) -> Answer:
    return push(client, lines, query, **NDJSON, **headers)


def problem(answer: Answer) -> tuple[int, str]:
    """Return status and detail of an answer, which must be a problem as RFC 9457 has it."""
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert set(content) == {"type", "title", "status", "detail"}
    assert (content["type"], content["status"]) == ("about:blank", answer.status)
    assert content["title"]
    return answer.status, content["detail"]


def data(channel: Channel) -> list[Any]:
    return [event.data for event in channel.history]


# One event


@pytest.mark.parametrize("value", [{"a": [1, None, "ä"]}, [], 0, -1.5, "text", "", True, False, None])
def test_a_json_body_is_one_event(channel: Channel, client: Client, value: object) -> None:
    answer = push(client, json.dumps(value).encode())
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    assert answer.json() == {"id": channel.newest_id, "first": channel.newest_id, "count": 1}
    (event,) = channel.history
    assert (event.data, event.type, event.id) == (value, "message", channel.newest_id)


def test_the_type_is_in_the_query(channel: Channel, client: Client) -> None:
    assert push(client, 1, "?type=trade").status == 201
    assert push(client, 2, "?type=").status == 201
    assert push(client, 3, "?type=%C3%A4%20b").status == 201
    assert [event.type for event in channel.history] == ["trade", "message", "ä b"]


def test_white_space_around_and_in_json_is_not_kept(channel: Channel, client: Client) -> None:
    assert push(client, b' {\r\n "a" : [ 1,\n2 ] }\n').status == 201
    assert channel.history[0].json == b'{"a":[1,2]}'


def test_a_reader_gets_what_was_pushed(channel: Channel, client: Client) -> None:
    with client.stream(f"/channels/{channel.name}") as stream:
        push(client, {"a": "\u2028\r\n"}, "?type=t")
        (event,) = stream.take(1)
        assert (event.type, json.loads(event.data), event.id) == ("t", {"a": "\u2028\r\n"}, channel.newest_id)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "expected a body of JSON, got: "),
        (b"{", "expected a body of JSON, got: "),
        (b"1 2", "expected a body of JSON, got: "),
        (b"NaN", "expected a body of JSON, got: "),
        (b"\xff", "expected a body of JSON, got: "),
        (b'"\\ud800"', "expected a body of JSON, got: "),
        (b"[" * 5000 + b"]" * 5000, "expected a body of JSON, got: "),
        (b"[" * 500 + b"]" * 500, "expected data that JSON can hold, got data nested more than 250 levels deep"),
    ],
)
def test_what_is_no_json_is_refused(channel: Channel, client: Client, body: bytes, expected: str) -> None:
    status, detail = problem(push(client, body))
    assert status == 422
    assert detail.startswith(expected)
    assert data(channel) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?type=gap", "expected a type other than the stream's own ['ended', 'gap', 'heartbeat'], got 'gap'"),
        ("?type=a%0Ab", "expected an event type without CR, LF, NUL and lone surrogates, got 'a\\nb'"),
        ("?type=" + "x" * 101, "expected an event type of 1 to 100 characters, got 101"),
        ("?type=a&type=b", "expected type= once in the query, got it 2 times"),
        ("?pace=yes", "expected pace to be 0 or 1, got 'yes'"),
    ],
)
def test_a_query_that_cannot_be_is_refused(channel: Channel, client: Client, query: str, expected: str) -> None:
    assert problem(push(client, 1, query)) == (422, expected)
    assert data(channel) == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_type_of_body_is_refused(channel: Channel, client: Client, kind: str) -> None:
    expected = f"expected Content-Type application/json or application/x-ndjson, got {kind!r}"
    assert problem(push(client, 1, Content_Type=kind)) == (415, expected)
    assert problem(push(client, 1, Content_Encoding="gzip")) == (415, "expected a body without Content-Encoding")
    assert data(channel) == []


def test_an_event_that_is_too_large_is_refused(channel: Channel, client: Client) -> None:
    limit = channel.max_event_bytes
    answer = push(client, b'"%b"' % (b"x" * limit))
    expected = f"expected an event of at most {limit} bytes, got {limit + 2}; push it in parts"
    assert problem(answer) == (413, f"{expected}, or push where it can be fetched")
    assert push(client, b'"%b"' % (b"x" * (limit - 2)) + b" " * limit).status == 201


@pytest.mark.parametrize(("kind", "limit"), [("application/json", 2 << 20), ("application/x-ndjson", 8 << 20)])
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    channel: Channel, client: Client, kind: str, limit: int
) -> None:
    answer = client.request("POST", "/channels/c", headers={"Content-Type": kind, "Content-Length": str(limit + 1)})
    assert problem(answer) == (413, f"expected a body of at most {limit} bytes, got {limit + 1}")
    assert data(channel) == []


def test_a_channel_that_nobody_made_is_not_made(session: Session, client: Client) -> None:
    answer = push(client, 1)
    assert problem(answer) == (404, "expected the name of a channel, got 'c'; make it with sse_widget.channel('c')")
    assert session.hub.channels() == []


def test_a_channel_that_does_not_exist_is_refused_before_the_body_is_read(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "1000000"}
    assert client.request("POST", "/channels/c", headers=headers).status == 404


def test_a_closed_channel_takes_nothing(channel: Channel, client: Client) -> None:
    with client.stream("/channels/c"):
        channel.close()
        status, detail = problem(push(client, 1))
    assert status == 410
    assert detail.startswith("expected an open channel, got <Channel 'c'")


def test_a_stranger_is_told_nothing_and_his_body_is_not_read(channel: Channel, client: Client) -> None:
    for path in ("/channels/c", "/channels/d"):
        headers = {"Content-Length": "1000000", "Content-Type": "text/plain"}
        answer = client.request("POST", path, bearer=None, headers=headers)
        assert (answer.status, answer.body) == (403, b'{"error":"not authorised"}')
        assert answer.headers["content-type"] == "application/json"
    assert data(channel) == []


# Batches


def test_each_line_of_a_batch_is_an_event(channel: Channel, client: Client) -> None:
    answer = push_lines(client, b'1\n{"a":2}\r\n\n  \n"three"', "?type=t")
    epoch = channel.epoch
    assert (answer.status, answer.json()) == (201, {"id": f"{epoch}-3", "first": f"{epoch}-1", "count": 3})
    assert [(event.data, event.type) for event in channel.history] == [(1, "t"), ({"a": 2}, "t"), ("three", "t")]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"", "expected a line of JSON for each event, got none"),
        (b"\n \r\n", "expected a line of JSON for each event, got none"),
        (b"1\n{\n3\n", "expected JSON in line 2, got: "),
        (b"1\n\n2 3\n", "expected JSON in line 3, got: "),
        (b"1\r2\r3\r", "expected JSON in line 1, got: "),
        ("1\n{\u2028}\n".encode(), "expected JSON in line 2, got: "),
    ],
)
def test_a_batch_with_a_broken_line_is_refused_as_a_whole(
    channel: Channel, client: Client, lines: bytes, expected: str
) -> None:
    status, detail = problem(push_lines(client, lines))
    assert status == 422
    assert detail.startswith(expected)
    assert data(channel) == []


def test_a_batch_with_an_event_that_is_too_large_is_refused_as_a_whole(channel: Channel, client: Client) -> None:
    assert push_lines(client, b'1\n"%b"\n' % (b"x" * channel.max_event_bytes)).status == 413
    assert data(channel) == []


def test_a_batch_of_too_many_lines_is_refused(channel: Channel, client: Client) -> None:
    assert push_lines(client, b"1\n" * MAX_BATCH_EVENTS).json()["count"] == MAX_BATCH_EVENTS
    n = MAX_BATCH_EVENTS + 1
    expected = f"expected at most {MAX_BATCH_EVENTS} lines, got {n}; push them in several batches"
    assert problem(push_lines(client, b"1\n" * n)) == (413, expected)
    assert len(channel.history) == MAX_BATCH_EVENTS


def test_nothing_comes_in_between_a_batch(channel: Channel, client: Client) -> None:
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            channel.push("x")

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(5):
            last = push_lines(client, b"1\n" * 1000).json()["id"]
            before = int(last.rpartition("-")[2]) - 1000
            assert {event.data for event in channel.since(f"{channel.epoch}-{before}")[:1000]} == {1}
    finally:
        stop.set()
        thread.join()


# Repeated


def test_a_push_that_is_repeated_is_pushed_once_and_answered_alike(channel: Channel, client: Client) -> None:
    first = push_lines(client, b"1\n2\n", Idempotency_Key="me:1")
    again = push_lines(client, b"1\n2\n", Idempotency_Key="me:1")
    assert (again.status, again.body) == (201, first.body)
    second = push_lines(client, b"1\n2\n", Idempotency_Key="me:2")
    assert second.json()["first"] == f"{channel.epoch}-3"
    assert push_lines(client, b"1\n2\n", Idempotency_Key='"me:2"').body == second.body
    assert data(channel) == [1, 2, 1, 2]


def test_a_key_without_a_number_is_good_for_one_push(channel: Channel, client: Client) -> None:
    key = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    assert push(client, 1, Idempotency_Key=f'"{key}"').body == push(client, 1, Idempotency_Key=key).body
    assert data(channel) == [1]


def test_a_key_that_does_not_fit_is_refused(channel: Channel, client: Client) -> None:
    push(client, 1, Idempotency_Key="me:1")
    push(client, 2, Idempotency_Key="me:2")
    assert problem(push(client, 1, Idempotency_Key="me:1")) == (409, "expected the number 2 or 3, got 1")
    assert problem(push(client, 4, Idempotency_Key="me:4")) == (409, "expected the number 2 or 3, got 4")
    again = (422, "expected the same push again under the number 2, got another one")
    assert problem(push(client, 3, Idempotency_Key="me:2")) == again
    assert problem(push(client, 2, "?type=t", Idempotency_Key="me:2")) == again
    assert problem(push_lines(client, b"2", Idempotency_Key="me:2")) == again
    status, detail = problem(push(client, 3, Idempotency_Key="you:7"))
    assert status == 409
    assert detail.startswith("expected number 1 of a client that is not known, got 7; whether what it pushed before")
    assert data(channel) == [1, 2]


@pytest.mark.parametrize("key", ["", "a b", "me:0", "me:-1", "me:1:2", "x" * 65, '"me:1', "me:" + "9" * 16, "m\u00e4"])
def test_what_is_no_key_is_refused(channel: Channel, client: Client, key: str) -> None:
    status, detail = problem(push(client, 1, Idempotency_Key=key))
    assert (status, detail[:40]) == (422, "expected Idempotency-Key as CLIENT:NUMBE")
    assert data(channel) == []


def test_a_refused_push_uses_up_no_number(channel: Channel, client: Client) -> None:
    assert push(client, b"{", Idempotency_Key="me:1").status == 422
    assert push(client, 1, "?type=gap", Idempotency_Key="me:1").status == 422
    assert push(client, 1, Idempotency_Key="me:1").status == 201
    assert data(channel) == [1]


def test_many_that_repeat_at_once_push_once(channel: Channel, client: Client) -> None:
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(push(client, 1, Idempotency_Key="me:1"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert data(channel) == [1]


def test_a_client_is_not_forgotten_while_it_may_repeat_and_there_is_room_again_later(
    channel: Channel, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MAX_CLIENTS", 3)
    for i in range(3):
        assert push(client, i, Idempotency_Key=f"c{i}").status == 201
    answer = push(client, 3, Idempotency_Key="c3")
    assert problem(answer) == (503, "expected at most 3 pushing clients within 60 s, got one more")
    assert answer.headers["retry-after"] == "1"
    push(client, 0, Idempotency_Key="c0")
    monkeypatch.setattr(ledger, "KEEP_S", 0)
    assert push(client, 3, Idempotency_Key="c3").status == 201
    assert data(channel) == [0, 1, 2, 3]


# A page


def test_a_known_page_may_push_and_read_what_is_wrong(channel: Channel, client: Client) -> None:
    client.guard._origins[ORIGIN] = None
    assert push(client, 1, Origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    answer = push(client, b"{", Origin=ORIGIN)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (422, ORIGIN)
    assert push(client, 1, Origin="https://evil.example").status == 403
    assert data(channel) == [1]


def test_an_error_of_ours_is_a_problem_that_tells_nothing(
    channel: Channel,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(channel, "push_many", fail)
    answer = push(client, 1)
    assert answer.json() == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    eventually(lambda: "a secret" in caplog.text)
    caplog.clear()
