"""A web site of the user's, and a session in the test's own process, for tests that need no notebook."""

from __future__ import annotations

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Site", "eventually"]


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


class Site:
    """Serves one page, on another port than the kernel's server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        self.origin = f"http://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def write(self, content: str) -> str:
        """Write the page; return its address."""
        text = f'<!doctype html><meta charset="utf-8"><title>page</title>{content}'
        (self.folder / "index.html").write_text(text)
        return f"{self.origin}/index.html"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def eventually(condition: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
    """Wait for a condition, and fail if it does not come true in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {deadline_s} s"
        time.sleep(0.01)
