"""Reading in a loop: waiting, awaiting, ending."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from sse_widget.core.event import Event, Gap
from sse_widget.errors import ChannelClosed, WaitTimeout
from sse_widget.hub import subscription as module
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.hub.subscription import Subscription
    from sse_widget.session import Session

DEADLINE_S = 10.0


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c")


def asleep(channel: Channel) -> bool:
    return bool(channel.log._armed)


@contextlib.contextmanager
def once_asleep(channel: Channel, action: Callable[[], object]) -> Iterator[threading.Thread]:
    """Do something from another thread as soon as a reader of the channel sleeps."""

    def act() -> None:
        eventually(lambda: asleep(channel))
        action()

    thread = threading.Thread(target=act)
    thread.start()
    yield thread
    thread.join()


def run(main: Coroutine[object, object, object]) -> object:
    async def with_deadline() -> object:
        async with asyncio.timeout(DEADLINE_S):
            return await main

    return asyncio.run(with_deadline())


# Taking what is there


def test_take_all_returns_everything_at_once_and_each_event_once(channel: Channel) -> None:
    reader = channel.subscribe()
    events = channel.push_many(range(1000))
    assert reader.take_all() == events
    assert reader.take_all() == []


def test_a_reader_that_fell_behind_gets_one_gap_with_the_right_count(session: Session) -> None:
    channel = session.hub.channel("small", history=10)
    reader = channel.subscribe()
    channel.push_many(range(100))
    gap, *rest = reader.take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id) == (90, f"{channel.epoch}-90")
    assert [event.data for event in rest] == list(range(90, 100))
    assert reader.lost == 90


def test_sleep_wakes_at_the_next_event_and_refuses_where_there_is_one_already(channel: Channel) -> None:
    reader, wakes = channel.subscribe(), []
    waker = lambda: wakes.append(1)  # noqa: E731 - the same one twice
    assert reader.sleep(waker)
    assert reader.sleep(waker)
    channel.push(1)
    assert wakes == [1]
    assert not reader.sleep(waker)
    reader.take_all()
    assert reader.sleep(waker)
    channel.close()
    assert wakes == [1, 1]
    assert reader.sleep(waker)  # nothing will ever come: it sleeps for good


def test_sleep_refuses_what_was_taken_from_the_log_but_not_handed_out(channel: Channel) -> None:
    reader = channel.subscribe(after="other-1")
    assert not reader.sleep(lambda: None)
    channel.push_many([1, 2])
    reader.next()
    assert reader.next().data == 1
    assert not reader.sleep(lambda: None)
    assert reader.next().data == 2
    assert reader.sleep(lambda: None)


def test_sleep_refuses_while_a_closed_channel_has_something_left(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push(1)
    channel.close()
    assert not reader.sleep(lambda: None)


def test_its_position_is_what_it_has_handed_out(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many(range(3))
    assert reader.position == 0
    reader.next()
    assert reader.position == 1
    assert repr(reader) == "<Subscription to the channel 'c', 2 behind>"
    assert reader.label == "a subscription in the kernel"
    reader.close()
    assert repr(reader) == "<Subscription to the channel 'c', 2 behind, closed>"


# Waiting


def test_next_returns_what_is_there_and_then_waits(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push("there")
    assert reader.next().data == "there"
    with once_asleep(channel, lambda: channel.push("later")):
        assert reader.next(DEADLINE_S).data == "later"


def test_next_says_when_nothing_came_in_time(channel: Channel) -> None:
    reader = channel.subscribe()
    for timeout in (0, 0.01, -1):
        with pytest.raises(WaitTimeout) as error:
            reader.next(timeout)
        assert str(error.value) == f"expected an event from the channel 'c' within {timeout} s, got none"
    assert not asleep(channel)
    assert isinstance(error.value, TimeoutError)


def test_next_looks_again_even_if_nobody_wakes_it(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an interrupt that hit the pushing thread between its append and its wake-ups."""
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.02)
    reader = channel.subscribe()

    def push_without_waking() -> None:
        channel.log._armed.clear()
        channel.push(1)

    with once_asleep(channel, push_without_waking):
        assert reader.next().data == 1
    with once_asleep(channel, push_without_waking):
        assert reader.next(DEADLINE_S).data == 1


