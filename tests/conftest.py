"""What all unit tests share: a session of their own, and no thread left behind."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from sse_widget.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=150, stateful_step_count=40)
settings.load_profile("repeatable")

# Who starts the tests in the background of a shell (CI, nohup) hands down an ignored SIGINT, and Python keeps it so:
# then no test could interrupt anything, nor any process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def session() -> Iterator[Session]:
    """A kernel's session, with its own server, closed after the test."""
    made = Session()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    eventually(lambda: not _ours(before), f"threads left behind: {_ours(before)}")


def _ours(before: set[threading.Thread]) -> set[threading.Thread]:
    return {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("sse_widget")}


def eventually(condition: Callable[[], bool], what: str = "the condition", deadline_s: float = 10.0) -> None:
    """Wait for a condition, and fail if it does not come true in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {deadline_s} s"
        time.sleep(0.002)
