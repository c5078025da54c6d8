"""The short answers: their shapes, and what they say to a malformed question."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.cursor import Cursor
from sse_widget.server.batch import check_batch
from sse_widget.server.guard import TICKET_S
from sse_widget.session import Session
from sse_widget.widget.feed import Feed
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel

NONCE = "0123456789abcdef" * 2
Path = tuple[str | int, ...]


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


@pytest.fixture(autouse=True)
def _nothing_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def channel(session: Session) -> Channel:
    """A channel with two packs of events that have left its history: what pages send is then read, not looked up."""
    made = session.hub.channel("c", history=1)
    made.push_many(range(8))
    return made


@pytest.fixture
def feed(session: Session, channel: Channel) -> Feed:
    return enter(session, channel, "f")


def enter(session: Session, channel: Channel, feed_id: str) -> Feed:
    made = Feed(channel, Cursor(channel.epoch, 0), 100, lambda: None)
    session.enter(feed_id, made, made.close)
    return made


def batch(channel: Channel) -> dict[str, Any]:
    """What a page sends: two packs of three events, for two feeds."""
    rows = [[1_700_000_000_000_000 + i, "message" if i % 2 else "trade", {"i": [i]}] for i in range(6)]
    return {
        "page": "p",
        "feeds": {
            "f": {
                "state": "open",
                "transport": "direct",
                "latency_ms": 1.5,
                "n": 1,
                "text": "",
                "transport_log": ["a line"],
            },
            "g": {"state": "open", "transport": "direct", "latency_ms": None},
        },
        "wanted": [["f", "g"], ["f"]],
        "packs": [
            {"channel": "c", "epoch": channel.epoch, "first": 1, "events": rows[:3]},
            {"channel": "c", "epoch": channel.epoch, "first": 4, "events": rows[3:], "gap": False, "unsure": False},
        ],
    }


def state_of(feed: Feed) -> tuple[object, ...]:
    """Everything that a batch could change."""
    return (feed.count, feed.lost, feed.latest, feed.latency_ms, feed.position, feed.log.newest, feed.status)


# Health and proofs


def test_healthz_says_ok_and_nothing_else(client: Client) -> None:
    assert client.request("GET", "/healthz", bearer=None).body == b'{"status":"ok"}'


def test_healthz_answers_while_the_main_thread_holds_the_channel(session: Session, client: Client) -> None:
    with session.hub.channel("c").log.lock:
        assert client.request("GET", "/healthz", bearer=None).status == 200


def test_whoami_proves_the_kernel(client: Client) -> None:
    answer = client.request("GET", f"/whoami?n={NONCE}", bearer=None)
    expected = hmac.new(bytes.fromhex(client.guard.key), f"server|{NONCE}".encode(), hashlib.sha256).hexdigest()
    assert answer.json() == {"server": client.guard.server_id, "mac": expected}


@pytest.mark.parametrize("query", ["", "?n=", "?n=x", f"?n={NONCE}0", f"?n={NONCE.upper()}", f"?m={NONCE}"])
def test_whoami_without_a_nonce_proves_nothing(client: Client, query: str) -> None:
    answer = client.request("GET", f"/whoami{query}")
    assert (answer.status, answer.json()) == (422, {"error": "expected n to be 32 hexadecimal digits"})
    assert client.request("GET", f"/whoami{query}", bearer=None).status == 403


@pytest.mark.parametrize("body", [{}, {"n": NONCE}, {"n": 1, "mac": 2}, {"n": NONCE, "mac": "ä"}, {"n": [], "mac": {}}])
def test_an_introduction_that_is_none_is_answered_as_any(client: Client, body: dict[str, Any]) -> None:
    answer = client.request("POST", "/whoami", body, bearer=None, headers={"Origin": "http://localhost:8888"})
    assert (answer.status, answer.body) == (204, b"")


# Tickets


def test_a_ticket_says_how_long_it_is_good(session: Session, client: Client) -> None:
    session.hub.channel("c")
    answer = client.request("POST", "/tickets", {"client": "p", "channels": ["c"]})
    assert answer.status == 200
    content = answer.json()
    assert content == {"ticket": content["ticket"], "expires_s": TICKET_S}
    assert len(bytes.fromhex(content["ticket"])) == 16


def test_channels_that_are_gone_are_named(session: Session, client: Client) -> None:
    session.hub.channel("c")
    answer = client.request("POST", "/tickets", {"client": "p", "channels": ["a", "c", "b"]})
    assert (answer.status, answer.json()) == (404, {"error": "no such channel", "channels": ["a", "b"]})


def test_a_ticket_opens_as_many_channels_as_it_may_name(session: Session, client: Client) -> None:
    limit = session.server.limits.max_channels_per_stream
    names = [f"n{i}" for i in range(limit)]
    for name in names:
        session.hub.channel(name)
    ticket = client.request("POST", "/tickets", {"client": "p", "channels": names}).json()["ticket"]
    query = "&".join(f"channel={name}&after=" for name in names)
    with client.stream(f"/events?ticket={ticket}&client=p&{query}", bearer=None) as stream:
        assert list(json.loads(stream.next().data)["channels"]) == names


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"channels": ["c"]}, "expected 'client' to be a string of 1 to 64 characters"),
        ({"client": "", "channels": ["c"]}, "expected 'client' to be a string of 1 to 64 characters"),
        ({"client": "x" * 65, "channels": ["c"]}, "expected 'client' to be a string of 1 to 64 characters"),
        ({"client": 7, "channels": ["c"]}, "expected 'client' to be a string of 1 to 64 characters"),
        ({"client": "p"}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": []}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": "c"}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": {"c": 1}}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": ["c", 1]}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": [["c"]]}, "expected 'channels' to be a list of 1 to 400 names"),
        ({"client": "p", "channels": ["c"] * 401}, "expected 'channels' to be a list of 1 to 400 names"),
    ],
)
def test_a_malformed_wish_for_a_ticket_is_refused(
    session: Session, client: Client, body: dict[str, Any], error: str
) -> None:
    session.hub.channel("c")
    answer = client.request("POST", "/tickets", body)
    assert (answer.status, answer.json()) == (422, {"error": error})
    assert client.guard._tickets == {}


@pytest.mark.parametrize(
    "query", ["", "?channel=c", "?after=", "?channel=c&after=&channel=c&after=", "?channel=c&after=&channel=d"]
)
def test_a_stream_needs_a_cursor_for_each_channel_once(session: Session, client: Client, query: str) -> None:
    session.hub.channel("c")
    session.hub.channel("d")
    answer = client.request("GET", f"/events{query}")
    error = "expected 1 to 400 different channels, each with its after="
    assert (answer.status, answer.json()) == (422, {"error": error})


def test_a_stream_of_a_channel_that_is_gone_is_not_found(session: Session, client: Client) -> None:
    session.hub.channel("c")
    answer = client.request("GET", "/events?channel=c&after=&channel=d&after=")
    assert (answer.status, answer.json()) == (404, {"error": "expected names of open channels, got ['c', 'd']"})
    answer = client.request("GET", "/channels/d")
    assert (answer.status, answer.json()) == (404, {"error": "expected the name of an open channel, got 'd'"})


def test_those_who_are_authorised_get_a_reason(client: Client) -> None:
    reasons = {
        ("GET", "/no-such-path"): (404, "Not Found"),
        ("PUT", "/healthz"): (405, "Method Not Allowed"),
        ("GET", "/tickets"): (405, "Method Not Allowed"),
        ("POST", "/events"): (405, "Method Not Allowed"),
        ("GET", "/events?channel=%ff"): (400, "Bad Request"),
    }
    for (method, path), (status, reason) in reasons.items():
        answer = client.request(method, path)
        assert (answer.status, answer.json()) == (status, {"error": reason}), path


# Back to Python


def test_a_batch_is_acknowledged_feed_by_feed(session: Session, client: Client, channel: Channel, feed: Feed) -> None:
    other = enter(session, channel, "g")
    answer = client.request("POST", "/received", batch(channel))
    assert (answer.status, answer.json()) == (
        200,
        {
            "feeds": {
                "f": {"cursor": f"{channel.epoch}-6", "resume": False},
                "g": {"cursor": f"{channel.epoch}-3", "resume": False},
            }
        },
    )
    assert (feed.count, other.count) == (6, 3)
    assert feed.latest is not None
    assert (feed.latest.data, feed.latest.type, feed.latest.id) == ({"i": [5]}, "message", f"{channel.epoch}-6")
    assert feed.latency_ms == 1.5
    assert feed.status.state == "open"


def test_a_batch_sent_again_changes_nothing(client: Client, channel: Channel, feed: Feed) -> None:
    first = client.request("POST", "/received", batch(channel))
    before = state_of(feed)
    again = client.request("POST", "/received", batch(channel))
    assert first.json() == again.json()
    assert state_of(feed) == before


def test_a_pack_that_does_not_join_on_sends_the_page_back(client: Client, channel: Channel, feed: Feed) -> None:
    content = batch(channel)
    content["wanted"], content["packs"] = [["f"]], content["packs"][1:]
    answer = client.request("POST", "/received", content)
    assert answer.json()["feeds"]["f"] == {"cursor": f"{channel.epoch}-0", "resume": True}
    assert feed.count == 0


def test_a_feed_that_is_closed_is_null(client: Client, session: Session, channel: Channel, feed: Feed) -> None:
    session.leave("f")
    assert client.request("POST", "/received", batch(channel)).json() == {"feeds": {"f": None, "g": None}}
    assert feed.count == 0


@pytest.mark.parametrize("body", [{"page": "p"}, {"page": "p", "packs": [], "wanted": [], "feeds": {}}])
def test_an_empty_batch_is_a_lease(client: Client, body: dict[str, Any]) -> None:
    assert client.request("POST", "/received", body).json() == {"feeds": {}}


@pytest.mark.parametrize("page", [None, "", "x" * 65, 1, ["p"], {"p": 1}])
def test_a_batch_needs_a_page(client: Client, page: object) -> None:
    answer = client.request("POST", "/received", {"page": page})
    assert (answer.status, answer.json()) == (422, {"error": "expected 'page' to be a string of 1 to 64 characters"})


OTHER_VALUES = [None, True, -1, 0.5, "x", [], {}, [None], {"x": None}]
BAD_VALUES: dict[str, list[Any]] = {
    "first": [0, -1, 10**15, 2**63, True, 1.0, "1"],
    "epoch": ["", "a-b", "a\n", "ä", "x" * 65, "a b"],
    "gap": [None, 0, 1, "true", []],
    "unsure": [None, 0, 1, "true", []],
    "latency_ms": [True, "1", [], {}],
    "state": [None, 1, [], "x" * 2001],
    "text": [None, 1, "x" * 2001],
    "transport_log": [None, "text", [1], ["x" * 2001], [""] * 101, {"0": "x"}],
    "n": [None, True, 1.5, "1"],
}
BAD_ROWS: list[Any] = [
    [],
    [1, "t"],
    [1, "t", 1, 1],
    {"0": 1, "1": "t", "2": 1},
    "row",
    [1.0, "t", 1],
    [True, "t", 1],
    [-1, "t", 1],
    [2**62, "t", 1],
    ["1", "t", 1],
    [1, None, 1],
    [1, ["t"], 1],
    [1, "", 1],
    [1, "a\nb", 1],
    [1, "a\rb", 1],
    [1, "a\0b", 1],
    [1, "x" * 101, 1],
    [0, "gap", {"lost": 1}],
    [1, "gap", {"lost": 0}],
    [1, "gap", {"lost": 10**15}],
    [1, "gap", {"lost": True}],
    [1, "gap", {"lost": 1, "more": 1}],
    [1, "gap", {}],
    [1, "gap", 1],
    [1, "heartbeat", 1],
    [1, "ended", 1],
]


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Find the way to each part of a JSON value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from _paths(child, (*path, key))


def _replaced(content: Any, path: Path, value: Any) -> Any:
    made = copy.deepcopy(content)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


def _at(content: Any, path: Path) -> Any:
    for key in path:
        content = content[key]
    return content


def _malformed(good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make every batch that differs from a good one in one place, by a value of another type or out of its range."""
    for path in _paths(good):
        if path == ("page",) or (path[2:3] == ("events",) and path[4:5] == (2,)):
            continue  # an event's data may be anything
        for value in OTHER_VALUES:
            may = (path[-1] == "latency_ms" and type(value) in {int, float, type(None)}) or (
                path[-1] in {"gap", "unsure"} and type(value) is bool
            )
            if type(value) is not type(_at(good, path)) and not may:
                yield f"{path} = {value!r}", _replaced(good, path, value)
        for value in BAD_VALUES.get(str(path[-1]), []):
            yield f"{path} = {str(value)[:40]}", _replaced(good, path, value)
        if len(path) == 4 and path[2] == "events":
            for row in BAD_ROWS:
                yield f"{path} = {row!r}", _replaced(good, path, row)
    for name in ("channel", "epoch", "first", "events"):
        made = copy.deepcopy(good)
        del made["packs"][1][name]
        yield f"no {name}", made
    for name in ("packs", "wanted"):
        made = copy.deepcopy(good)
        del made[name]
        yield f"no {name}", made
        yield f"one of {name} too few", {**good, name: good[name][:1]}
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    yield "data nested too deep", _replaced(good, ("packs", 1, "events", 2, 2), deep)


