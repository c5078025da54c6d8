"""Where the user's handlers run: never on the server's loop, which has everybody's streams to serve.

Coroutines and async generators share one background loop; each generator and each plain function has a thread of its
own, since it may compute or sleep for as long as it likes. What a handler *returns* decides how it goes on, so a
decorated handler, a lambda and a `functools.partial` are as good as any.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.background import Background
    from sse_widget.runs.run import Run

__all__ = ["Handling"]

logger = logging.getLogger(__name__)


def _nothing() -> None:
    """Do nothing."""


class Handling:
    """Runs handlers.

    Parameters
    ----------
    loop : Background
        For coroutines.
    left : callable
        Called with each run whose handler is done, also where that was cancelled long before.
    """

    def __init__(self, loop: Background, left: Callable[[Run], None]) -> None:
        self._loop = loop
        self._left = left

    def begin(self, run: Run) -> None:
        """Have a run's handler called; does not wait for it.

        Raises
        ------
        RuntimeError
            If the session is closed.
        """
        if inspect.isasyncgenfunction(run.call) or inspect.iscoroutinefunction(run.call):
            self._go_on_loop(run, run.call)
        else:
            name = f"sse_widget run of {run.target.path[:60]}"
            threading.Thread(target=self._work, args=(run,), name=name, daemon=True).start()

    # On a thread of its own

    def _work(self, run: Run) -> None:
        made: object = None
        try:
            made = run.call()
            if isinstance(made, Iterator):
                _push_all(run, made)
            elif not isinstance(made, Awaitable | AsyncIterator):
                run.push(made)
        except BaseException as error:  # noqa: BLE001 - a user's handler may raise anything; it becomes the run's end
            _failed(run, error)
        if isinstance(made, Awaitable | AsyncIterator):
            self._go_on(run, made)
        else:
            run.end()
            self._left(run)

    def _go_on(self, run: Run, made: object) -> None:
        try:
            self._go_on_loop(run, lambda: made, lambda: _close_unawaited(made))
        except RuntimeError:  # the session is closed, and its runs are cancelled
            _close_unawaited(made)
            self._left(run)

    # On the loop

    def _go_on_loop(self, run: Run, call: Callable[[], object], after: Callable[[], None] = _nothing) -> None:
        self._loop.submit(self._start(run, call, after))

    async def _start(self, run: Run, call: Callable[[], object], after: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._drive(run, call))

        def done(_task: object) -> None:
            after()
            self._left(run)

        # Not in a `finally` of the task: one that is cancelled before its first step does not run at all.
        task.add_done_callback(done)

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: everything on it was cancelled
                loop.call_soon_threadsafe(task.cancel)

        run.stop = stop
        if run.state != "running":  # cancelled before anybody could be told
            task.cancel()

    async def _drive(self, run: Run, call: Callable[[], object]) -> None:
        try:
            made = call()
            if isinstance(made, Awaitable):
                made = await made
            if isinstance(made, AsyncIterator):
                await _push_all_async(run, made)
            elif isinstance(made, Iterator):
                _push_all(run, made)
            else:
                run.push(made)
        except asyncio.CancelledError as error:
            _failed(run, error)
            raise
        except BaseException as error:  # noqa: BLE001 - as above; an interrupt must not end the loop of all the others
            _failed(run, error)
        run.end()


def _push_all(run: Run, items: Iterator[Any]) -> None:
    try:
        for item in items:
            if not run.push(item):
                break
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


async def _push_all_async(run: Run, items: AsyncIterator[Any]) -> None:
    try:
        async for item in items:
            if not run.push(item):
                break
            await asyncio.sleep(0)  # a generator that never awaits keeps nobody else from running, and can be cancelled
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _close_unawaited(made: object) -> None:
    """Close a coroutine that was made elsewhere, and may never have begun: or Python would warn of it."""
    if inspect.iscoroutine(made):
        made.close()


def _failed(run: Run, error: BaseException) -> None:
    early = run.state != "running"
    if not (early and isinstance(error, asyncio.CancelledError)):  # else it does what it was told
        text = "the handler of %s raised after its run had ended" if early else "the handler of %s raised"
        logger.error(text, run.target.path, exc_info=error)
    run.end(error)
