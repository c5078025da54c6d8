"""The comm as carrier: few large messages, a window, no hole unnoticed."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.receiver import Receiver
from sse_widget.server import carrier as module
from sse_widget.server import leases, state
from sse_widget.server.carrier import Carrier
from tests.conftest import eventually
from tests.server.test_fanout import swallow_the_next_wakeup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        self.backs: int | None = None
        self.busy = False  # the kernel's main thread
        self.left: list[str] = []
        self.carrier = Carrier(
            channel, Cursor(channel.epoch, 0), self.message, session.server.call, self.main, self.left.append
        )

    def main(self, function: Callable[[], None]) -> None:
        if not self.busy:
            function()

    def message(self, content: dict[str, Any]) -> None:
        with self.lock:
            self.messages.append(content)
            if self.drop and content.get("packs"):
                self.drop -= 1
                return
            self.backs = content.get("backs", self.backs)
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

    def say(self, *, carry: bool = True, back: bool = False, backs: int | None = None) -> None:
        seen = self.backs if backs is None else backs
        self.carrier.report("page", carry=carry, cursor=str(self.receiver.cursor), back=back, backs=seen)

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


def test_the_end_says_why_what_fed_the_channel_has_failed(page: Page) -> None:
    page.carrier.begin()
    page.channel.failure = {"class": "ValueError", "text": "safe"}
    page.channel.close()
    eventually(lambda: page.ended)
    assert page.messages[-1] == {
        "kind": "ended",
        "cursor": f"{page.channel.epoch}-0",
        "error": {"class": "ValueError", "text": "safe"},
    }


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


@pytest.fixture
def _short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_S", 1.0)
    monkeypatch.setattr(leases, "GRACE_S", 0.4)
    monkeypatch.setattr(leases, "PROMPT_S", 0.2)
    monkeypatch.setattr(state, "_SWEEP_S", 0.05)


@pytest.mark.usefixtures("_short_lease")
def test_a_lease_that_nobody_renews_ends_it_and_tells_who_has_left(page: Page) -> None:
    page.answers = False
    page.say()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    eventually(lambda: page.channel.stats().readers == [])
    assert page.left == ["page"]
    page.channel.push(2)
    page.carrier.begin()  # displayed anew
    eventually(lambda: page.has(2))


@pytest.mark.usefixtures("_short_lease")
def test_no_lease_ends_while_a_cell_keeps_the_page_from_being_heard(page: Page) -> None:
    page.busy = True
    page.answers = False
    page.say()
    begun = time.monotonic()
    while time.monotonic() - begun < 4 * leases.LEASE_S:
        page.channel.push(1)
        eventually(lambda: page.has(page.channel.log.newest))
    assert page.left == []


def test_of_the_wishes_to_go_back_that_a_busy_kernel_finds_together_one_is_granted(page: Page) -> None:
    page.carrier.begin()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    page.answers = False
    page.channel.push_many(["x" * 500_000] * 8)
    eventually(lambda: page.has(9))
    page.messages.clear()
    for _ in range(6):
        page.carrier.report("page", carry=True, cursor=f"{page.channel.epoch}-1", back=True, backs=page.backs)
    place = f"{page.channel.epoch}-9"
    eventually(lambda: bool(page.messages) and page.messages[-1]["cursor"] == place)
    sent = [json.loads(text)["first"] for message in page.messages for text in message["packs"]]
    assert sent == list(dict.fromkeys(sent))
    assert page.backs == 1
    page.say(back=True, backs=0)  # nothing follows that would tell it so
    eventually(lambda: page.messages[-1] == {"kind": "packs", "packs": [], "cursor": place, "backs": 1})
    page.say(back=True)
    eventually(lambda: page.backs == 2)


def test_one_page_does_not_keep_another_from_going_back(page: Page) -> None:
    page.carrier.begin()
    page.channel.push_many(range(5))
    eventually(lambda: page.has(5))
    for name in ("one", "two"):
        page.messages.clear()
        page.carrier.report(name, carry=True, cursor=f"{page.channel.epoch}-2", back=True)
        eventually(lambda: any(message["packs"] for message in page.messages))


def test_it_remembers_only_so_many_pages(page: Page) -> None:
    for n in range(module.MAX_GRANTED + 10):
        page.carrier.report(f"page {n}", carry=True, cursor="", back=True)
    eventually(lambda: page.carrier._backs == module.MAX_GRANTED + 10)
    assert len(page.carrier._granted) == module.MAX_GRANTED


def test_a_wake_up_that_an_interrupt_has_swallowed_is_made_up_for_within_a_moment(page: Page) -> None:
    page.carrier.begin()
    page.channel.push(1)
    eventually(lambda: page.has(1))
    eventually(lambda: bool(page.channel.log._armed))
    swallow_the_next_wakeup(page.channel)
    eventually(lambda: page.has(2), deadline_s=5)


def test_a_comm_that_raises_closes_it(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_content: dict[str, Any]) -> None:
        raise RuntimeError("the comm is gone")

    start = Cursor(page.channel.epoch, 0)
    carrier = Carrier(page.channel, start, broken, page.session.server.call, page.main, page.left.append)
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