def test_a_malformed_batch_is_refused_as_a_whole(
    client: Client, session: Session, channel: Channel, feed: Feed
) -> None:
    """The first pack is good in nearly all of them: it must not be taken either, and no cursor may move."""
    other = enter(session, channel, "g")
    good = batch(channel)
    before = state_of(feed), state_of(other)
    odd = []
    for what, content in _malformed(good):
        answer = client.request("POST", "/received", content)
        if answer.status != 422 or not answer.json()["error"].startswith("expected "):
            odd.append((what, answer.status, answer.body[:200]))
        elif (state_of(feed), state_of(other)) != before:
            odd.append((what, "changed a feed", b""))
            break
    assert odd == []
    assert client.request("POST", "/received", good).status == 200
    assert (feed.count, other.count) == (6, 3)


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (("packs",), "x", "expected packs to be a list, got 'x'"),
        (("wanted",), [["f"]], "expected wanted to be a list of 2 lists, got [['f']]"),
        (("wanted", 1), ["f", 1], "expected wanted[1] to be a list of feed ids, got ['f', 1]"),
        (("feeds",), [], "expected feeds to be an object, got []"),
        (("feeds", "f"), 1, "expected feeds['f'] to be an object, got 1"),
        (("packs", 0, "first"), 0, "expected packs[0]['first'] to be a sequence, got 0"),
        (("packs", 1, "epoch"), "-", "expected packs[1]['epoch'] to be an epoch and sequences as in a cursor, got '-'"),
        (("packs", 1, "events", 2), [1], "expected packs[1]['events'][2] to be [time_us, type, data], got [1]"),
        (
            ("packs", 1, "events", 2, 1),
            "a\nb",
            "expected an event type without CR, LF, NUL and lone surrogates, got 'a\\nb' at packs[1]['events'][2][1]",
        ),
    ],
)
def test_a_refused_batch_is_told_where_it_is_wrong(
    client: Client, channel: Channel, path: Path, value: object, error: str
) -> None:
    answer = client.request("POST", "/received", _replaced(batch(channel), path, value))
    assert answer.json() == {"error": error}


