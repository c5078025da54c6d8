"""How to run something on the thread where users expect their callbacks."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[Callable[[], None]], None]

__all__ = ["find_main_loop"]


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
    return lambda function: None if loop.is_closed() else _ignore(loop.call_soon_threadsafe(function))


def _ignore(_handle: object) -> None:
    """Forget the handle: the call is never cancelled."""


class _CallbackThread:
    """Runs functions one after the other; the thread starts with the first."""

    def __init__(self) -> None:
        # Not bounded here: a dispatcher has at most two calls under way.
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._started = False
        self._lock = threading.Lock()

    def __call__(self, function: Callable[[], None]) -> None:
        self._calls.put(function)
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="sse_widget callbacks", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._calls.get()()