def test_an_event_that_comes_as_the_time_runs_out_is_not_refused(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = channel.subscribe()
    wait = reader._awake.wait

    def wait_and_push(timeout: float) -> bool:
        found = wait(timeout)
        channel.push("just in time")
        return found

    monkeypatch.setattr(reader._awake, "wait", wait_and_push)
    assert reader.next(0.01).data == "just in time"


def test_wait_passes_over_what_does_not_fit_and_gaps(session: Session) -> None:
    channel = session.hub.channel("small", history=2)
    reader = channel.subscribe()
    channel.push_many([1, 2, 3, 4])
    assert reader.wait().data == 3
    channel.push_many([5, 6])
    assert reader.wait(lambda event: event.data == 6, timeout=1).data == 6


def test_wait_counts_what_came_instead(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many([1, 2, 3])
    with pytest.raises(WaitTimeout) as error:
        reader.wait(lambda event: event.data == 9, timeout=0.01)
    assert str(error.value) == "expected a matching event from the channel 'c' within 0.01 s, got 3 others"
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_wait_without_time_still_looks_at_all_that_is_there(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many(range(1000))
    assert reader.wait(lambda event: event.data == 999, timeout=0).data == 999


def test_wait_ends_in_time_though_others_come_without_a_pause(channel: Channel) -> None:
    reader = channel.subscribe()

    def refuse(_event: Event) -> bool:
        channel.push("another")  # faster than any reader
        return False

    channel.push("first")
    started = time.monotonic()
    with pytest.raises(WaitTimeout) as error:
        reader.wait(refuse, timeout=0.05)
    assert "expected a matching event from the channel 'c' within 0.05 s, got " in str(error.value)
    assert time.monotonic() - started < 5


def test_what_a_predicate_raises_is_raised_and_the_reader_goes_on_behind_it(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many([{}, {"price": 2}])
    with pytest.raises(KeyError):
        reader.wait(lambda event: event.data["price"] > 1)
    assert reader.wait(lambda event: event.data["price"] > 1).data == {"price": 2}


# Ending


def test_a_loop_over_a_closed_channel_finishes_what_is_there(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many([1, 2])
    channel.close()
    assert [event.data for event in reader] == [1, 2]
    with pytest.raises(ChannelClosed) as error:
        reader.next()
    assert str(error.value) == "expected more events, but the channel 'c' was closed"


def test_closing_the_channel_ends_a_loop_that_waits(channel: Channel) -> None:
    reader = channel.subscribe()
    with once_asleep(channel, channel.close):
        assert list(reader) == []


def test_closing_the_subscription_ends_a_loop_that_waits_at_once(channel: Channel) -> None:
    reader = channel.subscribe()
    started = time.monotonic()
    with once_asleep(channel, reader.close):
        assert list(reader) == []
    assert time.monotonic() - started < 0.9  # woken, not found out when it looked again
    assert reader.closed
    assert channel.stats().readers == []


def test_closing_between_looking_and_falling_asleep_is_noticed(channel: Channel) -> None:
    reader = channel.subscribe()
    clear = reader._awake.clear

    def close_and_clear() -> None:
        reader.close()
        clear()

    reader._awake.clear = close_and_clear  # type: ignore[method-assign]
    started = time.monotonic()
    with pytest.raises(ChannelClosed):
        reader.next(DEADLINE_S)
    assert time.monotonic() - started < 0.9


def test_a_closed_subscription_says_so(channel: Channel) -> None:
    with channel.subscribe() as reader:
        pass
    reader.close()
    with pytest.raises(ChannelClosed) as error:
        reader.next()
    assert str(error.value) == "expected an open subscription, got one to the channel 'c' that was closed"
    assert list(reader) == []


def test_a_subscription_that_is_let_go_of_is_forgotten_without_the_collector(channel: Channel) -> None:
    gc.disable()
    try:
        reader = weakref.ref(channel.subscribe())
        for _event in channel.subscribe(after="other-1"):
            break
        assert reader() is None
        assert channel.stats().readers == []
    finally:
        gc.enable()


def test_drain_does_not_wait_for_a_reader_that_closes_meanwhile(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push(1)
    thread = threading.Thread(target=channel.drain)
    thread.start()
    eventually(lambda: channel.log._draining == 1)
    reader.close()
    thread.join(5)
    assert not thread.is_alive()


def test_drain_returns_when_the_last_event_has_been_handed_out(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many([1, 2])
    thread = threading.Thread(target=channel.drain)
    thread.start()
    eventually(lambda: channel.log._draining == 1)
    reader.next()
    assert thread.is_alive()
    reader.next()
    thread.join(5)
    assert not thread.is_alive()


# Interrupts


def test_an_interrupt_ends_a_wait_at_once_and_loses_nothing(channel: Channel) -> None:
    reader = channel.subscribe()
    main = threading.main_thread().ident
    assert main is not None
    with (
        once_asleep(channel, lambda: signal.pthread_kill(main, signal.SIGINT)),
        pytest.raises(KeyboardInterrupt),
    ):
        reader.next()
    assert not asleep(channel)
    channel.push_many([1, 2])
    assert [event.data for event in reader.take_all()] == [1, 2]


def test_an_interrupt_between_any_two_steps_repeats_and_loses_nothing(session: Session) -> None:
    """One interrupt after the other, each at a later step of reading, as a signal would come."""
    channel = session.hub.channel("small", history=30)
    reader = channel.subscribe()
    step = 0
    got: list[Event] = []

    def trace(_frame: object, _event: str, _argument: object) -> object:
        nonlocal step
        step -= 1
        if step == 0:
            raise KeyboardInterrupt
        return trace

    first = 1
    tracing = sys.gettrace()  # coverage's
    while first < 200:
        channel.push_many(range(40))
        step = first
        sys.settrace(trace)
        try:
            reader._fill()
        except KeyboardInterrupt:
            first += 1
        else:
            first = 200
        finally:
            sys.settrace(tracing)
        while reader._ready:
            got.append(reader._ready.popleft())
    got += reader.take_all()
    position = 0
    for event in got:
        assert event.sequence == position + (event.lost or 0 if isinstance(event, Gap) else 1)
        position = event.sequence
    assert position == channel.log.newest
    assert reader.lost == sum(event.lost or 0 for event in got if isinstance(event, Gap))


# Awaiting


def test_anext_returns_what_is_there_and_then_waits(channel: Channel) -> None:
    async def main() -> None:
        reader = channel.subscribe()
        channel.push(1)
        assert (await reader.anext()).data == 1
        with once_asleep(channel, lambda: channel.push(2)):
            assert (await reader.anext()).data == 2
        asyncio.get_running_loop().call_soon(channel.push, 3)
        assert (await reader.anext()).data == 3

    run(main())


def test_a_coroutine_that_waits_holds_up_no_other(channel: Channel) -> None:
    async def main() -> list[object]:
        readers = [channel.subscribe() for _ in range(5)]
        waiting = [asyncio.create_task(reader.anext()) for reader in readers]
        await asyncio.sleep(0)
        channel.push("all")
        return [(await task).data for task in waiting]

    assert run(main()) == ["all"] * 5


@pytest.mark.parametrize("what", ["channel", "subscription"])
def test_closing_ends_an_async_loop_that_waits_at_once(channel: Channel, what: str) -> None:
    async def main() -> list[Event]:
        reader = channel.subscribe()
        close = channel.close if what == "channel" else reader.close
        with once_asleep(channel, close):
            return [event async for event in reader]

    started = time.monotonic()
    assert run(main()) == []
    assert time.monotonic() - started < 0.9


def test_an_async_loop_over_a_closed_channel_finishes_what_is_there(channel: Channel) -> None:
    reader = channel.subscribe()
    channel.push_many([1, 2])
    channel.close()

    async def main() -> list[object]:
        return [event.data async for event in reader]

    assert run(main()) == [1, 2]


def test_cancelling_loses_nothing(channel: Channel) -> None:
    async def main() -> object:
        reader = channel.subscribe()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.anext(), 0.01)
        assert not asleep(channel)
        channel.push("after the cancellation")
        return (await reader.anext()).data

    assert run(main()) == "after the cancellation"


def test_anext_looks_again_even_if_nobody_wakes_it(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.02)

    async def main() -> object:
        reader = channel.subscribe()

        def push_without_waking() -> None:
            channel.log._armed.clear()
            channel.push(1)

        with once_asleep(channel, push_without_waking):
            return (await reader.anext()).data

    assert run(main()) == 1


def test_anext_goes_on_where_something_comes_between_looking_and_falling_asleep(channel: Channel) -> None:
    reader = channel.subscribe()
    arm, asked = channel.log.arm, []

    def push_and_arm(waker: Callable[[], None], position: int) -> bool:
        if not asked:
            channel.push("in between")
        asked.append(position)
        return arm(waker, position)

    channel.log.arm = push_and_arm  # type: ignore[method-assign]

    async def main() -> object:
        return (await reader.anext()).data

    assert run(main()) == "in between"
    channel.log.arm = arm  # type: ignore[method-assign]
    asked.clear()
    channel.log.arm = push_and_arm  # type: ignore[method-assign]
    assert reader.next(DEADLINE_S).data == "in between"


def test_a_push_to_a_reader_whose_loop_has_ended_does_not_raise(channel: Channel) -> None:
    loop = asyncio.new_event_loop()
    reader = channel.subscribe()
    waiting: Awaitable[Event] = loop.create_task(reader.anext())
    loop.run_until_complete(asyncio.sleep(0))
    assert asleep(channel)
    loop.close()
    assert channel.push(1).data == 1
    assert [event.data for event in reader.take_all()] == [1]
    with contextlib.suppress(RuntimeError):  # the task can never end; drop it without a warning
        waiting._log_destroy_pending = False  # type: ignore[attr-defined]
        waiting.get_coro().close()  # type: ignore[attr-defined]


def test_a_second_wakeup_of_the_same_await_is_harmless(channel: Channel) -> None:
    async def main() -> object:
        reader = channel.subscribe()
        waiting = asyncio.create_task(reader.anext())
        await asyncio.sleep(0)
        (waker,) = channel.log._armed
        channel.push(1)
        waker()
        return (await waiting).data

    assert run(main()) == 1


# Threads


def test_sync_and_async_readers_get_all_that_eight_threads_push(channel: Channel) -> None:
    n_threads, n_each = 8, 250
    results: dict[str, list[int]] = {}

    def push(number: int) -> None:
        for i in range(n_each):
            channel.push(number * n_each + i)
            if i % 50 == 0:
                os.sched_yield()

    def read(name: str, reader: Subscription) -> None:
        results[name] = [event.data for event in reader]

    async def read_async(reader: Subscription) -> None:
        results["async"] = [event.data async for event in reader]

    sources = [channel.subscribe() for _ in range(4)]
    readers = [threading.Thread(target=read, args=(f"sync {number}", sources[number])) for number in range(3)]
    readers.append(threading.Thread(target=lambda: run(read_async(sources[3]))))
    writers = [threading.Thread(target=push, args=(number,)) for number in range(n_threads)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    channel.drain()
    channel.close()
    for thread in readers:
        thread.join()
    stored = [event.data for event in channel.history]
    assert sorted(stored) == list(range(n_threads * n_each))
    assert len(results) == 4
    assert all(result == stored for result in results.values())
