"""Who listens to a widget: callbacks, loops and waits, and what the page is told of them."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.errors import ChannelClosed, NoPage, WaitTimeout
from sse_widget.widget import listeners as module
from sse_widget.widget.feed import Feed
from sse_widget.widget.listeners import Listeners
from tests.conftest import eventually
from tests.widget.page import MainThread, elsewhere, packs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel

NO_PAGE = (
    "no page has this widget open. Show the widget (as the last line of a cell, in a notebook that is open in a "
    "browser), or read the channel without a page: channel.subscribe()"
)


class Stage:
    """Listeners on a feed, and what they tell the widget."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.main = MainThread()
        self.observed: list[object] = []
        self.states = 0
        self.listening: list[bool] = []
        self.failed: list[str] = []
        self.feed = Feed(channel, Cursor(channel.epoch, 0), 100, self.poke)
        self.listeners = Listeners(
            self.feed,
            self.main.add_callback,
            lambda event: self.observed.append(event.data),
            self.tell_state,
            self.listening.append,
            self.failed.append,
        )

    def poke(self) -> None:
        self.listeners.dispatcher.poke()

    def tell_state(self) -> None:
        self.states += 1

    def gets(self, *data: object, type_: str = "message") -> None:
        """Let a page send what is pushed now."""
        before = self.channel.newest_id
        self.channel.push_many(data, type=type_)
        elsewhere(lambda: self.feed.receive(packs_of(self.channel, before)))

    @property
    def listens(self) -> bool:
        self.main.is_free()
        return self.listening[-1]


@pytest.fixture
def stage(prices: Channel) -> Iterator[Stage]:
    made = Stage(prices)
    yield made
    made.feed.close()
    made.listeners.close()


# Callbacks


def test_a_callback_gets_the_events_of_its_type_in_order_on_the_main_thread(stage: Stage) -> None:
    trades, everything = [], []
    stage.listeners.add("trade", lambda event: trades.append(event.data), thread=False)
    stage.listeners.add(None, lambda event: everything.append(event.data), thread=False)
    stage.gets(1, 2, type_="trade")
    stage.gets(3)
    assert everything == []
    stage.main.is_free()
    assert (trades, everything) == ([1, 2], [1, 2, 3])


def test_a_callback_gets_what_comes_after_it_was_added(stage: Stage) -> None:
    got: list[Event] = []
    stage.gets("before")
    stage.listeners.add(None, got.append, thread=False)
    stage.gets("after")
    stage.main.is_free()
    assert [event.data for event in got] == ["after"]


def test_gaps_go_to_those_who_ask_for_them_only(stage: Stage) -> None:
    gaps, others = [], []
    stage.listeners.add("gap", gaps.append, thread=False)
    stage.listeners.add(None, others.append, thread=False)
    stage.listeners.observed(True)
    stage.channel.push_many(range(5))
    stage.channel.clear()
    stage.channel.push("x")
    stage.feed.receive(packs_of(stage.channel, f"{stage.channel.epoch}-0"))
    stage.main.is_free()
    assert [gap.data for gap in gaps] == [{"lost": 5}]
    assert [event.data for event in others] == stage.observed == ["x"]


def test_a_callback_that_fell_behind_the_history_gets_a_gap_with_the_right_count(stage: Stage) -> None:
    got: list[Event] = []
    for type_ in ("gap", None):
        stage.listeners.add(type_, got.append, thread=False)
    stage.gets(*range(250))  # the feed keeps 100
    stage.main.is_free()
    gap, *rest = got
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id, [event.data for event in rest]) == (
        150,
        f"{stage.channel.epoch}-150",
        list(range(150, 250)),
    )


