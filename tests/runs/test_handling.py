"""Where handlers run, and how they end."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.errors import RunCancelled
from sse_widget.runs.routes import Target
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.runs.run import Run
    from sse_widget.session import Session


@pytest.fixture
def start(session: Session) -> Callable[[Any], Run]:
    """Start a run of a handler."""

    def start_it(handler: Any) -> Run:
        session.runs.routes.add("/h", handler)
        return session.runs.start(Target.of("/h"))[0]

    return start_it


def values(run: Run) -> list[Any]:
    return [event.data for event in run.result(10)]


async def async_generator(_request):
    yield 1
    await asyncio.sleep(0)
    yield 2


def generator(_request):
    yield 1
    yield 2


async def coroutine(_request):
    await asyncio.sleep(0)
    return [1, 2]


def function(_request):
    return [1, 2]


def a_list(*_arguments):
    return functools.partial(function, None)()


def hands_over_an_async_generator(request):
    return async_generator(request)


def hands_over_a_coroutine(request):
    return coroutine(request)


def hands_over_an_iterator(_request):
    return iter((1, 2))


async def hands_over_on_the_loop(request):
    return async_generator(request)


async def an_iterator_on_the_loop(_request):
    return map(int, "12")


class AnObject:
    def __call__(self, _request):
        return {"called": True}

    def method(self, _request):
        yield "method"


class Counting:
    """An asynchronous iterator that is no generator, and has nothing to close."""

    def __init__(self, _request):
        self.count = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.count += 1
        if self.count > 2:
            raise StopAsyncIteration
        return self.count


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (async_generator, [1, 2]),
        (generator, [1, 2]),
        (coroutine, [[1, 2]]),
        (function, [[1, 2]]),
        (a_list, [[1, 2]]),
        (hands_over_an_async_generator, [1, 2]),
        (hands_over_a_coroutine, [[1, 2]]),
        (hands_over_an_iterator, [1, 2]),
        (hands_over_on_the_loop, [1, 2]),
        (an_iterator_on_the_loop, [1, 2]),
        (functools.partial(generator), [1, 2]),
        (functools.partial(async_generator), [1, 2]),
        (lambda _request: None, [None]),
        (Counting, [1, 2]),
        (AnObject(), [{"called": True}]),
        (AnObject().method, ["method"]),
    ],
)
def test_every_kind_of_handler_sends_its_events(start, handler: Any, expected: list[Any]) -> None:
    assert values(start(handler)) == expected


def test_nothing_of_the_users_runs_on_the_servers_loop_or_the_callers_thread(start, session: Session) -> None:
    session.server.start()

    async def on_loop(_request):
        yield threading.current_thread().name

    def on_thread(_request):
        yield threading.current_thread().name

    assert values(start(on_loop)) == ["sse_widget user code"]
    assert values(start(on_thread)) == ["sse_widget run of /h"]
    assert values(start(lambda _request: threading.current_thread().name)) == ["sse_widget run of /h"]


def test_a_handler_that_blocks_holds_up_no_other(start) -> None:
    go_on = threading.Event()
    blocked = start(lambda _request: go_on.wait(10))
    assert values(start(generator)) == [1, 2]
    assert blocked.state == "running"
    go_on.set()
    assert values(blocked) == [True]


@pytest.mark.parametrize("kind", ["generator", "async generator", "function", "coroutine", "interrupt", "cancelled"])
def test_what_a_handler_raises_ends_its_run(start, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    error: BaseException = ValueError("mine")
    if kind == "interrupt":
        error = KeyboardInterrupt("mine")
    if kind == "cancelled":
        error = asyncio.CancelledError("mine")

    def raising(_request):
        raise error

    def raising_generator(_request):
        yield 1
        raise error

    async def raising_coroutine(_request):
        raise error

    async def raising_async_generator(_request):
        yield 1
        raise error

    handlers = {"generator": raising_generator, "function": raising, "async generator": raising_async_generator}
    run = start(handlers.get(kind, raising_coroutine))
    with pytest.raises(type(error), match=r"^mine$"):
        run.result(10)
    assert (run.state, run.error) == ("failed", error)
    assert run.channel.failure == {
        "class": type(error).__name__,
        "text": "the handler raised it; the traceback is in the kernel's log",
    }
    assert "the handler of /h raised" in caplog.text
    assert values(start(async_generator)) == [1, 2], "the loop goes on"


def test_widgets_that_cannot_be_told_do_not_keep_a_run_from_ending(
    start, session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def closed(_channel: object, _text: str) -> None:
        raise OSError("the comm is closed")

    monkeypatch.setattr(session, "trouble", closed)

    def handler(_request):
        raise ValueError("mine")

    run = start(handler)
    with pytest.raises(ValueError, match=r"^mine$"):
        run.result(10)
    eventually(lambda: not session.runs._working)
    assert "the widgets of /h could not be told" in caplog.text


@pytest.mark.parametrize("value", [object(), {1, 2}])
def test_a_value_that_is_no_json_ends_the_run(start, value: object) -> None:
    closed = []

    def handler(_request):
        try:
            yield value
        finally:
            closed.append(True)

    run = start(handler)
    with pytest.raises(TypeError, match=r"^expected data that JSON can hold"):
        run.result(10)
    assert closed == [True]


def test_cancelling_closes_an_async_generator_where_it_waits(start, session: Session) -> None:
    closed: list[str] = []

    async def handler(_request):
        try:
            yield 1
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            closed.append("cancelled")
            raise
        finally:
            closed.append("finally")

    run = start(handler)
    eventually(lambda: run.channel.log.newest == 1)
    assert run.cancel()
    assert not run.cancel()
    with pytest.raises(RunCancelled, match=r"^the run of /h ended early: it was cancelled$"):
        run.result()
    eventually(lambda: closed == ["cancelled", "finally"])
    eventually(lambda: not session.runs._working)


def test_cancelling_closes_an_async_generator_that_never_waits(start, session: Session) -> None:
    closed = []

    async def handler(_request):
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    run = start(handler)
    eventually(lambda: run.channel.log.newest > 10)
    assert values(start(async_generator)) == [1, 2], "others go on meanwhile"
    run.cancel()
    eventually(lambda: closed == [True])
    eventually(lambda: not session.runs._working)


def test_cancelling_closes_a_generator_between_two_events(start, session: Session) -> None:
    closed, go_on = [], threading.Event()

    def handler(_request):
        try:
            yield 1
            assert go_on.wait(10)
            yield 2
        finally:
            closed.append(threading.current_thread().name)

    run = start(handler)
    eventually(lambda: run.channel.log.newest == 1)
    run.cancel()
    assert run.channel.closed
    assert session.runs._working == {run}, "its thread is still there"
    go_on.set()
    eventually(lambda: closed == ["sse_widget run of /h"])
    eventually(lambda: not session.runs._working)
    assert run.channel.log.newest == 1


def test_a_run_that_is_cancelled_at_once_does_not_hang(start, session: Session) -> None:
    for handler in (async_generator, coroutine, generator, function, hands_over_a_coroutine) * 20:
        run = start(handler)
        run.cancel()
        assert run.state in {"cancelled", "ended"}
    eventually(lambda: not session.runs._working)


def test_what_is_raised_after_the_end_is_logged(start, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_request):
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            raise ValueError("while closing")

    run = start(handler)
    eventually(lambda: run.channel.log.newest == 1)
    run.cancel()
    eventually(lambda: not session.runs._working)
    assert "the handler of /h raised after its run had ended" in caplog.text
    assert run.state == "cancelled"


def test_closing_the_session_lets_handlers_clean_up(start, session: Session) -> None:
    closed = []

    async def handler(_request):
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    run = start(handler)
    eventually(lambda: run.channel.log.newest == 1)
    session.close()
    assert closed == [True]
    assert run.channel.failure == {"class": "RunCancelled", "text": "the run of /h ended early: the session is closed"}


def test_a_closed_session_takes_no_request(start, session: Session) -> None:
    go_on = threading.Event()

    def late(request):
        assert go_on.wait(10)
        return coroutine(request)

    run = start(late)
    session.close()
    with pytest.raises(RuntimeError, match="stopped with its session"):
        start(async_generator)
    go_on.set()
    eventually(lambda: not session.runs._working)
    assert run.state == "cancelled"
    gc.collect()  # no warning of a coroutine that was never awaited


def test_an_async_handler_hands_over_events_as_they_come(start) -> None:
    steps: asyncio.Queue[int] = asyncio.Queue()
    loops: list[asyncio.AbstractEventLoop] = []

    async def handler(_request):
        loops.append(asyncio.get_running_loop())
        while (step := await steps.get()) >= 0:
            yield step

    run = start(handler)
    eventually(lambda: bool(loops))
    reader = run.channel.subscribe(after="oldest")
    for step in range(3):
        loops[0].call_soon_threadsafe(steps.put_nowait, step)
        assert reader.next(10).data == step
    loops[0].call_soon_threadsafe(steps.put_nowait, -1)
    assert values(run) == [0, 1, 2]
    assert time.monotonic() >= run.ended_at > 0
