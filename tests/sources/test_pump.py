"""An iterable into a channel, in the background."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.event import Event
from sse_widget.errors import EventTooLarge, WaitTimeout
from sse_widget.sources.pump import Pump
from sse_widget.widget.widget import SSEWidget
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c")


class Source:
    """A source, plain or asynchronous, that tells when it is closed, waits at the test's command, and may fail."""

    def __init__(self, items: list[Any], error: BaseException | None = None, *, waits: bool = False) -> None:
        self.items = items
        self.error = error
        self.goes_on = threading.Event()
        self.closed_on: str | None = None
        if not waits:
            self.goes_on.set()

    def plain(self) -> Iterator[Any]:
        try:
            yield from self.items
            self.goes_on.wait(10)
            if self.error is not None:
                raise self.error
            yield "last"
        finally:
            self.closed_on = threading.current_thread().name

    async def later(self) -> AsyncIterator[Any]:
        try:
            for item in self.items:
                await asyncio.sleep(0)
                yield item
            while not self.goes_on.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.001)
            if self.error is not None:
                raise self.error
            yield "last"
        finally:
            self.closed_on = threading.current_thread().name


KINDS: dict[str, Callable[[Source], Any]] = {"plain": Source.plain, "async": Source.later}
THREADS = {"plain": "sse_widget pump", "async": "sse_widget user code"}
both = pytest.mark.parametrize("kind", list(KINDS))


def data(channel: Channel) -> list[Any]:
    return [event.data for event in channel.history]


@both
def test_everything_is_pushed_in_order_and_the_source_is_closed_where_it_ran(channel: Channel, kind: str) -> None:
    source = Source([1, {"a": 2}, [3]])
    pump = channel.pump(KINDS[kind](source))
    assert pump.result(5) == 4
    assert data(channel) == [1, {"a": 2}, [3], "last"]
    assert (pump.state, pump.error, pump.count) == ("done", None, 4)
    assert pump.stats() == ("done", 4)
    assert channel.source is pump
    assert repr(pump) == "<Pump into 'c': done, 4 events>"
    eventually(lambda: source.closed_on == THREADS[kind])


@both
def test_it_goes_on_while_the_caller_is_busy(channel: Channel, kind: str) -> None:
    pump = channel.pump(KINDS[kind](Source(list(range(100)))))
    while pump.state == "running":  # a cell that computes
        sum(range(1000))
    assert len(data(channel)) == 101


def test_anything_to_loop_over_will_do(channel: Channel) -> None:
    channel.pump([1, 2]).wait(5)
    channel.pump(range(3, 5)).wait(5)
    channel.pump({"k": "a dict gives its keys"}).wait(5)
    assert data(channel) == [1, 2, 3, 4, "k"]


def test_the_type_is_that_of_the_call_or_the_events_own(channel: Channel) -> None:
    channel.pump([1, Event(2, type="own")], type="tick").wait(5)
    channel.pump([Event(2, type="own")]).wait(5)
    assert [event.type for event in channel.history] == ["tick", "tick", "own"]