def test_a_callback_that_raises_is_logged_shown_and_does_not_stop_the_others(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[object] = []

    def bad(event: Event) -> None:
        raise SystemExit(f"bad {event.data}")

    stage.listeners.add(None, bad, thread=False)
    stage.listeners.add(None, lambda event: got.append(event.data), thread=False)
    stage.gets(1, 2)
    stage.main.is_free()
    assert got == [1, 2]
    assert [text.splitlines()[-1] for text in stage.failed] == ["SystemExit: bad 1", "SystemExit: bad 2"]
    assert stage.failed[0].startswith("Traceback (most recent call last):\n")
    assert "in bad\n" in stage.failed[0]
    assert caplog.records[0].getMessage() == f"a callback of the widget on 'prices' raised:\n{stage.failed[0]}"


def test_an_interrupt_is_no_error_of_the_callback_and_later_events_go_on(stage: Stage) -> None:
    got: list[object] = []

    def interrupted(event: Event) -> None:
        got.append(event.data)
        if event.data == 1:
            raise KeyboardInterrupt

    stage.listeners.add(None, interrupted, thread=False)
    stage.gets(1, 2)
    with pytest.raises(KeyboardInterrupt):
        stage.main.is_free()
    stage.main.is_free()
    assert (got, stage.failed) == ([1, 2], [])


def test_a_removed_callback_is_called_no_more(stage: Stage) -> None:
    got: list[Event] = []
    others: list[Event] = []
    stage.listeners.add(None, got.append, thread=False)
    stage.listeners.add("trade", got.append, thread=False)
    stage.listeners.add(None, others.append, thread=False)
    stage.listeners.remove(got.append)
    stage.listeners.remove(got.append)
    stage.gets(1)
    stage.main.is_free()
    assert (len(got), len(others)) == (0, 1)


def test_a_callback_may_remove_itself(stage: Stage) -> None:
    got: list[object] = []

    def once(event: Event) -> None:
        got.append(event.data)
        stage.listeners.remove(once)

    stage.listeners.add(None, once, thread=False)
    stage.gets(1, 2, 3)
    stage.main.is_free()
    assert got == [1]
    assert not stage.listens


def test_a_worker_is_called_at_once_while_the_main_thread_is_busy(stage: Stage) -> None:
    got: list[tuple[object, str]] = []

    def note(event: Event) -> None:
        got.append((event.data, threading.current_thread().name))

    stage.listeners.add("trade", note, thread=True)
    stage.gets(0)
    stage.gets(1, 2, type_="trade")
    eventually(lambda: len(got) == 2)
    assert got == [(1, "sse_widget callbacks"), (2, "sse_widget callbacks")]
    stage.listeners.remove(note)
    eventually(lambda: not any(thread.name == "sse_widget callbacks" for thread in threading.enumerate()))
    stage.gets(3, type_="trade")
    assert len(got) == 2
    assert not stage.listens


def test_a_worker_whose_callback_raises_goes_on(stage: Stage) -> None:
    got: list[object] = []

    def bad(event: Event) -> None:
        got.append(event.data)
        raise SystemExit

    stage.listeners.add(None, bad, thread=True)
    stage.gets(1, 2)
    eventually(lambda: len(stage.failed) == 2)
    assert got == [1, 2]


def test_a_worker_that_gets_nothing_for_long_is_no_reason_to_warn(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NO_PAGE_S", 0.01)
    got: list[object] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stage.listeners.add(None, lambda event: got.append(event.data), thread=True)
        time.sleep(0.05)  # nothing may happen in this time; there is no condition to wait for
        stage.gets(1)
        eventually(lambda: got == [1])
    assert caught == []


# Listening


def test_it_is_told_at_once_that_somebody_listens_and_in_a_turn_that_nobody_does(stage: Stage) -> None:
    source = stage.listeners.subscribe(None)
    assert stage.listening == [True]
    source.close()
    assert stage.listening == [True]  # a busy cell: the page stays connected
    assert not stage.listens


def test_callbacks_observers_workers_and_loops_all_listen(stage: Stage) -> None:
    def note(_event: Event) -> None:
        """Do nothing."""

    for thread in (False, True):
        stage.listeners.add(None, note, thread=thread)
        assert stage.listens
        stage.listeners.remove(note)
        assert not stage.listens
    stage.listeners.observed(True)
    assert stage.listens
    with stage.listeners.subscribe(None):
        stage.listeners.observed(False)
        assert stage.listens
    assert not stage.listens


def test_a_loop_that_is_left_listens_no_more(stage: Stage) -> None:
    gc.disable()  # reference counting alone must find it
    try:
        stage.gets(1)
        for _event in stage.listeners.subscribe(f"{stage.channel.epoch}-0"):
            assert stage.listens
            break
        assert not stage.listens
        with contextlib.suppress(RuntimeError):
            for _event in stage.listeners.subscribe(f"{stage.channel.epoch}-0"):
                raise RuntimeError
        assert not stage.listens
        stage.listeners.subscribe(None)
        assert not stage.listens
    finally:
        gc.enable()


def test_one_that_the_garbage_collector_finds_listens_no_more(stage: Stage) -> None:
    cycle = [stage.listeners.subscribe(None)]
    cycle.append(cycle)  # type: ignore[arg-type]
    assert stage.listens
    del cycle
    gc.collect()
    assert not stage.listens


def test_a_garbage_collection_that_begins_inside_any_lock_waits_for_none(stage: Stage) -> None:
    """As the collector does, on whichever thread: let go of a reader while that thread holds a lock."""
    held_by_others, done = threading.Event(), threading.Event()

    def hold_the_listeners_lock() -> None:
        with stage.listeners._lock:
            held_by_others.set()
            done.wait(10)

    source = [stage.listeners.subscribe(None)]
    other = threading.Thread(target=hold_the_listeners_lock)
    other.start()
    held_by_others.wait(10)

    def let_go() -> None:
        with stage.feed._lock, stage.feed.log.lock, stage.channel.log.lock:
            source.clear()

    try:
        elsewhere(let_go)
    finally:
        done.set()
        other.join()
    assert not stage.listens


def test_closing_a_reader_waits_for_no_lock_of_the_listeners(stage: Stage) -> None:
    source = stage.listeners.subscribe(None)
    with stage.listeners._lock:
        elsewhere(source.close)
    assert not stage.listens


def test_a_loop_of_short_waits_does_not_send_a_message_for_each(stage: Stage) -> None:
    for number in range(100):
        stage.gets(number)
        with stage.listeners.subscribe(f"{stage.channel.epoch}-{number}") as source:
            assert source.next(0).data == number
    assert len(stage.main.calls) == 1
    assert set(stage.listening) == {True}  # and the trait sends nothing while it does not change


def test_after_each_turn_the_states_are_told(stage: Stage) -> None:
    stage.feed.page_says("p", {"state": "open"})
    stage.main.is_free()
    assert stage.states == 1


# Readers


def test_a_reader_starts_with_what_comes_next_or_where_it_is_told(stage: Stage) -> None:
    stage.gets(0, 1, 2)
    now = stage.listeners.subscribe(None)
    after = stage.listeners.subscribe(f"{stage.channel.epoch}-1")
    same = stage.listeners.subscribe(stage.channel.history[0])
    stage.gets(3)
    assert [event.data for event in now.take_all()] == [3]
    assert [event.data for event in after.take_all()] == [1, 2, 3]
    assert [event.data for event in same.take_all()] == [1, 2, 3]


def test_a_reader_after_an_event_that_is_still_on_its_way_starts_behind_it(stage: Stage) -> None:
    events = stage.channel.push_many(range(5))
    reader = stage.listeners.subscribe(events[2])
    assert reader.take_all() == []
    with pytest.raises(WaitTimeout):
        reader.next(0)
    stage.feed.receive(packs_of(stage.channel)[:1])
    assert [event.data for event in reader.take_all()] == [3, 4]


def test_a_reader_after_an_event_that_was_lost_gets_the_rest_of_the_gap(stage: Stage) -> None:
    stage.gets(0)
    stage.channel.push_many(range(1, 9))
    stage.channel.clear()
    stage.feed.receive(packs_of(stage.channel, f"{stage.channel.epoch}-1"))
    stage.gets(9)
    gap, event = stage.listeners.look(f"{stage.channel.epoch}-5").take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.sequence, event.data) == (4, 9, 9)


def test_a_reader_after_an_event_that_has_left_the_history_gets_a_gap(stage: Stage) -> None:
    stage.gets(*range(150))
    reader = stage.listeners.look(f"{stage.channel.epoch}-10")
    gap, *rest = reader.take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.sequence, len(rest), reader.lost) == (40, 50, 100, 40)


