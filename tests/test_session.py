"""One kernel's session: its channels, its server, its widgets together."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ipywidgets
import pytest

import sse_widget.session
from sse_widget.widget.widget import SSEWidget
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session

VIEW = "application/vnd.jupyter.widget-view+json"


def view_of(channel: Channel) -> str:
    shown: Any = channel._repr_mimebundle_()
    return str(shown[0][VIEW]["model_id"])


def test_a_channel_shows_the_same_live_log_each_time(session: Session) -> None:
    prices, trades = session.hub.channel("prices"), session.hub.channel("trades")
    shown = view_of(prices)
    assert view_of(prices) == shown
    assert view_of(trades) != shown


def test_a_channel_that_is_closed_and_made_again_shows_a_new_live_log(session: Session) -> None:
    prices = session.hub.channel("prices")
    shown = view_of(prices)
    prices.close()
    assert "make it anew with sse_widget.channel('prices')" in prices._repr_mimebundle_()["text/plain"]
    assert view_of(session.hub.channel("prices")) != shown


def test_the_end_of_a_session_is_not_the_end_of_its_channels(session: Session) -> None:
    """A page that heard `ended` would say that the channel was closed, and not that the kernel has gone."""
    prices = session.hub.channel("prices")
    prices.push(1)
    with Client(session).stream("/channels/prices?after=") as stream:
        assert stream.next().data == "1"
        session.close()
        with pytest.raises((EOFError, ConnectionError)):
            stream.next()
    assert prices.closed


# Addresses


def test_addresses_start_the_server_and_only_the_curl_line_holds_its_secret(session: Session) -> None:
    prices = session.hub.channel("prices")
    assert not session.server.running
    url = session.url(prices)
    assert session.server.running
    assert url == f"http://127.0.0.1:{session.server.start()}/channels/prices"
    assert str(session.server.guard.bearer) in session.curl(prices, b"1")
    assert session.curl(prices) == f"curl -sN -H 'Authorization: Bearer {session.server.guard.bearer}' '{url}'"


# Sources of widgets


def test_a_channel_is_its_own_source(session: Session) -> None:
    prices = session.hub.channel("prices")
    assert session.find(prices) is prices


@pytest.mark.parametrize("name", ["prices", "Börse/ü & 100 %?", "100%25"])
def test_a_channel_is_found_by_its_path_quoted_or_not(session: Session, name: str) -> None:
    channel = session.hub.channel(name)
    assert session.find(f"/channels/{name}") is channel
    assert session.find(urlsplit(channel.url).path) is channel


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        (
            "/channels/none",
            ValueError,
            "expected the path of a channel of this kernel, got '/channels/none'; make it with sse_widget.channel(...)",
        ),
        (
            "prices",
            ValueError,
            (
                "expected a channel or a path such as '/channels/prices', got 'prices'; "
                "did you mean sse_widget.channel('prices')?"
            ),
        ),
        (None, TypeError, "expected a channel, got NoneType; make one with sse_widget.channel('name')"),
    ],
)
def test_what_is_no_source_is_answered_with_what_to_do(
    session: Session, source: object, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as error:
        session.find(source)
    assert str(error.value) == said


# Shown


def test_a_live_log_that_its_user_has_closed_is_made_anew(session: Session) -> None:
    prices = session.hub.channel("prices")
    shown = view_of(prices)
    ipywidgets.widgets.widget._instances[shown].close()
    again = view_of(prices)
    assert again != shown
    assert view_of(prices) == again


def test_two_threads_that_show_a_channel_at_once_show_one_log(session: Session) -> None:
    prices = session.hub.channel("prices")
    shown: list[str] = []
    threads = [threading.Thread(target=lambda: shown.append(view_of(prices))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(shown) == 4
    assert len(set(shown)) == 1


# Batches from pages


class Feed:
    """Notes what a page sends to one widget."""

    def __init__(self, *, resume: bool = False) -> None:
        self.channel = SimpleNamespace(name="prices")
        self.resume = resume
        self.packs: list[object] = []
        self.said: list[tuple[str, object]] = []
        self.left: list[str] = []
        self.ended = 0

    def end(self) -> None:
        self.ended += 1

    def receive(self, packs: list[object]) -> tuple[str, bool]:
        self.packs += packs
        return f"e-{len(self.packs)}", self.resume

    def page_says(self, page: str, status: object) -> None:
        self.said.append((page, status))

    def page_left(self, page: str) -> None:
        self.left.append(page)


def test_each_feed_gets_the_packs_that_are_for_it_and_what_the_page_says(session: Session) -> None:
    first, second, quiet = Feed(), Feed(resume=True), Feed()
    for name, feed in {"first": first, "second": second, "quiet": quiet}.items():
        session.enter(name, feed, feed.end)  # type: ignore[arg-type]
    body = {
        "packs": ["a", "b", "c"],
        "wanted": [["first"], ["first", "second"], ["second", "gone"]],
        "feeds": {"first": {"state": "open"}, "quiet": {"state": "idle"}},
    }
    assert session.received("p", body) == {
        "feeds": {
            "first": {"cursor": "e-2", "resume": False},
            "second": {"cursor": "e-2", "resume": True},
            "quiet": {"cursor": "e-0", "resume": False},
            "gone": None,
        }
    }
    assert (first.packs, second.packs, quiet.packs) == (["a", "b"], ["b", "c"], [])
    assert (first.said, second.said) == ([("p", {"state": "open"})], [("p", {})])
    assert session.received("p", {}) == {"feeds": {}}


def test_packs_without_as_many_lists_of_feeds_are_refused(session: Session) -> None:
    with pytest.raises(ValueError, match=r"^1 packs and 0 lists of feeds$"):
        session.received("p", {"packs": ["a"]})


def test_a_batch_over_the_comm_is_checked_first(session: Session) -> None:
    assert session.received_over_comm("p", "{}") == {"feeds": {}}
    for text in ("[]", "nonsense", '{"packs": 5}'):
        with pytest.raises(ValueError):  # noqa: PT011 - batch.py has a test for each message
            session.received_over_comm("p", text)


def test_a_page_that_leaves_is_told_to_every_feed_that_is_still_there(session: Session) -> None:
    here, gone = Feed(), Feed()
    session.enter("here", here, here.end)  # type: ignore[arg-type]
    session.enter("gone", gone, gone.end)  # type: ignore[arg-type]
    session.leave("gone")
    session.leave("gone")
    session.page_left("p")
    assert (here.left, gone.left) == (["p"], [])


def test_the_end_of_a_session_whose_process_goes_on_closes_the_widgets_that_are_still_there(session: Session) -> None:
    here, gone = Feed(), Feed()
    session.enter("here", here, here.end)  # type: ignore[arg-type]
    session.enter("gone", gone, gone.end)  # type: ignore[arg-type]
    session.leave("gone")
    prices = session.hub.channel("prices")
    widget = SSEWidget(prices)
    session.end()
    assert (here.ended, gone.ended) == (1, 0)
    assert (widget.state, prices.closed) == ("closed", True)
    session.end()


def test_the_server_finds_channels_by_name(session: Session) -> None:
    prices = session.hub.channel("prices")
    assert session.channel("prices") is prices
    assert session.channel("other") is None


def test_a_batch_to_a_widget_that_locks_something_holds_up_no_other(session: Session) -> None:
    """The server's thread asks for feeds while the main thread makes and closes widgets."""
    prices = session.hub.channel("prices")
    stop = threading.Event()
    failed: list[BaseException] = []

    def post() -> None:
        try:
            while not stop.is_set():
                session.received("p", {"feeds": {name: {"state": "open"} for name in list(session._feeds)}})
                session.page_left("p")
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=post)
    thread.start()
    for _ in range(20):
        SSEWidget(prices).close()
    stop.set()
    thread.join(10)
    assert failed == []
    assert prices.stats().readers == []


