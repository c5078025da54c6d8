"""What a widget has received: packs from pages, their states, and places in the log."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.errors import WaitTimeout
from sse_widget.widget import feed as module
from sse_widget.widget.feed import Feed, PageStatus
from tests.conftest import eventually
from tests.widget.page import elsewhere, packs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


class Changes:
    """Counts how often the feed said that something has changed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def feed(prices: Channel, changes: Changes) -> Feed:
    return Feed(prices, Cursor(prices.epoch, 0), 1000, changes)


def pack(epoch: str, first: int, *data: Any, gap: bool = False, type_: str = "message") -> dict[str, Any]:
    rows = [[1_000_000 + number, type_, value] for number, value in enumerate(data)]
    return {"channel": "prices", "epoch": epoch, "first": first, "events": rows, **({"gap": True} if gap else {})}


def received(feed: Feed) -> list[Event]:
    return feed.log.after(0).items


# Packs


def test_what_a_page_sends_is_counted_and_kept_once(prices: Channel, feed: Feed) -> None:
    events = prices.push_many(range(5))
    packs = packs_of(prices)
    assert feed.receive(packs) == (events[4].id, False)
    assert feed.receive(packs) == (events[4].id, False)
    assert (feed.count, feed.lost, feed.latest, feed.position) == (5, 0, events[4], 5)
    assert received(feed) == events


def test_while_the_channel_holds_them_its_own_events_are_kept_and_not_made_again(prices: Channel, feed: Feed) -> None:
    events = prices.push_many([1, 2])
    feed.receive(packs_of(prices))
    assert all(mine is theirs for mine, theirs in zip(received(feed), events, strict=True))


def test_events_that_the_channel_has_dropped_are_made_from_the_pack(prices: Channel, feed: Feed) -> None:
    events = prices.push_many([{"a": 1}, [2], None], type="trade")
    packs = packs_of(prices)
    prices.clear()
    feed.receive(packs)
    assert received(feed) == events
    assert received(feed)[0] is not events[0]


def test_two_pages_that_interleave_give_each_event_once(prices: Channel, feed: Feed) -> None:
    prices.push_many(range(10))
    epoch = prices.epoch
    assert feed.receive([pack(epoch, 1, 0, 1, 2)]) == (f"{epoch}-3", False)
    assert feed.receive([pack(epoch, 2, 1, 2, 3, 4)]) == (f"{epoch}-5", False)
    assert feed.receive([pack(epoch, 4, 3), pack(epoch, 5, 4, 5, 6, 7, 8, 9)]) == (f"{epoch}-10", False)
    assert [event.data for event in received(feed)] == list(range(10))


def test_a_hole_that_nobody_announced_is_not_taken_and_the_page_is_sent_back(prices: Channel, feed: Feed) -> None:
    prices.push_many(range(10))
    epoch = prices.epoch
    assert feed.receive([pack(epoch, 1, 0, 1), pack(epoch, 4, 3, 4), pack(epoch, 3, 2)]) == (f"{epoch}-2", True)
    assert [event.data for event in received(feed)] == [0, 1]