@pytest.mark.parametrize("content", [[], "x", None, 1])
def test_a_batch_is_an_object(content: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a batch to be an object, got "):
        check_batch(content)


def test_a_long_wrong_value_is_not_sent_back_whole(client: Client) -> None:
    answer = client.request("POST", "/received", {"page": "p", "packs": "x" * 100_000})
    assert answer.status == 422
    assert len(answer.body) < 200


@pytest.mark.parametrize("levels", [0, 1, 249, 253])
def test_data_as_deep_as_can_be_pushed_comes_back(client: Client, channel: Channel, feed: Feed, levels: int) -> None:
    """What a page got from the server is never refused: the page would send it again and again."""
    data: Any = 1
    for _ in range(levels):
        data = [data]
    channel.push(data)
    content = batch(channel)
    content["packs"] = [{"channel": "c", "epoch": channel.epoch, "first": 1, "events": [[1, "deep", data]]}]
    content["wanted"] = [["f"]]
    assert client.request("POST", "/received", content).status == 200
    assert feed.latest is not None
    assert feed.latest.data == data


_names = st.sampled_from(["packs", "wanted", "feeds", "channel", "epoch", "first", "events", "gap", "state", "n", "f"])
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | _names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names | st.text(max_size=3), inner, max_size=6),
    max_leaves=12,
)
_rows = st.lists(
    st.tuples(st.integers(0, 10), st.sampled_from(["message", "a", "gap"]), _json).map(list)
    | st.tuples(st.integers(0, 10), st.just("gap"), st.fixed_dictionaries({"lost": _json})).map(list)
    | _json,
    max_size=3,
)
_packs = st.fixed_dictionaries(
    {
        "channel": st.just("c"),
        "epoch": st.just("e") | _json,
        "first": st.integers(-1, 5) | _json,
        "events": _rows | _json,
    },
    optional={"gap": st.booleans() | _json, "unsure": st.booleans() | _json},
)
_batches = st.fixed_dictionaries(
    {},
    optional={
        "packs": st.lists(_packs | _json, max_size=2) | _json,
        "wanted": st.lists(st.lists(st.sampled_from(["f", "g"]), max_size=2), max_size=2) | _json,
        "feeds": st.dictionaries(st.sampled_from(["f", "g"]), _json, max_size=2) | _json,
    },
)


@given(_batches)
def test_what_passes_the_check_is_taken_without_an_error(content: dict[str, Any]) -> None:
    session = Session()
    channel = session.hub.channel("c")
    feed = enter(session, channel, "f")
    try:
        check_batch(content)
    except ValueError:
        assert state_of(feed)[0] == 0
        return
    answer = session.received("p", content)
    assert set(answer["feeds"]) >= set(content["feeds"])
    gaps = [event for event in feed.log.after(0).items if event.type == "gap"]
    assert feed.count == feed.log.newest - len(gaps)


def test_batches_of_many_pages_at_once_are_each_taken_once(client: Client, channel: Channel, feed: Feed) -> None:
    content = json.dumps(batch(channel)).encode()
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.request("POST", "/received", content).status))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16
    assert (feed.count, feed.lost, feed.log.newest) == (6, 0, 6)
