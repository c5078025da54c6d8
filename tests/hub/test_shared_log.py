"""The log that threads share: wake-ups, readers, and waiting for them."""

from __future__ import annotations

import gc
import threading
import time
from typing import NamedTuple

import pytest

from sse_widget.core.log import Limits
from sse_widget.errors import WaitTimeout
from sse_widget.hub.shared_log import SharedLog
from tests.conftest import eventually


class Item(NamedTuple):
    value: int
    size: int = 1
    time_us: int = 0


class Reader:
    """Somebody whose position the test moves."""

    def __init__(self, position: int = 0, label: str = "a reader") -> None:
        self.position = position
        self.label = label


def log_of(n_items: int = 0, max_items: int = 1000, max_age_us: int | None = None) -> SharedLog[Item]:
    log: SharedLog[Item] = SharedLog(Limits(max_items, 10**9, max_age_us))
    log.extend([Item(value) for value in range(1, n_items + 1)])
    return log


class Waker:
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


# Items


def test_items_come_out_as_they_went_in() -> None:
    log = log_of(5, max_items=3)
    assert log.after(0) == ([Item(3), Item(4), Item(5)], 2, 5)
    assert log.after(3, 1) == ([Item(4)], 0, 4)
    assert log.after(3, max_bytes=1) == ([Item(4)], 0, 4)
    assert (log.oldest, log.newest) == (3, 5)
    assert log.measure() == (3, 3, 2, Limits(3, 10**9))


def test_an_item_knows_its_position_before_anybody_can_read_it() -> None:
    numbers: list[tuple[str, int]] = []
    log: SharedLog[Item] = SharedLog(Limits(9, 9), number=lambda item, position: numbers.append((item.value, position)))  # type: ignore[arg-type]
    log.extend([Item(10), Item(11)])
    log.extend([Item(12)])
    assert numbers == [(10, 1), (11, 2), (12, 3)]