# The kernel's own


@pytest.fixture
def _no_session_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sse_widget.session, "_current", None)
    yield
    sse_widget.session.current().close()


@pytest.mark.usefixtures("_no_session_yet")
def test_a_kernel_has_one_session_however_many_threads_ask_first() -> None:
    barrier = threading.Barrier(8)
    got: list[Session] = []

    def ask() -> None:
        barrier.wait()
        got.append(sse_widget.session.current())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert not got[0].server.running  # nobody has needed an address yet


@pytest.mark.usefixtures("_no_session_yet")
def test_the_channels_of_a_kernel_are_those_of_its_session() -> None:
    prices = sse_widget.channel("prices", history=5, history_bytes=10_000, history_s=60)
    assert sse_widget.channel("prices") is prices
    assert prices.log.measure()[3] == (5, 10_000, 60_000_000)
    assert sse_widget.session.current().find("/channels/prices") is prices


PROGRAM = """
import sse_widget as sse, threading, time
prices = sse.channel("prices")
feed = sse.SSEWidget(prices, after="newest")
feed.on("trade", print)
feed.on("trade", print, thread=True)
threading.Thread(target=lambda: [print("end of", event.data) for event in prices.subscribe(after="oldest")]).start()
prices.push("the program")
prices.drain()
prices.close()
print(prices.closed, prices.url.startswith("http://127.0.0.1:"))
"""


REQUESTS = """
import sse_widget as sse, threading, time

@sse.route("/count/{n:int}")
def count(request, n):
    yield from range(n)

run = sse.handle_request("/count/3", print)
print([event.data for event in run.result(timeout=10)])
while any(thread.name == "sse_widget callbacks" for thread in threading.enumerate()):
    time.sleep(0.01)  # whoever has something to call later needs a new one
"""


def test_a_program_that_uses_everything_ends_by_itself_quickly_and_without_a_word() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == ["True True", "end of the program"]


def test_a_program_that_makes_requests_ends_by_itself_too() -> None:
    command = [sys.executable, "-c", REQUESTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)  # noqa: S603 - ours
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[0, 1, 2]\n")
