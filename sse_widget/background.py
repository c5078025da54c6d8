"""A loop on a thread of its own, for what goes on while cells are busy: started by the first need."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

__all__ = ["Background"]

logger = logging.getLogger(__name__)

_START_S: Final = 10.0

T = TypeVar("T")


class Background:
    """One daemon thread with an asyncio loop. Thread-safe.

    What the user writes runs on another one than what the package needs: a coroutine that blocks holds up its own loop
    only.

    Parameters
    ----------
    name : str
        What the thread is called.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._stopped = False

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop, which is started if need be; cancelling the future cancels it.

        Raises
        ------
        RuntimeError
            If it was stopped. The coroutine is closed then.
        """
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.start())
        except RuntimeError:
            coroutine.close()  # or Python would warn that nobody awaited it
            raise

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the loop; it runs.

        Raises
        ------
        RuntimeError
            If it was stopped.
        """
        with self._lock:
            if self._stopped:
                raise RuntimeError(f"expected the loop of {self.name!r} to run, but it was stopped with its session")
            # After a fork the thread is not there any more, and its loop is no use.
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._launch()
            if self._loop is None:
                raise RuntimeError(f"expected the loop of {self.name!r} to start within {_START_S} s, got no answer")
            return self._loop

    def check_elsewhere(self, instead: str) -> None:
        """Refuse to be waited on by what runs here itself.

        Raises
        ------
        RuntimeError
            On this loop's thread; the message says what to do `instead`.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                f"expected to wait on another thread than {self.name!r}, which goes on meanwhile; {instead}"
            )

    def stop(self, timeout_s: float = 1.0) -> None:
        """Cancel everything and end the thread. Idempotent."""
        with self._lock:
            self._stopped = True
            thread, self._thread = self._thread, None
            if thread is None or not thread.is_alive() or self._loop is None or self._stopping is None:
                return
            self._loop.call_soon_threadsafe(self._stopping.set)
        if thread is not threading.current_thread():
            thread.join(timeout_s)
            if thread.is_alive():
                logger.warning("the thread %r did not end within %s s: something on it blocks", self.name, timeout_s)

    def _launch(self) -> None:
        ready = threading.Event()
        self._loop = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name=self.name, daemon=True)
        self._thread.start()
        ready.wait(_START_S)

    async def _run(self, ready: threading.Event) -> None:
        self._stopping = stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        ready.set()
        await stopping.wait()  # `asyncio.run` then cancels what is left, and waits until that has ended