def test_an_announced_gap_is_counted_logged_and_kept_in_its_place(
    prices: Channel, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    epoch = prices.epoch
    feed.receive([pack(epoch, 1, "a")])
    assert feed.receive([pack(epoch, 12, "b", gap=True)]) == (f"{epoch}-12", False)
    first, gap, last = received(feed)
    assert isinstance(gap, Gap)
    assert (first.sequence, gap.lost, gap.id, last.sequence) == (1, 10, f"{epoch}-11", 12)
    assert (feed.count, feed.lost) == (2, 10)
    assert [record.getMessage() for record in caplog.records] == [
        f"lost 10 events of the channel 'prices', up to {epoch}-11"
    ]


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("lost", [900, None])
def test_a_loss_that_came_with_the_stream_is_a_gap_and_no_event(
    prices: Channel, feed: Feed, held: bool, lost: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    items = [prices.push("a"), prices.announce(lost), prices.push("b")]
    packs = packs_of(prices)
    if not held:
        prices.clear()
    feed.receive(packs)
    assert received(feed) == items
    assert isinstance(received(feed)[1], Gap)
    assert (feed.count, feed.lost, feed.latest) == (2, lost or 0, items[2])
    feed.receive(packs)
    assert (feed.count, feed.lost) == (2, lost or 0)
    assert [record.getMessage() for record in caplog.records] == [
        f"lost {lost} events of the channel 'prices', up to {prices.epoch}-2"
    ]


def test_the_last_event_stays_when_only_a_loss_comes(prices: Channel, feed: Feed) -> None:
    event = prices.push("a")
    feed.receive(packs_of(prices))
    prices.announce(1)
    feed.receive(packs_of(prices))
    assert (feed.latest, feed.count, feed.lost) == (event, 1, 1)


def test_a_gap_that_hides_losses_is_of_unknown_size(prices: Channel, feed: Feed) -> None:
    feed.receive([pack(prices.epoch, 1, "a"), {**pack(prices.epoch, 5, "b", gap=True), "unsure": True}])
    _first, gap, _last = received(feed)
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.sequence, feed.lost) == (None, 4, 0)
    assert feed.losses.between(Cursor(prices.epoch, 1), 4)


def test_a_page_that_starts_behind_a_loss_does_not_count_it_twice(prices: Channel, feed: Feed) -> None:
    prices.push("a")
    prices.announce(5)
    prices.push_many(["b", "c"])
    prices.announce(7)
    prices.push("d")
    feed.receive(packs_of(prices))
    assert feed.lost == 12
    # Sequences: a 1, 5 lost 2, b 3, c 4, 7 lost 5, d 6. The page gets d again; or 7 lost and d; or all.
    assert feed.start_for_page(1) == {"start": f"{prices.epoch}-5", "count": 3, "lost": 12}
    assert feed.start_for_page(3) == {"start": f"{prices.epoch}-3", "count": 2, "lost": 5}
    assert feed.start_for_page(100) == {"start": f"{prices.epoch}-0", "count": 0, "lost": 0}


def test_a_gap_with_nothing_behind_it_yet_is_taken(prices: Channel, feed: Feed) -> None:
    assert feed.receive([pack(prices.epoch, 6, gap=True)]) == (f"{prices.epoch}-5", False)
    assert (feed.count, feed.lost, feed.latest, len(received(feed))) == (0, 5, None, 1)


def test_a_foreign_epoch_with_a_gap_is_followed_and_without_one_refused(prices: Channel, feed: Feed) -> None:
    feed.receive([pack(prices.epoch, 1, "old")])
    assert feed.receive([pack("other", 1, "new")]) == (f"{prices.epoch}-1", True)
    assert feed.receive([pack("other", 3, "new", gap=True)]) == ("other-3", False)
    _old, gap, new = received(feed)
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id, new.data, new.id, new.channel) == (None, "other-2", "new", "other-3", "prices")
    assert (feed.count, feed.lost, feed.position) == (2, 0, 0)
    # A page that has not noticed yet:
    assert feed.receive([pack(prices.epoch, 2, "late")]) == ("other-3", False)
    assert feed.count == 2