@both
def test_what_the_source_raises_is_kept_logged_and_shown(
    channel: Channel, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    widget = SSEWidget(channel)
    error = ValueError("the socket is gone\nand more")
    pump = channel.pump(KINDS[kind](Source([1], error)))
    with pytest.raises(ValueError, match=r"^the socket is gone"):
        pump.result(5)
    assert (pump.state, pump.error, pump.count, data(channel)) == ("failed", error, 1, [1])
    assert repr(pump) == "<Pump into 'c': failed, 1 events: ValueError: the socket is gone>"
    expected = "what feeds this channel has failed: ValueError: the socket is gone"
    eventually(lambda: widget.error == expected)
    later = SSEWidget(channel)
    assert later.error == expected
    (record,) = caplog.records
    assert (record.levelno, record.exc_info and record.exc_info[1]) == (logging.ERROR, error)
    widget.close()
    later.close()
    assert not channel.closed  # others may push, and what is there can be read


@both
@pytest.mark.parametrize(
    ("item", "error"), [(object(), TypeError), ("x" * (1 << 20), EventTooLarge), (Event(1, type="gap"), ValueError)]
)
def test_what_cannot_be_pushed_ends_it_too(channel: Channel, kind: str, item: object, error: type[Exception]) -> None:
    source = Source([1, item, 3])
    pump = channel.pump(KINDS[kind](source))
    pump.wait(5)
    assert (pump.state, type(pump.error), data(channel)) == ("failed", error, [1])
    eventually(lambda: source.closed_on is not None)


@both
def test_nothing_comes_after_stop_and_the_source_is_closed(channel: Channel, kind: str) -> None:
    source = Source([1, 2], waits=True)
    pump = channel.pump(KINDS[kind](source))
    eventually(lambda: pump.count == 2)
    pump.stop()
    pump.stop()
    assert pump.state == "stopped"
    source.goes_on.set()
    eventually(lambda: source.closed_on is not None)
    assert (pump.result(0), data(channel)) == (2, [1, 2])


def test_an_asynchronous_source_that_waits_is_interrupted(channel: Channel) -> None:
    source = Source([1], waits=True)
    pump = channel.pump(source.later())
    eventually(lambda: pump.count == 1)
    pump.stop()
    eventually(lambda: source.closed_on == "sse_widget user code")


@both
def test_a_source_may_stop_its_own_pump(channel: Channel, kind: str) -> None:
    made: list[Any] = []

    class Stops(list[Any]):
        def __iter__(self) -> Any:
            eventually(lambda: bool(made))
            made[0].stop()
            return iter([1, 2])

    made.append(channel.pump(KINDS[kind](Source(Stops()))))
    made[0].wait(5)
    assert (made[0].state, data(channel)) == ("stopped", [])


@both
def test_the_end_of_the_channel_is_the_end_of_the_pump_and_no_error(channel: Channel, kind: str) -> None:
    source = Source([1], waits=True)
    pump = channel.pump(KINDS[kind](source))
    eventually(lambda: pump.count == 1)
    channel.close()
    source.goes_on.set()
    pump.wait(5)
    assert (pump.state, pump.error, pump.count) == ("stopped", None, 1)
    eventually(lambda: source.closed_on is not None)


def test_the_end_of_the_session_ends_what_waits(session: Session, channel: Channel) -> None:
    source = Source([1], waits=True)
    pump = channel.pump(source.later())
    eventually(lambda: pump.count == 1)
    session.close()
    assert pump.state == "stopped"
    assert source.closed_on == "sse_widget user code"


def test_a_wait_that_takes_too_long_says_what_ends_it(channel: Channel) -> None:
    source = Source([1], waits=True)
    pump = channel.pump(source.plain())
    eventually(lambda: pump.count == 1)
    message = "expected <Pump into 'c': running, 1 events> to end within 0.01 s; stop() ends it"
    with pytest.raises(WaitTimeout, match=f"^{re.escape(message)}$"):
        pump.result(0.01)
    source.goes_on.set()
    assert pump.result(5) == 2


def test_a_source_bound_to_a_loop_runs_there(channel: Channel) -> None:
    threads: list[str] = []

    async def cell() -> int:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def source() -> AsyncIterator[int]:
            for _ in range(3):
                threads.append(threading.current_thread().name)
                yield await queue.get()

        pump = channel.pump(source(), loop=asyncio.get_running_loop())
        for item in range(3):
            await asyncio.sleep(0.001)
            queue.put_nowait(item)
        while pump.state == "running":  # noqa: ASYNC110 - there is nothing to await
            await asyncio.sleep(0.001)
        return pump.result(0)

    assert asyncio.run(cell()) == 3
    assert threads == [threading.current_thread().name] * 3


def test_a_stop_before_the_loop_has_begun_with_it_counts(channel: Channel) -> None:
    async def cell() -> str:
        pump = channel.pump(Source([1]).later(), loop=asyncio.get_running_loop())
        pump.stop()
        await asyncio.sleep(0.01)
        return str(pump.state)

    assert asyncio.run(cell()) == "stopped"
    assert data(channel) == []


@pytest.mark.parametrize(
    ("source", "loop", "message"),
    [
        (5, False, "expected an iterable or asynchronous iterable to pump, got int; push() takes a single value"),
        ("text", False, "expected an iterable or asynchronous iterable to pump, got str; push() takes a single value"),
        (Source.plain, False, "expected an iterable or asynchronous iterable to pump, got function; call it"),
        ([1], True, "expected an asynchronous iterable to run on a loop, got list; leave loop= out"),
    ],
)
def test_what_cannot_be_pumped_is_refused_at_once(channel: Channel, source: Any, loop: bool, message: str) -> None:
    given = asyncio.new_event_loop()
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        channel.pump(source, loop=given if loop else None)
    given.close()


@both
def test_a_source_whose_closing_raises_is_logged(channel: Channel, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    class Bad:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            raise StopIteration

        def close(self) -> None:
            raise RuntimeError("cannot close")

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> int:
            raise StopAsyncIteration

        async def aclose(self) -> None:
            raise RuntimeError("cannot close")

    class Plain(Bad):
        __aiter__ = None  # type: ignore[assignment]  # so it is no asynchronous iterable

    pump = channel.pump(Bad() if kind == "async" else Plain())
    assert pump.result(5) == 0
    eventually(lambda: "closing the source of <Pump into 'c': done, 0 events> raised" in caplog.text)


def test_a_source_that_never_waits_stays_in_bounds_and_slow_readers_are_told(session: Session) -> None:
    channel = session.hub.channel("c", history=1000)
    reader = channel.subscribe()
    pump = channel.pump(itertools.count())
    eventually(lambda: pump.count > 20_000)
    pump.stop()
    seen, expected = reader.take_all(), 0
    for event in seen:
        if event.type == "gap":
            expected += event.data["lost"]
        else:
            assert event.data == expected
            expected += 1
    assert expected == pump.count
    assert channel.stats().held == 1000
    assert reader.lost > 0


def test_two_pumps_feed_one_channel_each_in_its_own_order(channel: Channel) -> None:
    pumps = [channel.pump([[name, at] for at in range(500)]) for name in "ab"]
    for pump in pumps:
        pump.wait(5)
    for name in "ab":
        assert [at for own, at in data(channel) if own == name] == list(range(500))


@both
def test_a_stop_that_comes_between_two_items_counts_for_the_next(channel: Channel, kind: str) -> None:
    source = Source([1, 2])
    pump = Pump(channel, "message")
    pump.stop()
    if kind == "plain":
        pump.run(source.plain())
    else:
        asyncio.run(pump.run_async(source.later()))
    assert (pump.state, data(channel), source.closed_on) == ("stopped", [], threading.current_thread().name)


def test_a_channel_that_closes_between_two_items_ends_it(channel: Channel) -> None:
    pump = Pump(channel, "message")
    channel.log.close()  # and its host has not heard of it yet
    pump.run([1])
    assert (pump.state, pump.error, pump.count) == ("stopped", None, 0)
