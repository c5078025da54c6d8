"""Somebody else's stream as a channel, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import re
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import sse_widget
from sse_widget import session as session_module
from sse_widget.core.event import Gap
from sse_widget.errors import ChannelClosed, UpstreamError, WaitTimeout
from sse_widget.outside import relay
from sse_widget.sources import relay as module
from sse_widget.sources.intake import Intake, foreign_type
from sse_widget.sources.request import parse_request
from sse_widget.widget.widget import SSEWidget
from tests.conftest import eventually
from tests.core.vectors import OWN, SHARED, Vector, load
from tests.sources.upstream import OK, Upstream, answer, chunked, hold, plain, reset, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session
    from sse_widget.sources.relay import Relay
    from tests.sources.upstream import Step


@pytest.fixture(autouse=True)
def here(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Make the test's session this kernel's, and reconnects quick."""
    monkeypatch.setattr(session_module, "_current", session)
    monkeypatch.setattr(module, "_FIRST_S", 0.02)
    return session


def cases() -> Iterator[str]:
    return (f"case {number}" for number in itertools.count(1))


def read(channel: Channel) -> list[Any]:
    """Return what is in a channel: data, and for a gap what it says."""
    return [f"gap {item.lost}" if isinstance(item, Gap) else item.data for item in channel.since(f"{channel.epoch}-0")]


def source(channel: Channel) -> Relay:
    assert isinstance(channel.source, module.Relay)
    return channel.source


def ended(channel: Channel) -> list[Any]:
    """Wait until the stream has ended, and return what was in it."""
    source(channel).result(10)
    return read(channel)


STREAM = b'data: {"a": 1}\nid: 1\n\nevent: trade\ndata: text\nid: 2\n\n'
GONE = answer("204 No Content")


# What comes


@pytest.mark.parametrize(
    "step",
    [plain(STREAM), chunked(STREAM), chunked(*(bytes([byte]) for byte in STREAM))],
    ids=["closed at its end", "chunked", "byte by byte"],
)
def test_a_stream_becomes_a_channel(step: Step) -> None:
    with Upstream(step, GONE) as upstream:
        wiki = relay(upstream.url)
        reader = wiki.subscribe(after="oldest")
        first, second = reader.next(10), reader.next(10)
        assert (first.data, first.type, second.data, second.type) == ({"a": 1}, "message", "text", "trade")
        assert wiki.name == f"127.0.0.1:{upstream.port}/stream"
        assert ended(wiki) == [{"a": 1}, "text"]
        assert wiki.closed
    (asked, again) = upstream.asked
    assert (asked.method, asked.target, asked.body) == ("GET", "/stream", b"")
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert "last-event-id" not in asked.headers
    assert again.headers["last-event-id"] == "2"


def test_an_answer_of_known_length_is_a_stream_too() -> None:
    with Upstream(answer("200 OK", "Content-Type: Text/Event-Stream ; charset=utf-8", body=STREAM), GONE) as upstream:
        assert ended(relay(upstream.url)) == [{"a": 1}, "text"]


def test_it_shows_how_it_stands() -> None:
    with Upstream(hold(chunked(STREAM, whole=False))) as upstream:
        wiki = relay(upstream.url)
        eventually(lambda: source(wiki).stats().events == 2)
        stats = source(wiki).stats()
        assert (stats.state, stats.connections, stats.faults, stats.n_bytes) == ("open", 1, 0, len(STREAM))
        assert (stats.lost, stats.repeated, stats.unreadable, stats.last_event_id) == (0, 0, 0, "2")
        name = f"127.0.0.1:{upstream.port}/stream"
        assert repr(wiki.source) == f"<Relay of http://{name} into '{name}': open, 2 events>"
        with pytest.raises(WaitTimeout, match=r"to end within 0\.01 s; stop\(\) ends it"):
            source(wiki).result(0.01)