def test_a_log_handler_may_look_at_the_widget(prices: Channel, feed: Feed) -> None:
    seen: list[PageStatus] = []

    class Handler(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            seen.append(feed.status)

    handler = Handler()
    module.logger.addHandler(handler)
    try:
        elsewhere(lambda: feed.receive([pack(prices.epoch, 12, gap=True)]))
    finally:
        module.logger.removeHandler(handler)
    assert seen == [PageStatus()]


def test_the_history_of_a_feed_is_bounded(prices: Channel) -> None:
    feed = Feed(prices, Cursor(prices.epoch, 0), 3, lambda: None)
    prices.push_many(range(10))
    feed.receive(packs_of(prices))
    assert [event.data for event in received(feed)] == [7, 8, 9]
    assert (feed.count, feed.lost) == (10, 0)


# Pages


def test_without_pages_the_state_is_idle(feed: Feed) -> None:
    assert feed.status == PageStatus(0, "idle", "", (), "")


def test_a_page_says_how_its_connection_is(feed: Feed, changes: Changes) -> None:
    feed.page_says("p", {"n": 1, "state": "reconnecting", "transport": "", "transport_log": ["no"], "text": "wait"})
    assert feed.status == PageStatus(1, "reconnecting", "", ("no",), "wait")
    feed.page_says("p", {"state": "open", "transport": "direct", "latency_ms": 12})
    assert feed.status == PageStatus(1, "open", "direct", ("no",), "wait")  # what is not said stays
    assert feed.latency_ms == 12.0
    feed.page_says("p", {"n": 2, "text": "", "latency_ms": None})
    assert (feed.status.text, feed.latency_ms, changes.count) == ("", 12.0, 3)


def test_what_a_page_said_earlier_is_ignored(feed: Feed, changes: Changes) -> None:
    feed.page_says("p", {"n": 5, "state": "open"})
    feed.page_says("p", {"n": 4, "state": "connecting"})
    assert (feed.status.state, changes.count) == ("open", 1)


@pytest.mark.parametrize(
    ("states", "best"),
    [
        (["idle", "open", "failed"], "open"),
        (["failed", "reconnecting", "connecting"], "reconnecting"),
        (["open", "ended"], "ended"),
        (["idle", "failed"], "failed"),
        (["nonsense", "idle"], "idle"),
        (["nonsense"], "idle"),
    ],
)
def test_the_state_is_the_best_of_all_pages(feed: Feed, states: list[str], best: str) -> None:
    for number, state in enumerate(states):
        feed.page_says(f"p{number}", {"state": state})
    assert feed.status.state == best


def test_a_page_that_leaves_is_forgotten(feed: Feed, changes: Changes) -> None:
    feed.page_says("p", {"state": "open"})
    feed.page_left("p")
    feed.page_left("p")
    feed.page_left("never seen")
    assert (feed.status.state, changes.count) == ("idle", 2)


def test_what_a_page_said_before_it_left_may_come_late_and_is_not_believed(prices: Channel, feed: Feed) -> None:
    """ipykernel holds the comm's messages up while a cell runs; the server's thread sees the page leave."""
    feed.page_says("p", {"state": "open", "transport": "direct"})
    feed.page_left("p")
    for n, state in enumerate(["connecting", "open"]):
        feed.page_says("p", {"n": n, "state": state, "transport": "direct"})
    assert feed.status.state == "idle"
    prices.push(1)
    prices.drain(timeout=0)
    feed.page_says("p", {"state": "open", "transport": "direct"})  # over HTTP: it is there again
    assert feed.status.state == "open"


def test_a_page_that_left_may_still_say_what_is_wrong_and_that_it_has_the_comm(feed: Feed) -> None:
    feed.page_says("p", {"state": "open", "transport": "direct"})
    feed.page_left("p")
    feed.page_says("p", {"n": 8, "state": "failed", "transport": "direct", "text": "out of reach"})
    assert (feed.status.state, feed.status.text) == ("failed", "out of reach")
    feed.page_says("p", {"n": 9, "state": "open", "transport": "comm"})
    assert feed.status.state == "open"


def test_of_too_many_pages_the_one_that_came_first_is_forgotten(feed: Feed) -> None:
    for number in range(module.MAX_PAGES + 3):
        feed.page_says(f"p{number}", {"state": "connecting"})
    assert len(feed._pages) == module.MAX_PAGES
    feed.page_says("one that works", {"state": "open"})
    assert feed.status.state == "open"


# Drain


def test_drain_waits_for_a_feed_while_a_page_is_open(prices: Channel, feed: Feed) -> None:
    prices.push_many(range(3))
    prices.drain(timeout=0)  # no page, nobody to wait for
    feed.page_says("p", {"state": "open"})
    with pytest.raises(WaitTimeout, match="the slowest is widget on 'prices', 3 events behind"):
        prices.drain(timeout=0)
    feed.receive(packs_of(prices))
    prices.drain(timeout=0)
    prices.push(4)
    feed.page_left("p")
    prices.drain(timeout=0)


def test_drain_goes_on_as_soon_as_the_page_has_sent_everything(prices: Channel, feed: Feed) -> None:
    feed.page_says("p", {"state": "open"})
    prices.push_many(range(3))
    thread = threading.Thread(target=prices.drain)
    thread.start()
    eventually(lambda: prices.log._draining == 1)
    feed.receive(packs_of(prices))
    thread.join(5)
    assert not thread.is_alive()


def test_drain_does_not_wait_for_a_feed_that_closes_meanwhile(prices: Channel, feed: Feed) -> None:
    feed.page_says("p", {"state": "open"})
    prices.push(1)
    thread = threading.Thread(target=prices.drain)
    thread.start()
    eventually(lambda: prices.log._draining == 1)
    feed.close()
    thread.join(5)
    assert not thread.is_alive()
    feed.page_says("p", {"state": "open"})  # too late to matter
    assert prices.stats().readers == []


def test_pages_that_come_and_go_on_two_threads_leave_nothing_attached(prices: Channel, feed: Feed) -> None:
    def come_and_go(page: str, leave: Callable[[str], None]) -> None:
        for _ in range(400):
            feed.page_says(page, {"state": "open"})
            leave(page)

    threads = [
        threading.Thread(target=come_and_go, args=("p", feed.page_left)),
        threading.Thread(target=come_and_go, args=("q", feed.page_left)),
        threading.Thread(target=come_and_go, args=("r", lambda page: feed.page_says(page, {"state": "idle"}))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert prices.stats().readers == []
    feed.page_says("p", {"state": "open"})
    assert prices.stats().readers == [{"label": "widget on 'prices'", "behind": 0}]


# What a page starts with


def test_a_page_starts_at_what_python_has_and_some_rows_before(prices: Channel, feed: Feed) -> None:
    assert feed.start_for_page(4) == {"start": f"{prices.epoch}-0", "count": 0, "lost": 0}
    prices.push_many(range(10))
    feed.receive(packs_of(prices))
    assert feed.start_for_page(4) == {"start": f"{prices.epoch}-6", "count": 6, "lost": 0}
    assert feed.start_for_page(100) == {"start": f"{prices.epoch}-0", "count": 0, "lost": 0}


def test_rows_that_the_channel_has_dropped_are_no_loss_to_a_page_that_opens_now(session: Session) -> None:
    channel = session.hub.channel("small", history=3)
    feed = Feed(channel, Cursor(channel.epoch, 0), 1000, lambda: None)
    for _ in range(5):
        channel.push_many(range(2))
        feed.receive(packs_of(channel, str(feed._receiver.cursor)))
    assert feed.lost == 0
    assert feed.start_for_page(100) == {"start": f"{channel.epoch}-7", "count": 7, "lost": 0}
    channel.clear()
    assert feed.start_for_page(100) == {"start": f"{channel.epoch}-10", "count": 10, "lost": 0}


def test_a_page_starts_behind_a_gap(session: Session) -> None:
    channel = session.hub.channel("small", history=3)
    feed = Feed(channel, Cursor(channel.epoch, 0), 1000, lambda: None)
    channel.push_many(range(2))
    feed.receive(packs_of(channel))
    channel.push_many(range(10))
    feed.receive(packs_of(channel, f"{channel.epoch}-2"))
    assert (feed.count, feed.lost) == (5, 7)
    assert feed.start_for_page(100) == {"start": f"{channel.epoch}-9", "count": 2, "lost": 7}


def test_a_page_starts_in_the_epoch_that_python_has_reached(prices: Channel, feed: Feed) -> None:
    prices.push("old")
    feed.receive([*packs_of(prices), pack("other", 5, "new", gap=True)])
    assert feed.start_for_page(100) == {"start": "other-4", "count": 1, "lost": 0}


# Places


def test_now_is_where_python_is(prices: Channel, feed: Feed) -> None:
    assert feed.place(None) == (0, Cursor(prices.epoch, 0))
    prices.push_many(range(3))
    feed.receive([*packs_of(prices), pack(prices.epoch, 10, "x", gap=True)])
    assert feed.place(None) == (5, Cursor(prices.epoch, 10))


def test_a_place_is_behind_the_event_or_the_gap_it_names(prices: Channel, feed: Feed) -> None:
    epoch = prices.epoch
    prices.push_many(range(12))
    feed.receive([pack(epoch, 1, 0, 1), pack(epoch, 10, 9, 10, gap=True)])  # 1 2 (3…9) 10 11
    places = [feed.place(Cursor(epoch, sequence))[0] for sequence in range(13)]
    assert places == [0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 4, 5, 5]


def test_a_place_in_an_earlier_epoch_is_found_while_its_events_are_there(prices: Channel, feed: Feed) -> None:
    prices.push_many(range(2))
    feed.receive([*packs_of(prices), pack("other", 5, "new", gap=True)])  # 1 2 (?) other-5
    assert feed.place(Cursor(prices.epoch, 1))[0] == 1
    assert feed.place(Cursor(prices.epoch, 2))[0] == 2
    assert feed.place(Cursor("other", 0))[0] == 2
    assert feed.place(Cursor("other", 4))[0] == 3
    feed.log.resize(module.Limits(1, 10**6))
    assert feed.place(Cursor(prices.epoch, 1))[0] == 3  # all that is there is later


@pytest.mark.parametrize(
    ("cursor", "why"),
    [("never-3", "which is of another epoch"), ("{epoch}-3", "which was never pushed")],
)
def test_an_id_that_nobody_knows_is_refused(prices: Channel, feed: Feed, cursor: str, why: str) -> None:
    prices.push_many(range(2))
    feed.receive(packs_of(prices))
    cursor = cursor.format(epoch=prices.epoch)
    epoch, _, sequence = cursor.rpartition("-")
    with pytest.raises(ValueError, match=why) as error:
        feed.place(Cursor(epoch, int(sequence)))
    assert str(error.value) == f"expected the id of an event of the channel 'prices', got '{cursor}', {why}"


def test_an_event_that_was_pushed_but_not_received_is_a_place(prices: Channel, feed: Feed) -> None:
    prices.push_many(range(3))
    assert feed.place(Cursor(prices.epoch, 2)) == (0, Cursor(prices.epoch, 2))


# Ending


def test_closing_ends_the_log_and_says_so(prices: Channel, feed: Feed, changes: Changes) -> None:
    feed.page_says("p", {"state": "open"})
    feed.close()
    feed.close()
    assert (feed.status.state, feed.log.closed, changes.count) == ("closed", True, 3)
    assert prices.stats().readers == []


def test_the_log_ends_when_a_page_says_that_the_channel_has_and_everything_is_here(prices: Channel, feed: Feed) -> None:
    prices.push(1)
    prices.close()
    feed.page_says("p", {"state": "ended"})
    assert not feed.log.closed  # its last event is still on the way
    feed.receive(packs_of(prices))
    feed.page_says("p", {"state": "ended"})
    assert feed.log.closed
    assert not feed.closed
    assert feed.status.state == "ended"
    feed.page_left("p")
    assert feed.status.state == "ended"


def test_a_page_that_says_so_of_an_open_channel_ends_nothing(feed: Feed) -> None:
    feed.page_says("p", {"state": "ended"})
    assert not feed.log.closed


# The carrier


class Carrier:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self) -> None:
        self.told.append("begin")

    def report(self, page: str, *, carry: bool, cursor: str = "", back: bool = False, backs: int | None = None) -> None:
        assert backs is None
        self.told.append((page, carry, cursor, back))

    def forget(self, page: str) -> None:
        self.told.append(f"forget {page}")

    def close(self) -> None:
        self.told.append("close")


def test_the_carrier_is_told_who_does_not_need_it_who_leaves_and_when_it_is_over(feed: Feed) -> None:
    carrier = feed.carrier = Carrier()
    feed.page_says("p", {"state": "open", "transport": "comm"})
    feed.page_says("p", {"state": "reconnecting", "transport": "direct"})
    assert carrier.told == []
    feed.page_says("p", {"state": "open", "transport": "direct"})
    feed.page_left("p")
    feed.close()
    assert carrier.told == [("p", False, "", False), "forget p", "close"]
