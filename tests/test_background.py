"""A loop on a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

import pytest

from sse_widget.background import Background

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background("sse_widget test")
    yield made
    made.stop()


async def thread() -> threading.Thread:
    return threading.current_thread()


def test_nothing_is_started_before_it_is_needed(background: Background) -> None:
    before = threading.active_count()
    background.stop()
    background.stop()
    assert threading.active_count() == before


def test_coroutines_run_on_one_daemon_thread(background: Background) -> None:
    first, second = (background.submit(thread()).result(5) for _ in range(2))
    assert first is second is not threading.current_thread()
    assert first.daemon
    assert first.name == "sse_widget test"


def test_what_a_coroutine_raises_is_in_its_future(background: Background) -> None:
    async def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        background.submit(fail()).result(5)


def test_stop_cancels_what_runs_and_lets_it_clean_up(background: Background) -> None:
    cleaned, begun = [], threading.Event()

    async def run() -> None:
        try:
            begun.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    future = background.submit(run())
    assert begun.wait(5)
    background.stop()
    assert cleaned == [True]
    with pytest.raises(CancelledError):
        future.result(5)


def test_nothing_begins_after_the_stop(background: Background) -> None:
    background.submit(thread()).result(5)
    background.stop()
    with pytest.raises(RuntimeError) as caught:
        background.submit(thread())
    assert str(caught.value) == "expected the loop of 'sse_widget test' to run, but it was stopped with its session"


def test_a_coroutine_that_stops_its_own_loop_does_not_wait_for_itself(background: Background) -> None:
    async def stop() -> None:
        background.stop()

    runs = background.submit(thread()).result(5)
    background.submit(stop())
    runs.join(5)
    assert not runs.is_alive()


def test_a_thread_that_is_blocked_is_told_of(background: Background, caplog: pytest.LogCaptureFixture) -> None:
    blocked, free = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        free.wait(10)

    background.submit(block())
    assert blocked.wait(5)
    with caplog.at_level(logging.WARNING):
        background.stop(0.01)
    free.set()
    assert "did not end within 0.01 s" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_the_child_has_a_thread_of_its_own(background: Background) -> None:
    background.submit(thread()).result(5)
    child = os.fork()
    if child == 0:
        name = background.submit(thread()).result(5).name
        os._exit(0 if name == "sse_widget test" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_loop_that_does_not_start_is_an_error(background: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Background, "_launch", lambda _self: None)
    with pytest.raises(RuntimeError, match=r"to start within 10\.0 s, got no answer"):
        background.submit(thread())