VECTORS = {f"own-{vector.name}": vector for vector in load(OWN)} | {
    f"shared-{vector.name}": vector for vector in load(SHARED)
}


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector_arrives_as_the_standard_has_it(name: str) -> None:
    vector: Vector = VECTORS[name]
    step = plain(vector.stream) if len(vector.stream) % 2 else chunked(vector.stream)
    with Upstream(step) as upstream:
        channel = relay(upstream.url, into=name, done=None, reconnect=False)
        source(channel).result(10)
    expected = [(foreign_type(type_), _parsed(data)) for type_, data, _id in vector.expected]
    assert [(event.type, event.data) for event in channel.history] == expected
    intake = source(channel).intake
    assert (intake.memory.last_event_id, intake.decoder.retry_ms) == (vector.last_event_id, vector.retry)
    assert source(channel).stats().lost == 0


def _parsed(data: str) -> Any:
    import json  # noqa: PLC0415 - as the standard has it, not as the package does

    try:
        value = json.loads(data, parse_constant=lambda _name: math.nan)
    except (ValueError, RecursionError):
        return data
    return data if value != value or "NaN" in data or "Infinity" in data else value  # noqa: PLR0124 - NaN is no JSON


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"12", 12),
        (b"NaN", "NaN"),
        (b'{"a": 1', '{"a": 1'),
        (b"[" * 300 + b"]" * 300, "[" * 300 + "]" * 300),
        (b'"\\ud800"', '"\\ud800"'),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        (b"\xe2\x80\xa8", "\u2028"),
    ],
    ids=cases(),
)
def test_data_is_parsed_where_it_is_json_and_else_kept(data: bytes, expected: object) -> None:
    with Upstream(plain(b"data: " + data + b"\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url, into="c"))[0] == expected


def test_types_that_are_the_streams_own_are_renamed_and_nothing_is_lost() -> None:
    stream = b'event: heartbeat\ndata: tick\n\nevent: gap\ndata: {"lost": 1, "x": 1}\n\nevent: ended\ndata: []\n\n'
    with Upstream(plain(stream), GONE) as upstream:
        channel = relay(upstream.url, into="c")
        source(channel).result(10)
    types = [event.type for event in channel.history]
    assert types == ["upstream-heartbeat", "upstream-gap", "upstream-ended"]


def test_what_comes_before_the_answer_is_no_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    with Upstream(say(early, OK, b"Content-Length: 9\r\n\r\ndata: 1\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url))[0] == 1


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("//x y/é?q=ü&r=%20#part", "//x%20y/%C3%A9?q=%C3%BC&r=%20"),
        ("/a%2Fb", "/a%2Fb"),
    ],
)
def test_the_path_is_sent_as_it_is_but_for_what_cannot_be(given: str, sent: str) -> None:
    with Upstream(GONE) as upstream:
        source(relay(f"http://localhost:{upstream.port}{given}", into="c")).wait(10)
    assert upstream.asked[0].target == sent
    assert upstream.asked[0].headers["host"] == f"localhost:{upstream.port}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("HTTPS://Bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://h:443/", "https://h/"),
    ],
)
def test_an_address_is_shown_in_one_form(url: str, shown: str) -> None:
    assert str(parse_request("GET", url, None, None).address) == shown


# The end


@pytest.mark.parametrize(
    "last", [b"data: [DONE]\n\ndata: more\n\n", b'event: ended\ndata: {"channel": "c"}\n\ndata: more\n\n']
)
def test_what_says_that_nothing_follows_ends_the_channel(last: bytes) -> None:
    with Upstream(hold(chunked(b"data: 1\n\n" + last, whole=False))) as upstream:
        channel = relay(upstream.url)
        assert ended(channel) == [1]
        assert (source(channel).state, channel.closed) == ("ended", True)
    assert len(upstream.asked) == 1


def test_204_ends_it_for_good() -> None:
    with Upstream(GONE) as upstream:
        channel = relay(upstream.url)
        assert ended(channel) == []
        assert (channel.closed, source(channel).stats().connections) == (True, 0)


def test_a_channel_that_is_not_its_own_stays_open(session: Session) -> None:
    channel = session.hub.channel("mine")
    with Upstream(GONE) as upstream:
        assert relay(upstream.url, into=channel) is channel
        assert ended(channel) == []
    assert not channel.closed


