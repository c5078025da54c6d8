"""How to run something on the thread where users expect their callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[Callable[[], None]], None]

__all__ = ["find_main_loop"]

logger = logging.getLogger(__name__)

_LINGER_S: Final = 0.05


def find_main_loop() -> Call:
    """Return a function that runs a function on the main thread, as soon as that is free; any thread may call it.

    In a kernel that is the kernel's own loop: between cells, and while a cell awaits. In a program with a running
    asyncio loop it is that loop. In a program without one there is no such moment, and a thread of our own does it.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        call: Call = kernel.io_loop.add_callback
        return call
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _CallbackThread()
    return lambda function: _call_soon(loop, function)


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: there is no main thread to call on any more
        loop.call_soon_threadsafe(function)


class _CallbackThread:
    """Runs functions one after the other, on a thread that ends when there have been none for a moment."""

    def __init__(self) -> None:
        # Not bounded here: a dispatcher has at most two calls under way.
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # Held while the thread runs. Nobody waits for it: a garbage collection may call, whatever it interrupts.
        self._running = threading.Lock()

    def __call__(self, function: Callable[[], None]) -> None:
        if sys.is_finalizing():  # a thread that is started now never runs, and who starts it waits for it for ever
            return
        self._calls.put(function)
        if self._running.acquire(blocking=False):
            threading.Thread(target=self._run, name="sse_widget callbacks", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                function = self._calls.get(timeout=_LINGER_S)
            except queue.Empty:
                self._running.release()
                # A call that came just before found a thread running, and started none.
                if self._calls.empty() or not self._running.acquire(blocking=False):
                    return
                continue
            try:
                function()
            except BaseException:
                logger.exception("a callback was interrupted; the next ones go on")
