"""Where callbacks run: in a kernel, in a program with a loop, in one without."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from sse_widget.widget.main_loop import find_main_loop
from tests.conftest import eventually
from tests.widget.page import elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.widget.page import MainThread


def callback_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sse_widget callbacks"]


def in_order(count: int, call: Callable[[Callable[[], None]], None], done: list[int]) -> None:
    for number in range(count):
        call(lambda number=number: done.append(number))


def test_in_a_kernel_it_is_the_kernels_loop(main: MainThread) -> None:
    call, done = find_main_loop(), []
    elsewhere(lambda: in_order(3, call, done))
    assert done == []
    main.is_free()
    assert done == [0, 1, 2]


def test_a_shell_without_a_kernel_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("IPython.get_ipython", object)
    done = threading.Event()
    find_main_loop()(done.set)
    assert done.wait(5)


@pytest.mark.parametrize("imported", [True, False])
def test_in_a_program_with_a_loop_it_is_that_loop(monkeypatch: pytest.MonkeyPatch, imported: bool) -> None:
    if not imported:
        monkeypatch.delitem(sys.modules, "IPython")

    async def main() -> None:
        call, done = find_main_loop(), []
        threads: set[int] = set()
        elsewhere(lambda: in_order(100, call, done))
        assert done == []
        finished = asyncio.Event()
        call(lambda: (threads.add(threading.get_ident()), finished.set()))
        await asyncio.wait_for(finished.wait(), 5)
        assert done == list(range(100))
        assert threads == {threading.get_ident()}

    asyncio.run(main())
    assert callback_threads() == []


def test_a_loop_that_has_ended_is_called_no_more() -> None:
    async def main() -> Callable[[Callable[[], None]], None]:
        return find_main_loop()

    asyncio.run(main())(lambda: pytest.fail("called"))


def test_in_a_program_without_a_loop_it_is_a_thread_that_keeps_the_order_and_ends() -> None:
    call, done = find_main_loop(), []
    assert callback_threads() == []
    in_order(1000, call, done)
    eventually(lambda: len(done) == 1000)
    assert done == list(range(1000))
    eventually(lambda: callback_threads() == [])
    in_order(1, call, done)  # and begins again
    eventually(lambda: len(done) == 1001)


def test_a_call_that_finds_the_thread_about_to_end_is_not_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.widget.main_loop._LINGER_S", 0)
    call, done = find_main_loop(), threading.Event()

    class Running:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def acquire(self, *, blocking: bool) -> bool:
            return self.lock.acquire(blocking=blocking)

        def release(self) -> None:
            if not done.is_set():
                call(done.set)
            self.lock.release()

    call._running = Running()  # type: ignore[attr-defined]
    call(lambda: None)
    assert done.wait(5)


def test_calls_from_many_threads_run_one_after_the_other() -> None:
    call, running, most = find_main_loop(), [], []

    def work() -> None:
        running.append(1)
        most.append(len(running))
        running.pop()

    def call_often() -> None:
        for _ in range(100):
            call(work)

    threads = [threading.Thread(target=call_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(most) == 800)
    assert set(most) == {1}


def test_a_call_may_call_and_one_that_is_interrupted_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    call, done = find_main_loop(), threading.Event()

    def interrupted() -> None:
        call(done.set)
        raise KeyboardInterrupt

    call(interrupted)
    assert done.wait(5)
    assert [record.getMessage() for record in caplog.records] == ["a callback was interrupted; the next ones go on"]


def test_a_call_in_the_moment_in_which_the_thread_ends_is_not_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.widget.main_loop._LINGER_S", 0)
    call, done = find_main_loop(), []
    for number in range(300):
        call(lambda number=number: done.append(number))
        if number % 3 == 0:
            eventually(lambda number=number: len(done) == number + 1)
    eventually(lambda: len(done) == 300)
    assert done == list(range(300))