def test_what_is_too_old_is_gone_when_somebody_looks() -> None:
    log = log_of(max_age_us=1_000_000)
    log.extend([Item(1, time_us=time.time_ns() // 1000), Item(2, time_us=time.time_ns() // 1000 - 2_000_000)])
    log.extend([Item(3, time_us=time.time_ns() // 1000 - 3_000_000)])
    assert log.after(0).lost == 0  # the oldest is young: what is behind it waits for it
    stale = log_of(max_age_us=1)
    stale.extend([Item(1, time_us=1)])
    assert stale.after(0) == ([], 1, 1)


def test_clearing_and_resizing_keep_the_positions() -> None:
    log = log_of(5)
    log.resize(Limits(2, 10**9))
    assert log.after(0) == ([Item(4), Item(5)], 3, 5)
    log.clear()
    assert log.after(4) == ([], 1, 5)
    assert log.measure() == (0, 0, 5, Limits(2, 10**9))


# Wake-ups


def test_a_waker_is_called_once_by_the_next_items() -> None:
    log, waker = log_of(1), Waker()
    assert log.arm(waker, 1)
    log.extend([Item(2), Item(3)])
    log.extend([Item(4)])
    assert waker.calls == 1


def test_arming_behind_the_newest_position_is_refused() -> None:
    log, waker = log_of(2), Waker()
    assert not log.arm(waker, 1)
    log.extend([Item(3)])
    assert waker.calls == 0


def test_a_waker_that_was_taken_back_is_not_called() -> None:
    log, first, second = log_of(), Waker(), Waker()
    log.arm(first, 0)
    log.arm(second, 0)
    log.disarm(first)
    log.disarm(first)
    log.extend([Item(1)])
    assert (first.calls, second.calls) == (0, 1)


def test_a_waker_is_called_without_the_lock() -> None:
    log = log_of()
    seen: list[int] = []

    def look_from_another_thread() -> None:
        thread = threading.Thread(target=lambda: seen.append(log.after(0).last))
        thread.start()
        thread.join(timeout=5)

    log.arm(look_from_another_thread, 0)
    log.extend([Item(1)])
    assert seen == [1]


def test_clearing_and_resizing_between_arm_and_append_change_nothing_for_who_sleeps() -> None:
    log, waker = log_of(3), Waker()
    log.arm(waker, 3)
    log.clear()
    log.resize(Limits(1, 1))
    assert waker.calls == 0
    log.extend([Item(4), Item(5)])
    assert waker.calls == 1
    assert log.after(3) == ([Item(5)], 1, 5)


def test_closing_wakes_everybody_and_lets_nothing_in() -> None:
    log, wakers = log_of(1), [Waker(), Waker()]
    for waker in wakers:
        log.arm(waker, 1)
    log.close()
    log.close()
    assert [waker.calls for waker in wakers] == [1, 1]
    assert not log.extend([Item(2)])
    assert not log.arm(wakers[0], 1)
    assert log.after(0).items == [Item(1)]


def test_a_reader_that_the_garbage_collector_finds_while_the_lock_is_held_can_be_detached() -> None:
    log, reader = log_of(), Reader()
    log.attach(reader)
    with log.lock:
        log.detach(reader)
        assert log.readers() == []


def test_no_wakeup_is_lost_between_many_pushing_threads_and_a_sleeping_one() -> None:
    log = log_of()
    total = 4 * 500

    def push() -> None:
        for value in range(500):
            log.extend([Item(value)])

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    awake = threading.Event()
    position = 0
    while position < total:
        awake.clear()
        if log.arm(awake.set, position):
            assert awake.wait(10)
        position = log.after(position).last
    for thread in threads:
        thread.join()
    assert position == total


# Readers


def test_readers_are_known_until_they_are_detached_or_let_go_of() -> None:
    log, first, second = log_of(), Reader(), Reader()
    log.attach(first)
    log.attach(second)
    assert set(log.readers()) == {first, second}
    log.detach(first)
    log.detach(first)
    assert log.readers() == [second]
    del second
    gc.collect()
    assert log.readers() == []


def test_draining_without_readers_returns_at_once() -> None:
    log_of(5).drain(0, "the log")


def test_draining_waits_for_what_was_there_when_it_began_and_no_more() -> None:
    log, reader = log_of(5), Reader(0)
    log.attach(reader)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (log.drain(None, "the log"), done.set()))
    thread.start()
    eventually(lambda: log._draining == 1)
    log.extend([Item(6)])
    reader.position = 4
    log.advanced()
    assert not done.wait(0.02)
    reader.position = 5
    log.advanced()
    assert done.wait(5)
    thread.join()


def test_a_drain_that_times_out_names_the_slowest_reader() -> None:
    log, slow, slower = log_of(9), Reader(5, "one"), Reader(2, "another")
    log.attach(slow)
    log.attach(slower)
    with pytest.raises(WaitTimeout) as error:
        log.drain(0.01, "the log")
    assert str(error.value) == (
        "expected every reader of the log to be up to date within 0.01 s, got 2 behind; "
        "the slowest is another, 7 events behind"
    )


@pytest.mark.parametrize("how", ["detached", "let go of"])
def test_a_drain_does_not_wait_for_a_reader_that_goes_meanwhile(how: str) -> None:
    log, readers = log_of(3), [Reader()]
    log.attach(readers[0])
    done = threading.Event()
    thread = threading.Thread(target=lambda: (log.drain(8, "the log"), done.set()))
    thread.start()
    eventually(lambda: log._draining == 1)
    if how == "detached":
        log.detach(readers[0])
    readers.clear()
    assert done.wait(4)
    thread.join()


def test_advancing_costs_nothing_while_nobody_drains() -> None:
    log = log_of()
    with log.lock:
        thread = threading.Thread(target=log.advanced)
        thread.start()
        thread.join(timeout=5)
        assert not thread.is_alive()
