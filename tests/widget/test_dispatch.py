"""Turns on the main thread, and workers of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sse_widget.widget import dispatch as module
from sse_widget.widget.dispatch import Dispatcher, run_worker
from tests.conftest import eventually
from tests.widget.page import MainThread, elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel


class Stage:
    """A dispatcher, the main thread it calls on, and what it has delivered."""

    def __init__(self) -> None:
        self.main = MainThread()
        self.got: list[object] = []
        self.turns = 0
        self.on_delivery: Callable[[Event], None] = lambda _event: None
        self.after_turn: Callable[[], None] = lambda: None
        self.dispatcher = Dispatcher(self.main.add_callback, self.deliver, self.turned)

    def deliver(self, event: Event) -> None:
        self.got.append(event.data)
        self.on_delivery(event)

    def turned(self) -> None:
        self.turns += 1
        self.after_turn()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_events_are_delivered_in_order_when_the_main_thread_is_free(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.start(prices.subscribe())
    elsewhere(lambda: prices.push_many([1, 2]))
    assert stage.got == []
    stage.main.is_free()
    elsewhere(lambda: prices.push(3))
    stage.main.is_free()
    assert stage.got == [1, 2, 3]
    assert stage.dispatcher.active


def test_a_burst_makes_one_call(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.start(prices.subscribe())
    stage.main.is_free()
    for number in range(1000):
        prices.push(number)
        stage.dispatcher.poke()
    assert len(stage.main.calls) == 1
    stage.main.is_free()
    assert stage.got == list(range(1000))


def test_many_threads_that_poke_at_once_make_one_call(stage: Stage) -> None:
    threads = [threading.Thread(target=stage.dispatcher.poke) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stage.main.calls) == 1
    stage.main.is_free()
    assert stage.turns == 1
    stage.dispatcher.poke()
    stage.main.is_free()
    assert stage.turns == 2


def test_a_long_backlog_is_delivered_in_turns_that_let_others_run(
    stage: Stage, prices: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_S", -1)
    stage.dispatcher.start(prices.subscribe(after="oldest"))
    prices.push_many(range(5))
    stage.main.calls.append(lambda: stage.got.append("somebody else"))
    stage.main.is_free()
    assert stage.got == [0, "somebody else", 1, 2, 3, 4]
    assert stage.turns == 6


def test_an_event_that_comes_during_a_turn_is_delivered(stage: Stage, prices: Channel) -> None:
    stage.on_delivery = lambda event: event.data < 3 and prices.push(event.data + 1)
    stage.dispatcher.start(prices.subscribe())
    prices.push(0)
    stage.main.is_free()
    assert stage.got == [0, 1, 2, 3]


def test_after_each_turn_it_is_said_also_without_events_and_without_a_source(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.poke()
    stage.main.is_free()
    assert stage.turns == 1
    stage.dispatcher.start(prices.subscribe())
    stage.main.is_free()
    assert stage.turns == 2


def test_an_interrupt_inside_a_callback_does_not_stop_the_later_events(stage: Stage, prices: Channel) -> None:
    def interrupted(event: Event) -> None:
        if event.data == 1:
            raise KeyboardInterrupt

    stage.on_delivery = interrupted
    stage.dispatcher.start(prices.subscribe())
    prices.push_many(range(4))
    with pytest.raises(KeyboardInterrupt):
        stage.main.is_free()
    assert stage.turns == 1
    stage.main.is_free()
    assert stage.got == [0, 1, 2, 3]
    prices.push(4)
    stage.main.is_free()
    assert stage.got[-1] == 4


def test_two_interrupts_in_one_turn_do_not_either(stage: Stage, prices: Channel) -> None:
    def interrupted(_event: object = None) -> None:
        stage.on_delivery = lambda _event: None
        raise KeyboardInterrupt

    stage.on_delivery = stage.after_turn = interrupted
    stage.dispatcher.start(prices.subscribe())
    prices.push_many(range(3))
    with pytest.raises(KeyboardInterrupt):
        stage.main.is_free()
    stage.after_turn = lambda: None
    stage.main.is_free()
    assert stage.got == [0, 1, 2]


def test_a_callback_may_stop_the_dispatcher(stage: Stage, prices: Channel) -> None:
    stage.on_delivery = lambda _event: stage.dispatcher.stop()
    stage.dispatcher.start(prices.subscribe())
    prices.push_many(range(3))
    stage.main.is_free()
    assert stage.got == [0]
    assert not stage.dispatcher.active
    assert prices.stats().readers == []
    stage.dispatcher.stop()


def test_another_thread_may_stop_it_in_the_middle_of_a_turn(stage: Stage, prices: Channel) -> None:
    source = prices.subscribe()
    sleep = source.sleep

    def sleep_and_be_stopped(waker: Callable[[], None]) -> bool:
        asleep = sleep(waker)
        elsewhere(stage.dispatcher.stop)
        return asleep

    source.sleep = sleep_and_be_stopped  # type: ignore[method-assign]
    stage.dispatcher.start(source)
    prices.push(1)
    stage.main.is_free()
    assert stage.got == []
    assert not stage.main.calls


def test_it_can_be_started_again_and_delivers_what_the_new_source_gives(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.start(prices.subscribe())
    prices.push(1)
    stage.dispatcher.stop()
    prices.push(2)
    stage.dispatcher.start(prices.subscribe())
    prices.push(3)
    stage.main.is_free()
    assert stage.got == [3]


def test_a_source_that_has_ended_makes_no_more_turns(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.start(prices.subscribe())
    prices.push(1)
    prices.close()
    stage.main.is_free()
    assert stage.got == [1]
    assert not stage.main.calls


def test_nothing_is_lost_between_a_pushing_and_a_delivering_thread(stage: Stage, prices: Channel) -> None:
    stage.dispatcher.start(prices.subscribe())
    thread = threading.Thread(target=lambda: [prices.push(number) for number in range(3000)])
    thread.start()
    while thread.is_alive():
        stage.main.is_free()
    thread.join()
    stage.main.is_free()
    assert stage.got == list(range(3000))


# Workers


def test_a_worker_delivers_at_once_until_its_source_is_closed(prices: Channel) -> None:
    got: list[object] = []
    source = prices.subscribe()
    worker = run_worker(source, lambda event: got.append((event.data, threading.current_thread().name)))
    prices.push_many([1, 2])
    eventually(lambda: len(got) == 2)
    assert got == [(1, "sse_widget callbacks"), (2, "sse_widget callbacks")]
    source.close()
    worker.join(5)
    assert not worker.is_alive()


def test_a_worker_whose_callback_is_interrupted_goes_on(prices: Channel, caplog: pytest.LogCaptureFixture) -> None:
    got: list[object] = []

    def deliver(event: Event) -> None:
        got.append(event.data)
        if event.data == 1:
            raise KeyboardInterrupt

    worker = run_worker(prices.subscribe(), deliver)
    prices.push_many([1, 2])
    prices.close()
    worker.join(5)
    assert got == [1, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "a callback on a thread of its own was interrupted; it goes on with the next event"
    ]
