"""Loops, waits and awaits on a widget."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sse_widget.core.event import Gap
from sse_widget.errors import ChannelClosed, NoPage, WaitTimeout
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from sse_widget.core.event import Event
    from sse_widget.widget.widget import SSEWidget
    from tests.widget.page import MainThread, Page

DEADLINE_S = 10.0


class Browser:
    """Does something on another thread whenever a reader of the widget sleeps."""

    def __init__(self, feed: SSEWidget, *actions: Callable[[], object]) -> None:
        self.feed = feed
        self.actions = actions
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        for action in self.actions:
            eventually(lambda: bool(self.feed._feed.log._armed))
            action()

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_error: object) -> None:
        self.thread.join()


def run(main: Coroutine[object, object, object]) -> object:
    async def with_deadline() -> object:
        async with asyncio.timeout(DEADLINE_S):
            return await main

    return asyncio.run(with_deadline())


def test_a_loop_gets_what_comes_from_now_on_and_moves_while_the_main_thread_is_busy(
    feed: SSEWidget, page: Page
) -> None:
    page.gets("before")
    got: list[object] = []
    with Browser(feed, lambda: page.gets(1, 2), lambda: page.gets(3)):
        for event in feed:
            got.append((event.data, feed.data, feed.count))
            if event.data == 3:
                break
    assert got == [(1, 2, 3), (2, 2, 3), (3, 3, 4)]


def test_live_values_move_in_a_busy_cell(feed: SSEWidget, page: Page) -> None:
    thread = threading.Thread(target=lambda: [page.gets(number) for number in range(20)])
    seen: set[object] = set()
    thread.start()
    eventually(lambda: (seen.add(feed.data), feed.data)[1] == 19)
    thread.join()
    assert len(seen) > 1


def test_wait_returns_the_first_that_fits(feed: SSEWidget, page: Page) -> None:
    with Browser(feed, lambda: page.gets({"price": 1}, {"price": 201}, {"price": 300})):
        event = feed.wait(lambda event: event.data["price"] > 200, timeout=DEADLINE_S)
    assert event.data == {"price": 201}


def test_wait_past_the_timeout_says_what_came_instead(feed: SSEWidget, page: Page) -> None:
    with Browser(feed, lambda: page.gets(1, 2)), pytest.raises(WaitTimeout) as error:
        feed.wait(lambda event: event.data == 9, timeout=0.3)
    assert str(error.value) == "expected a matching event from the widget on 'prices' within 0.3 s, got 2 others"
    assert type(error.value) is WaitTimeout


def test_wait_where_no_page_is_open_says_so_and_names_the_way_without(feed: SSEWidget) -> None:
    with pytest.raises(NoPage) as error:
        feed.wait(timeout=0)
    assert str(error.value) == (
        "expected a matching event from the widget on 'prices' within 0 s, got 0 others; no page has this widget "
        "open. Show the widget (as the last line of a cell, in a notebook that is open in a browser), or read the "
        "channel without a page: channel.subscribe()"
    )


def test_subscribe_starts_at_a_given_place_and_misses_nothing_in_between(feed: SSEWidget, page: Page) -> None:
    first = page.gets(1, 2, 3)[0]
    with feed.subscribe(after=first) as source:
        page.gets(4)
        assert [event.data for event in source.take_all()] == [2, 3, 4]
    with feed.subscribe() as source:
        page.gets(5)
        assert [event.data for event in source.take_all()] == [5]


def test_subscribe_after_an_event_that_the_page_does_not_have_yet_starts_behind_it(feed: SSEWidget, page: Page) -> None:
    event = page.channel.push_many(["a", "b", "c"])[1]
    with feed.subscribe(after=event) as source:
        page.gets("d")
        assert [event.data for event in source.take_all()] == ["c", "d"]


def test_async_for_gets_what_comes_and_leaves_with_break(feed: SSEWidget, page: Page) -> None:
    async def main() -> list[object]:
        got: list[object] = []
        with Browser(feed, lambda: page.gets(1, 2), lambda: page.gets(3)):
            async for event in feed:
                got.append(event.data)
                if event.data == 3:
                    break
        return got

    assert run(main()) == [1, 2, 3]


def test_next_awaits_the_next_event(feed: SSEWidget, page: Page) -> None:
    async def main() -> object:
        with Browser(feed, lambda: page.gets("next")):
            return (await feed.next()).data

    page.gets("before")
    assert run(main()) == "next"


def test_loops_end_when_the_widget_is_closed(feed: SSEWidget) -> None:
    async def main() -> list[Event]:
        with Browser(feed, feed.close):
            return [event async for event in feed]

    assert run(main()) == []
    with pytest.raises(ChannelClosed, match="got one on 'prices' that was closed; make a new SSEWidget"):
        iter(feed)
    with pytest.raises(ChannelClosed):
        feed.wait(timeout=0)


def test_closing_wakes_everybody_who_waits(feed: SSEWidget, main: MainThread) -> None:
    ended: list[str] = []

    def loop() -> None:
        for _event in feed:
            pass
        ended.append("loop")

    def wait() -> None:
        with pytest.raises(ChannelClosed):
            feed.wait()
        ended.append("wait")

    async def await_next() -> None:
        with pytest.raises(ChannelClosed):
            await feed.next()
        ended.append("next")

    feed.on(callback=print)
    feed.on(callback=print, thread=True)
    threads = [threading.Thread(target=target) for target in (loop, wait, lambda: run(await_next()))]
    for thread in threads:
        thread.start()
    eventually(lambda: len(feed._feed.log._armed) == 4)
    started = time.monotonic()
    feed.close()
    for thread in threads:
        thread.join(5)
    assert time.monotonic() - started < 0.9
    assert sorted(ended) == ["loop", "next", "wait"]
    main.is_free()
    assert not feed._listening


def test_loops_end_when_the_channel_has_ended_and_the_page_has_said_so(feed: SSEWidget, page: Page) -> None:
    def end() -> None:
        page.channel.push(2)
        page.channel.close()
        page.post(page.reads())
        page.post(state="ended")

    with Browser(feed, lambda: page.gets(1), end):
        assert [event.data for event in feed] == [1, 2]
    assert feed.state == "ended"
    with pytest.raises(ChannelClosed) as error:
        feed.wait(timeout=1)
    assert str(error.value) == "expected more events, but the widget on 'prices' was closed"
    assert list(feed) == []


def test_an_interrupt_ends_a_loop_at_once_and_the_widget_goes_on(feed: SSEWidget, page: Page, main: MainThread) -> None:
    ident = threading.main_thread().ident
    assert ident is not None
    for loop in (lambda: list(feed), feed.wait, lambda: feed.subscribe().next()):
        with Browser(feed, lambda: signal.pthread_kill(ident, signal.SIGINT)), pytest.raises(KeyboardInterrupt):
            loop()
    main.is_free()
    assert not feed._listening
    got: list[Event] = []
    feed.on(callback=got.append)
    page.gets(1)
    main.is_free()
    assert [event.data for event in got] == [1]


@pytest.mark.parametrize("how", ["break", "exception", "break async", "dropped"])
def test_a_loop_that_is_left_listens_no_more(feed: SSEWidget, page: Page, main: MainThread, how: str) -> None:
    def leave_by_break() -> None:
        for _event in feed:
            break

    def leave_by_exception() -> None:
        for _event in feed:
            raise ZeroDivisionError

    async def leave_async() -> None:
        async for _event in feed:
            break

    def drop() -> None:
        feed.subscribe()

    ways = {
        "break": leave_by_break,
        "exception": leave_by_exception,
        "break async": lambda: run(leave_async()),
        "dropped": drop,
    }
    listening: list[bool] = []
    if how == "dropped":
        ways[how]()
        listening.append(feed._listening)
    else:
        look_and_send = Browser(feed, lambda: (listening.append(feed._listening), page.gets(1)))
        with look_and_send, contextlib.suppress(ZeroDivisionError):
            ways[how]()
    assert listening == [True]
    main.is_free()
    assert not feed._listening


def test_a_reader_that_falls_behind_the_widgets_history_gets_a_gap(
    make: Callable[..., SSEWidget], session: object
) -> None:
    from tests.widget.page import Page as PageOf  # noqa: PLC0415 - the fixture has another widget

    feed = make(history=3)
    page = PageOf(session, feed)  # type: ignore[arg-type]
    source = feed.subscribe()
    page.gets(*range(10))
    gap, *rest = source.take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, [event.data for event in rest]) == (7, [7, 8, 9])
    assert (feed.count, feed.lost) == (10, 0)


@pytest.fixture
def pushing(page: Page) -> Iterator[Callable[[int], list[object]]]:
    """Eight threads that push, while a page reads, sends twice, and is cut."""
    threads: list[threading.Thread] = []

    def start(n_each: int) -> list[object]:
        total = 8 * n_each

        def push(number: int) -> None:
            for i in range(n_each):
                page.channel.push(number * n_each + i)

        def read() -> None:
            turn = 0
            while page.widgets[0]._feed.position < total:
                turn += 1
                packs = page.reads(2)
                page.post(packs)
                if turn % 3 == 0:
                    page.post(packs)  # the answer was lost
                if turn % 7 == 0:  # what was read is gone with the page; a new one begins a little earlier
                    page.reads(1)
                    page.cursor = page.widgets[0]._feed.start_for_page(20)["start"]

        threads.extend(threading.Thread(target=push, args=(number,)) for number in range(8))
        threads.append(threading.Thread(target=read))
        for thread in threads:
            thread.start()
        return list(range(total))

    yield start
    for thread in threads:
        thread.join()


def test_every_reader_gets_every_event_once_and_in_the_same_order(
    feed: SSEWidget, page: Page, main: MainThread, pushing: Callable[[int], list[object]]
) -> None:
    """Loops, async loops, callbacks, workers and observers, while eight threads push."""
    got: dict[str, list[object]] = {name: [] for name in ("loop", "async", "on", "worker", "observer")}
    feed.on(callback=lambda event: got["on"].append(event.data))
    feed.on(callback=lambda event: got["worker"].append(event.data), thread=True)
    feed.observe(lambda change: got["observer"].append(change.new.data), "event")
    sources = [feed.subscribe(), feed.subscribe()]

    def loop() -> None:
        got["loop"] += [event.data for event in sources[0]]

    async def loop_async() -> None:
        got["async"] += [event.data async for event in sources[1]]

    readers = [threading.Thread(target=loop), threading.Thread(target=lambda: run(loop_async()))]
    for reader in readers:
        reader.start()
    expected = pushing(100)
    eventually(lambda: (main.is_free(), len(got["observer"]))[1] == len(expected))
    page.channel.close()
    page.post(state="ended")
    for reader in readers:
        reader.join(DEADLINE_S)
    eventually(lambda: len(got["worker"]) == len(expected))
    order = [event.data for event in page.channel.history]
    assert sorted(order) == expected  # type: ignore[type-var]
    assert all(events == order for events in got.values()), {name: len(events) for name, events in got.items()}
    assert (feed.count, feed.lost) == (len(expected), 0)
