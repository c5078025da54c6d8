"""What all handles of sources have in common: they end once, and can be waited for."""

from __future__ import annotations

import threading

from sse_widget.errors import WaitTimeout

__all__ = ["Ending"]


class Ending:
    """A piece of work in the background that ends, well or with an error."""

    state: str
    error: BaseException | None

    def __init__(self) -> None:
        self._ended = threading.Event()

    def wait(self, timeout: float | None = None) -> None:
        """Block until it has ended, however; raises `WaitTimeout` if it has not by then [s]."""
        if not self._ended.wait(timeout):
            raise WaitTimeout(f"expected {self!r} to end within {timeout} s; stop() ends it")

    def _wait_well(self, timeout: float | None) -> None:
        """Wait, and raise why it has failed."""
        self.wait(timeout)
        if self.state == "failed" and self.error is not None:
            raise self.error