def test_a_post_is_sent_once_and_its_stream_ends_with_its_answer() -> None:
    with Upstream(chunked(b"data: a\n\n", b"data: b\n\n")) as upstream:
        channel = relay(upstream.url, "post", {"Authorization": "Bearer secret"}, {"prompt": "é"})
        assert ended(channel) == ["a", "b"]
        assert channel.closed
    (asked,) = upstream.asked
    assert (asked.method, asked.body) == ("POST", '{"prompt":"é"}'.encode())
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == "Bearer secret"


def test_a_post_that_breaks_in_the_middle_says_so_and_is_not_sent_again() -> None:
    with Upstream(chunked(b"data: a\n\n", whole=False)) as upstream:
        channel = relay(upstream.url, "POST", body=b"x")
        with pytest.raises(UpstreamError, match=r"^the connection broke too early; a POST is not sent twice$"):
            source(channel).result(10)
        assert read(channel) == ["a", "gap None"]
        assert not channel.closed
    assert len(upstream.asked) == 1


def test_a_post_without_an_answer_is_not_sent_again() -> None:
    with Upstream(say(b"")) as upstream:
        channel = relay(upstream.url, "POST", body="x")
        with pytest.raises(UpstreamError, match="a POST is not sent twice"):
            source(channel).result(10)
    assert [asked.body for asked in upstream.asked] == [b"x"]


def test_a_post_that_was_refused_for_now_is_sent_again() -> None:
    with Upstream(answer("503 Busy"), answer("429 Slow"), chunked(b"data: a\n\ndata: [DONE]\n\n")) as upstream:
        assert ended(relay(upstream.url, "POST")) == ["a"]
    assert [asked.headers["content-length"] for asked in upstream.asked] == ["0", "0", "0"]


def test_stop_closes_the_connection_and_pushes_nothing_more() -> None:
    with Upstream(hold(chunked(b"data: 1\n\n", whole=False))) as upstream:
        channel = relay(upstream.url)
        eventually(lambda: read(channel) == [1])
        source(channel).stop()
        source(channel).stop()
        assert source(channel).result(5) == 1
        assert (source(channel).state, channel.closed) == ("stopped", False)
        upstream._threads[0].join(5)  # it saw that the relay has gone
        assert not upstream._threads[0].is_alive()


def test_closing_the_channel_stops_the_relay() -> None:
    with Upstream(hold(chunked(b"data: 1\n\n", whole=False))) as upstream:
        channel = relay(upstream.url)
        eventually(lambda: read(channel) == [1])
        channel.close()
        source(channel).wait(5)
        assert source(channel).state == "stopped"
        upstream._threads[0].join(5)
        assert not upstream._threads[0].is_alive()


def test_the_end_of_the_session_stops_it(session: Session) -> None:
    with Upstream(hold(chunked(b"data: 1\n\n", whole=False))) as upstream:
        channel = relay(upstream.url)
        eventually(lambda: read(channel) == [1])
        session.close()
        source(channel).wait(5)
        assert source(channel).state == "stopped"


