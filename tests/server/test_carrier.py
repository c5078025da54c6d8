"""The comm as carrier: few large messages, a window, no hole unnoticed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.receiver import Receiver
from sse_widget.server import carrier as module
from sse_widget.server.carrier import Carrier
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


class Page:
    """The other end of a comm that may drop messages."""

    def __init__(self, session: Session, channel: Channel) -> None:
        self.session = session
        self.channel = channel
        self.receiver = Receiver(Cursor(channel.epoch, 0))
        self.taken: list[Any] = []
        self.lost = 0
        self.messages: list[dict[str, Any]] = []
        self.drop = 0  # how many of the next messages are lost on the way
        self.answers = True
        self.ended = False
        self.lock = threading.Lock()
        self.carrier = Carrier(channel, Cursor(channel.epoch, 0), self.message, session.server.call)

    def message(self, content: dict[str, Any]) -> None:
        with self.lock:
            self.messages.append(content)
            if self.drop and content.get("packs"):
                self.drop -= 1
                return
            self.ended = self.ended or content["kind"] == "ended"
            back = False
            for text in content.get("packs", []):
                back = not self.take(json.loads(text)) or back
            back = back or content.get("cursor", str(self.receiver.cursor)) != str(self.receiver.cursor)
        if self.answers:
            self.say(back=back)

    def take(self, pack: dict[str, Any]) -> bool:
        taken = self.receiver.take(pack["epoch"], pack["first"], len(pack["events"]), gap=pack.get("gap", False))
        if taken.joins:
            self.lost += taken.lost or 0
            self.taken += [data for _, _, data in pack["events"][taken.skip :]]
        return taken.joins

    def say(self, *, carry: bool = True, back: bool = False) -> None:
        self.carrier.report("page", carry=carry, cursor=str(self.receiver.cursor), back=back)

    def has(self, count: int) -> bool:
        return len(self.taken) + self.lost >= count


@pytest.fixture
def page(session: Session) -> Iterator[Page]:
    session.server.start()
    made = Page(session, session.hub.channel("c"))
    yield made
    made.carrier.close()


def test_it_speaks_first_and_goes_on_live(page: Page) -> None:
    page.channel.push(1)
    page.carrier.begin()
    eventually(lambda: page.has(1))
    page.channel.push(2)
    eventually(lambda: page.has(2))
    assert page.taken == [1, 2]


def test_twenty_thousand_events_take_few_messages(page: Page) -> None:
    page.carrier.begin()
    for i in range(20_000):
        page.channel.push({"i": i})
    eventually(lambda: page.has(20_000))
    assert [data["i"] for data in page.taken] == list(range(20_000))
    assert len(page.messages) < 100


def test_a_dropped_message_is_sent_again(page: Page) -> None:
    page.carrier.begin()
    for i in range(3000):
        page.channel.push(i)
        if i % 1000 == 500:
            page.drop = 1
    eventually(lambda: page.drop == 0)
    page.channel.push(3000)  # a drop shows with what comes next
    eventually(lambda: page.has(3001))
    assert page.taken == list(range(3001))


def test_a_heartbeat_shows_that_the_last_message_was_dropped(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.2)
    page.carrier.begin()
    page.drop = 1
    page.channel.push("lost on the way")
    eventually(lambda: page.has(1))
    assert page.taken == ["lost on the way"]


def test_without_confirmation_it_stops_at_the_window_and_goes_on_with_one(page: Page) -> None:
    page.answers = False
    page.say()
    for _ in range(12):
        page.channel.push("x" * 1_000_000)
    eventually(lambda: len(page.taken) == 10)  # two a message; the fifth message passes the window
    assert page.carrier._unconfirmed
    page.answers = True
    page.say()
    eventually(lambda: page.has(12))


def test_where_nobody_is_it_gives_up_at_the_window_and_drain_does_not_wait(page: Page) -> None:
    page.answers = False
    page.carrier.begin()
    for _ in range(12):
        page.channel.push("x" * 1_000_000)
    page.channel.drain(timeout=10)


def test_a_page_with_something_better_ends_it_and_one_that_needs_it_begins_it_again(page: Page) -> None:
    page.carrier.begin()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    page.answers = False
    page.say(carry=False)
    page.channel.push(2)
    page.channel.drain(timeout=10)  # nobody is left to wait for
    assert page.taken == [1]
    page.answers = True
    page.say(carry=True, back=True)
    eventually(lambda: page.has(2))
    assert page.taken == [1, 2]


def test_what_left_the_history_is_announced(page: Page) -> None:
    page.session.hub.channel("c", history=10)
    page.channel.push_many(range(100))
    page.carrier.begin()
    eventually(lambda: page.has(100))
    assert (page.lost, page.taken) == (90, list(range(90, 100)))


def test_a_closed_channel_ends_it_after_its_last_event(page: Page) -> None:
    page.carrier.begin()
    page.channel.push(1)
    page.channel.close()
    eventually(lambda: page.ended)
    assert page.taken == [1]


def test_a_page_that_missed_the_last_message_can_go_back_after_the_end(page: Page) -> None:
    page.carrier.begin()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    page.drop = 1
    page.channel.push(2)
    page.channel.close()
    eventually(lambda: page.has(2))
    assert page.taken == [1, 2]


def test_a_page_that_moved_to_the_comm_is_not_forgotten_with_its_stream(page: Page) -> None:
    page.say()
    page.carrier.forget("page")
    page.channel.push(1)
    eventually(lambda: page.has(1))


def test_a_lease_that_nobody_renews_ends_it(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE_S", 0.5)
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.1)
    page.answers = False
    page.say()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    eventually(lambda: page.channel.stats().readers == [])


def test_a_comm_that_raises_closes_it(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_content: dict[str, Any]) -> None:
        raise RuntimeError("the comm is gone")

    carrier = Carrier(page.channel, Cursor(page.channel.epoch, 0), broken, page.session.server.call)
    carrier.begin()
    page.channel.push(1)
    eventually(lambda: carrier._closed)
    assert "does not take messages any more" in caplog.text
    carrier.begin()
    carrier.report("page", carry=True)
    carrier.close()


def test_the_cursor_of_a_message_is_where_its_reader_is(page: Page) -> None:
    page.carrier.begin()
    page.channel.push_many(range(5))
    eventually(lambda: page.has(5))
    assert parse_cursor(page.messages[-1]["cursor"]) == page.receiver.cursor