@pytest.mark.parametrize("after", ["", "nonsense", "oldest", 5, Event(1)])
def test_what_is_no_id_is_refused(stage: Stage, after: Event | str) -> None:
    with pytest.raises(ValueError, match="expected an event") as error:
        stage.listeners.subscribe(after)
    assert str(error.value) == f"expected an event or an event id, got {after!r}"
    assert stage.listening == []


def test_looking_is_not_listening(stage: Stage) -> None:
    stage.gets(1)
    assert [event.data for event in stage.listeners.look(f"{stage.channel.epoch}-0").take_all()] == [1]
    assert stage.listening == []


# Waiting without a page


def test_a_wait_says_that_no_page_is_there(stage: Stage) -> None:
    source = stage.listeners.subscribe(None)
    with pytest.raises(NoPage) as error:
        source.next(0.01)
    assert str(error.value) == f"expected an event from the widget on 'prices' within 0.01 s, got none; {NO_PAGE}"
    with pytest.raises(NoPage) as error:
        source.wait(timeout=0.01)
    assert str(error.value) == (
        f"expected a matching event from the widget on 'prices' within 0.01 s, got 0 others; {NO_PAGE}"
    )
    assert isinstance(error.value, WaitTimeout)


def test_a_wait_says_what_the_page_says(stage: Stage) -> None:
    stage.feed.page_says("p", {"state": "failed", "text": "the page cannot reach the kernel"})
    with pytest.raises(NoPage, match=r"got none; the page cannot reach the kernel\. Show the widget"):
        stage.listeners.subscribe(None).next(0)