# Faults


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (answer("404 Not Found"), "expected status 200 of GET {url}, got 404"),
        (answer("401 No"), "expected status 200 of GET {url}, got 401; does it need headers={{'Authorization': …}}?"),
        (answer("405 No"), "expected status 200 of GET {url}, got 405; does it need method='POST'?"),
        (answer("304 Not Modified"), "expected status 200 of GET {url}, got 304"),
        (answer("206 Partial"), "expected status 200 of GET {url}, got 206"),
        (
            answer("200 OK", "Content-Type: text/html", body=STREAM),
            "expected text/event-stream of GET {url}, got text/html; is it an event stream?",
        ),
        (
            answer("200 OK", body=STREAM),
            "expected text/event-stream of GET {url}, got no content type; is it an event stream?",
        ),
        (
            answer("200 OK", "Content-Type: text/event-stream", "Content-Encoding: gzip", body=STREAM),
            "expected a stream as it is of GET {url}, got one in gzip",
        ),
        (answer("301 Moved"), "expected at most 5 redirects of GET {url}, got one more"),
        (
            answer("302 Found", "Location: ftp://h/"),
            "expected GET {url} to redirect to an address: expected",
        ),
        (answer("302 Found", "Location: /stream"), "expected at most 5 redirects of GET {url}, got one more"),
    ],
    ids=cases(),
)
def test_what_will_stay_wrong_fails_at_once_and_is_shown(
    step: Step, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Upstream(step) as upstream:
        channel = relay(upstream.url + "?token=secret")
        widget = SSEWidget(channel)
        with pytest.raises(UpstreamError) as caught:
            source(channel).result(10)
        assert str(caught.value).startswith(message.format(url=upstream.url))
        assert (source(channel).state, source(channel).error, read(channel)) == ("failed", caught.value, [])
        eventually(lambda: widget.error.startswith(f"the relay of {upstream.url} has failed: expected"))
        assert not channel.closed
        widget.close()
    assert "secret" not in caplog.text + repr(channel.source) + channel.name + str(caught.value) + channel.trouble
    assert any(record.levelno == logging.ERROR for record in caplog.records)


FAULTY = "the answer is not HTTP: something else where the size of a chunk should be"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (answer("500 Broken"), "the server has answered 500"),
        (answer("503 Busy", "Retry-After: 0"), "the server has answered 503"),
        (answer("503 Busy", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"), "the server has answered 503"),
        (answer("429 Slow", "Retry-After: soon"), "the server has answered 429"),
        (answer("408 Late"), "the server has answered 408"),
        (reset(say(b"")), "no answer within 60 s, or none that is HTTP"),
        (say(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), FAULTY),
        (say(b"SSH-2.0-OpenSSH\r\n\r\n"), "no answer within 60 s, or none that is HTTP"),
    ],
    ids=cases(),
)
def test_what_may_be_better_soon_is_tried_again(step: Step, text: str) -> None:
    with Upstream(step, step, plain(STREAM + b"data: [DONE]\n\n")) as upstream:
        channel = relay(upstream.url)
        assert ended(channel) == (["gap None"] if text == FAULTY else []) + [{"a": 1}, "text"]
        assert source(channel).stats()[7:9] == (2, text)
        assert source(channel).error is None


def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(module, "_sleep", sleep)
    steps = [answer("503 Busy", "Retry-After: 7"), answer("429 Slow", "Retry-After: 99999999"), answer("503 Busy")]
    with Upstream(*steps, plain(b"retry: 40000\n\n"), GONE) as upstream:
        ended(relay(upstream.url))
    assert 7 <= slept[0] < 8
    assert module.MAX_RETRY_S <= slept[1] < module.MAX_RETRY_S + 2
    assert slept[2] < 3
    assert 40 <= slept[3] <= 48


def test_nobody_there_is_tried_again_until_somebody_is() -> None:
    with Upstream(GONE) as other:
        pass
    channel = relay(other.url)
    eventually(lambda: source(channel).stats().faults >= 2)
    stats = source(channel).stats()
    assert (stats.state, stats.connections) == ("connecting", 0)
    assert stats.last_fault.startswith("no connection: ")
    assert "no connection: " in repr(channel.source)
    assert isinstance(source(channel).error, UpstreamError)
    source(channel).stop()


def test_an_upstream_that_stalls_is_left_and_asked_again() -> None:
    with Upstream(hold(chunked(b"data: 1\nid: 1\n\n", whole=False)), plain(b"data: 2\nid: 2\n\n"), GONE) as upstream:
        channel = relay(upstream.url, silence_s=0.05)
        assert ended(channel) == [1, 2]
        assert source(channel).stats().faults == 2
    assert upstream.asked[1].headers["last-event-id"] == "1"


def test_a_stall_is_named() -> None:
    with Upstream(hold(plain(b"data: 1\nid: 1\n\n"))) as upstream:
        channel = relay(upstream.url, silence_s=0.05)
        eventually(lambda: source(channel).stats().last_fault == "nothing came for 0.05 s")
        source(channel).stop()


def test_one_that_may_be_silent_for_ever_is_waited_for() -> None:
    with Upstream(hold(plain(b"data: 1\n\n"))) as upstream:
        channel = relay(upstream.url, silence_s=math.inf)
        eventually(lambda: read(channel) == [1])
        source(channel).stop()


def test_half_an_event_is_not_taken_and_its_id_does_not_count() -> None:
    half = b"data: 1\nid: 1\n\ndata: half\nid: 2\n"
    with Upstream(chunked(half, whole=False), plain(b"data: 2\nid: 2\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url)) == [1, 2]
    assert upstream.asked[1].headers["last-event-id"] == "1"


def test_cr_only_line_ends_are_line_ends() -> None:
    with Upstream(plain(b"data: 1\rdata: 2\r\rdata: 3\r\r"), GONE) as upstream:
        assert ended(relay(upstream.url))[:2] == ["1\n2", 3]


# Too much


def test_a_line_of_ten_mebibytes_is_announced_as_lost_and_the_rest_arrives() -> None:
    big = b"data: " + b"x" * (10 << 20) + b"\nid: 2\n\n"
    with Upstream(plain(b"data: 1\nid: 1\n\n", big, b"data: 3\nid: 3\n\n"), GONE) as upstream:
        channel = relay(upstream.url)
        assert ended(channel) == [1, "gap 1", 3]
        stats = source(channel).stats()
        assert (stats.unreadable, stats.lost, stats.connections) == (1, 1, 1)


def test_an_event_of_many_lines_that_is_too_large_is_too() -> None:
    big = (b"data: " + b"x" * 1000 + b"\n") * 9000 + b"\n"
    with Upstream(chunked(b"data: 1\n\n" + big + b"data: 3\n\n", big, b"data: 4\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url))[:5] == [1, "gap 1", 3, "gap 1", 4]


def test_an_event_that_the_channel_does_not_hold_is_announced_as_lost() -> None:
    with Upstream(plain(b"data: 1\n\ndata: " + b"x" * (2 << 20) + b"\n\ndata: 3\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url))[:3] == [1, "gap 1", 3]


# Secrets, and where they go


def test_headers_follow_a_redirect_within_the_origin_and_never_beyond() -> None:
    secret = {"Authorization": "Bearer secret", "Cookie": "a=secret", "X-Own": "secret"}
    with (
        Upstream(plain(b"data: 1\nid: 1\n\n"), GONE) as other,
        Upstream(
            answer("307 Here", "Location: /inner"),
            answer("302 There", f"Location: http://127.0.0.1:{other.port}/outer?x=1"),
        ) as upstream,
    ):
        channel = relay(upstream.url, headers=secret)
        eventually(lambda: len(other.asked) == 2)
        source(channel).stop()
    assert [asked.target for asked in upstream.asked][:2] == ["/stream", "/inner"]
    assert all(asked.headers["authorization"] == "Bearer secret" for asked in upstream.asked)
    assert [asked.target for asked in other.asked] == ["/outer?x=1", "/outer?x=1"]
    assert "secret" not in str([asked.headers for asked in other.asked])
    assert other.asked[1].headers["last-event-id"] == "1"


def test_a_post_does_not_follow_to_another_origin() -> None:
    with Upstream(GONE) as other, Upstream(answer("307 There", f"Location: {other.url}")) as upstream:
        channel = relay(upstream.url, "POST", body="secret")
        with pytest.raises(UpstreamError, match="to stay with its origin, got redirected to"):
            source(channel).result(10)
    assert other.asked == []


def test_a_user_in_the_address_becomes_a_header_and_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Upstream(plain(STREAM), GONE) as upstream:
        channel = relay(f"http://me:p%40ss@127.0.0.1:{upstream.port}/stream?key=p%40ss")
        ended(channel)
    assert upstream.asked[0].headers["authorization"] == "Basic bWU6cEBzcw=="  # me:p@ss
    assert upstream.asked[0].target == "/stream?key=p%40ss"
    shown = caplog.text + repr(channel) + repr(channel.source) + channel.name + repr(source(channel).request)
    assert "ss" not in shown.replace("sse_widget", "").replace("class", "").replace("expressed", "")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def served(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(authority: trustme.CA) -> None:
    with Upstream(plain(STREAM), context=served(authority, "localhost")) as upstream:
        channel = relay(f"https://localhost:{upstream.port}/stream", headers={"Authorization": "secret"})
        with pytest.raises(UpstreamError, match=f"^expected a valid certificate of localhost:{upstream.port}, got: "):
            source(channel).result(10)
    assert upstream.asked == []


def test_a_certificate_of_another_name_is_refused_though_it_is_trusted(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Upstream(plain(STREAM), context=served(authority, "example.org")) as upstream:
        channel = relay(f"https://localhost:{upstream.port}/stream", ssl_context=trusting)
        with pytest.raises(UpstreamError, match="expected a valid certificate"):
            source(channel).result(10)
    assert upstream.asked == []


def test_a_trusted_certificate_is_taken_and_a_way_back_to_http_is_not(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    context = served(authority, "localhost")
    with Upstream(plain(STREAM), answer("302 No", "Location: http://localhost/"), context=context) as upstream:
        channel = relay(f"https://localhost:{upstream.port}/stream", ssl_context=trusting)
        with pytest.raises(UpstreamError, match="to stay with https, got redirected to http://localhost/"):
            source(channel).result(10)
        assert read(channel) == [{"a": 1}, "text"]


# Again


def test_running_the_cell_again_goes_on_where_the_stream_was() -> None:
    with Upstream(
        hold(chunked(b"data: 1\nid: a\n\n", whole=False)), hold(chunked(b"data: 1\nid: a\n\ndata: 2\nid: b\n\n"))
    ) as upstream:
        first = relay(upstream.url)
        old = source(first)
        eventually(lambda: read(first) == [1])
        second = relay(upstream.url, headers={"X": "another"})
        assert second is first
        assert source(second) is not old
        assert old.state == "stopped"
        eventually(lambda: read(second) == [1, 2])
        assert source(second).stats().repeated == 1
        source(second).stop()
    assert upstream.asked[1].headers["last-event-id"] == "a"


def test_a_post_that_is_run_again_begins_anew() -> None:
    with Upstream(chunked(b"data: 1\nid: a\n\n")) as upstream:
        first = relay(upstream.url, "POST", body="x", into="answers")
        assert ended(first) == [1]
        assert ended(relay(upstream.url, "POST", body="x", into="answers")) == [1, 1]
    assert "last-event-id" not in upstream.asked[1].headers


def test_different_streams_of_one_address_have_channels_of_their_own(session: Session) -> None:
    with Upstream(GONE) as upstream:
        made = [
            relay(upstream.url + "?" + "q" * 10),
            relay(upstream.url + "?other"),
            relay(upstream.url, "POST", body="x"),
            relay(upstream.url, "POST", body="y"),
            relay(upstream.url + "/" + "long" * 100),
        ]
        for channel in made:
            source(channel).wait(10)
    assert len({channel.name for channel in made}) == 5
    assert all("q" * 10 not in channel.name and len(channel.name) < 80 for channel in made)
    assert session.hub.channels() == []


def test_two_streams_may_go_into_one_channel() -> None:
    with Upstream(plain(b"data: 1\n\ndata: [DONE]\n\n")) as one, Upstream(plain(b"data: 2\n\ndata: [DONE]\n\n")) as two:
        both = relay(one.url, into="both")
        first = source(both)
        relay(two.url, into=both)
        first.wait(10)
        source(both).wait(10)
        assert sorted(read(both)) == [1, 2]


# Arguments


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"url": 5}, TypeError, "expected the url as a str, got int"),
        ({"url": "wiki"}, ValueError, "expected an address such as 'https://example.org/stream', got 'wiki'"),
        (
            {"url": "ws://me:secret@h/?secret"},
            ValueError,
            "expected an address such as 'https://example.org/stream', got 'ws://h/'",
        ),
        (
            {"url": "http://h:99999/"},
            ValueError,
            "expected an address such as 'https://example.org/stream', got 'http://h:99999/'",
        ),
        (
            {"url": "http:///x"},
            ValueError,
            "expected an address such as 'https://example.org/stream', got 'http:///x'",
        ),
        ({"method": "GE T"}, ValueError, "expected a method such as 'GET' or 'POST', got 'GE T'"),
        ({"body": "x"}, ValueError, "expected no body with method='GET'; pass method='POST'"),
        (
            {"headers": {"A": "secret\r\nB: c"}},
            ValueError,
            "expected a header with a name and a value on one line of Latin-1, got 'A'",
        ),
        (
            {"headers": {"A:": "c"}},
            ValueError,
            "expected a header with a name and a value on one line of Latin-1, got 'A:'",
        ),
        (
            {"headers": {"A": "€"}},
            ValueError,
            "expected a header with a name and a value on one line of Latin-1, got 'A'",
        ),
        ({"headers": {"A": 5}}, TypeError, "expected headers as texts, got 'A' with a int"),
        (
            {"headers": {"Host": "x"}},
            ValueError,
            "expected headers that a relay does not set itself, got 'Host'; leave it out",
        ),
        ({"silence_s": 0}, ValueError, "expected silence_s to be a positive number of seconds, got 0"),
        ({"into": 5}, TypeError, "expected a channel or its name for into=, got int"),
    ],
    ids=cases(),
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], kind: type[Exception], message: str, session: Session
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        relay(**{"url": "http://127.0.0.1:9/", **arguments})
    assert session.hub.channels() == []


def test_a_closed_channel_takes_no_relay(session: Session) -> None:
    channel = session.hub.channel("c")
    channel.close()
    with pytest.raises(ChannelClosed, match="expected an open channel"):
        relay("http://127.0.0.1:9/", into=channel)


def test_a_bug_of_ours_is_told_and_the_relay_does_not_look_alive(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module.Intake, "_deliver", broken)
    with Upstream(plain(STREAM)) as upstream:
        channel = relay(upstream.url)
        with pytest.raises(UpstreamError, match=r"^the relay itself has broken: ZeroDivisionError$"):
            source(channel).result(10)
    assert "Traceback" in caplog.text


def test_it_is_public() -> None:
    assert sse_widget.relay is relay


# Gaps


def test_a_reconnect_without_ids_announces_what_nobody_can_know_once_until_something_comes() -> None:
    silent = chunked(b": nothing\n\n", whole=False)
    with Upstream(chunked(b"data: 1\n\n"), silent, silent, chunked(b"data: 2\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url)) == [1, "gap None", 2]


def test_what_is_sent_again_with_its_ids_is_left_out_and_a_jump_is_announced() -> None:
    def part(first: int, last: int) -> Step:
        return plain(b"".join(b"data: %d\nid: %d\n\n" % (number, number) for number in range(first, last + 1)))

    with Upstream(part(1, 5), part(1, 7), part(9, 9), GONE) as upstream:
        channel = relay(upstream.url)
        assert ended(channel) == [1, 2, 3, 4, 5, 6, 7, "gap 1", 9]
        assert source(channel).stats()[1:5] == (8, 5, 0, 1)
    assert [asked.headers.get("last-event-id") for asked in upstream.asked] == [None, "5", "7", "9"]


def test_what_another_server_of_this_package_announces_is_announced_again() -> None:
    stream = (
        b'data: 1\nid: e-1\n\nevent: gap\ndata: {"lost":5}\nid: e-6\n\ndata: 7\nid: e-7\n\n'
        b'event: heartbeat\ndata: {"id": "e-7"}\n\nevent: gap\ndata: {"lost":null}\nid: f-2\n\n'
        b'event: gap\ndata: {"lost":"many"}\nid: f-3\n\ndata: 4\nid: f-4\n\n'
        b"event: gap\ndata: 5\n\nevent: gap\ndata: text\n\n"
    )
    with Upstream(plain(stream), GONE) as upstream:
        assert ended(relay(upstream.url))[:6] == [1, "gap 5", 7, "gap None", 4, 5]


def test_a_gap_that_is_sent_again_is_no_second_one() -> None:
    gap = b'event: gap\ndata: {"lost":5}\nid: e-6\n\n'
    with Upstream(plain(b"data: 1\nid: e-1\n\n" + gap), plain(gap + b"data: 7\nid: e-7\n\n"), GONE) as upstream:
        assert ended(relay(upstream.url)) == [1, "gap 5", 7]


# Servers as they are


def test_a_kernels_own_channel_is_relayed_with_its_losses_and_its_end(session: Session) -> None:
    theirs = session.hub.channel("theirs")
    mine = relay(theirs.url, headers={"Authorization": f"Bearer {session.server.guard.bearer}"}, into="mine")
    eventually(lambda: source(mine).state == "open")
    theirs.push({"a": 1}, type="trade")
    theirs.announce(7)
    theirs.push(2)
    theirs.close()
    assert ended(mine) == [{"a": 1}, "gap 7", 2]
    assert mine.history[0].type == "trade"


EVENTS = 300
APPS = {
    "sse-starlette": """
import asyncio, json, sys, uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def stream(request):
    first = int(request.headers.get("last-event-id", 0)) + 1
    if first > 300:
        return Response(status_code=204)
    async def events():
        for number in range(first, min(first + 90, 301)):
            yield {"event": "tick", "id": str(number), "data": json.dumps({"n": number}), "retry": 5}
            await asyncio.sleep(0)
    return EventSourceResponse(events())

uvicorn.run(Starlette(routes=[Route("/stream", stream)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
""",
    "aiohttp-sse": """
import asyncio, json, sys
from aiohttp import web
from aiohttp_sse import sse_response

async def stream(request):
    first = int(request.headers.get("last-event-id", 0)) + 1
    if first > 300:
        return web.Response(status=204)
    async with sse_response(request) as response:
        for number in range(first, min(first + 90, 301)):
            await response.send(json.dumps({"n": number}), id=str(number), event="tick", retry=5)
        return response

app = web.Application()
app.router.add_get("/stream", stream)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
""",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("server", list(APPS))
def test_a_real_server_that_ends_its_answers_again_and_again_is_read_to_its_end(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", APPS[server], str(port)])  # noqa: S603 - ours
    try:
        channel = relay(f"http://127.0.0.1:{port}/stream")  # it waits for the server to be there
        source(channel).result(50)
    finally:
        process.terminate()
        process.wait(10)
    assert read(channel) == [{"n": number} for number in range(1, EVENTS + 1)]
    assert {event.type for event in channel.history} == {"tick"}
    assert source(channel).stats().connections == 4


# Moments that threads hit by chance


def test_a_relay_that_is_stopped_before_it_begins_asks_for_nothing(session: Session) -> None:
    with Upstream(plain(STREAM)) as upstream:
        request = parse_request("GET", upstream.url, None, None)
        one = module.Relay(request, Intake(session.hub.channel("c"), None), module.Options())
        one.stop()
        asyncio.run(one.run())
    assert (one.state, upstream.asked) == ("stopped", [])


def test_a_channel_that_closes_while_something_comes_ends_the_relay(session: Session) -> None:
    channel = session.hub.channel("c")
    with Upstream(plain(STREAM)) as upstream:
        channel.log.close()  # and its host has not heard of it yet
        request = parse_request("GET", upstream.url, None, None)
        one = module.Relay(request, Intake(channel, None), module.Options())
        asyncio.run(one.run())
    assert (one.state, one.error, one.stats().events) == ("stopped", None, 0)


def test_an_intake_that_was_closed_takes_and_remembers_nothing(session: Session) -> None:
    intake = Intake(session.hub.channel("c"), None)
    intake.begin()
    intake.take(b"data: 1\nid: a\n\ndata: 2\nid: b\n")
    intake.close()
    for chunk in (b"\ndata: 3\nid: c\n\n", b": nothing\n\n"):
        with pytest.raises(ChannelClosed, match="the relay was stopped"):
            intake.take(chunk)
    follower = Intake(intake.channel, None)
    follower.go_on(intake)
    follower.begin()
    follower.take(b"data: 2\nid: b\n\n")
    assert read(intake.channel) == [1, 2]