def test_with_a_page_it_is_only_a_timeout(stage: Stage) -> None:
    stage.feed.page_says("p", {"state": "open"})
    with pytest.raises(WaitTimeout) as error:
        stage.listeners.subscribe(None).next(0)
    assert type(error.value) is WaitTimeout
    assert str(error.value) == "expected an event from the widget on 'prices' within 0 s, got none"


@pytest.mark.parametrize("with_page", [False, True])
def test_a_loop_that_waits_for_long_warns_once_if_no_page_is_there_and_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, with_page: bool
) -> None:
    monkeypatch.setattr(module, "_NO_PAGE_S", 0.02)
    if with_page:
        stage.feed.page_says("p", {"state": "open"})
    source = stage.listeners.subscribe(None)

    def push_late() -> None:
        for number in range(2):
            eventually(lambda: source.patient and bool(stage.feed.log._armed))
            stage.gets(number)

    thread = threading.Thread(target=push_late)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread.start()
        got = [next(source).data, next(source).data]
    thread.join()
    assert got == [0, 1]
    said = f"still waiting: expected an event from the widget on 'prices' within 0.02 s, got none; {NO_PAGE}"
    assert [str(warning.message) for warning in caught] == ([] if with_page else [said])


# Ending


def test_closing_ends_everything_and_nothing_begins_any_more(stage: Stage) -> None:
    got: list[Event] = []
    stage.listeners.add(None, got.append, thread=False)
    stage.listeners.add(None, got.append, thread=True)
    source = stage.listeners.subscribe(None)
    stage.main.is_free()
    stage.feed.close()
    stage.listeners.close()
    stage.listeners.close()
    assert list(source) == []
    assert not stage.listeners.dispatcher.active
    said = "expected an open widget, got one on 'prices' that was closed; make a new SSEWidget"
    for begin in (
        lambda: stage.listeners.subscribe(None),
        lambda: stage.listeners.add(None, got.append, thread=False),
        lambda: stage.listeners.add(None, got.append, thread=True),
    ):
        with pytest.raises(ChannelClosed) as error:
            begin()
        assert str(error.value) == said
    stage.listeners.observed(True)
    assert not stage.listeners.dispatcher.active
    assert not stage.listens
    source.close()
    assert got == []


def test_a_loop_that_waits_ends_when_the_feed_is_closed(stage: Stage) -> None:
    results: list[list[Event]] = []
    thread = threading.Thread(target=lambda: results.append(list(stage.listeners.subscribe(None))))
    thread.start()
    eventually(lambda: bool(stage.feed.log._armed))
    stage.feed.close()
    thread.join(5)
    assert results == [[]]
