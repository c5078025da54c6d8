"""The way out of an event that is too large to be read: to the blank line behind it."""

from __future__ import annotations

import re

__all__ = ["Skip"]

_LINE_END = re.compile(rb"\r\n|\n|\r")


class Skip:
    """Looks for the end of the present event, in any chunks."""

    def __init__(self) -> None:
        self._empty = False  # the present line has no byte yet: never at the start, within a line that was too long
        self._after_cr = False  # an LF that follows belongs to it

    def feed(self, chunk: bytes) -> bytes | None:
        """Return what follows the blank line; None if it has not come yet."""
        if not chunk:
            return None
        at = 1 if self._after_cr and chunk.startswith(b"\n") else 0
        for found in _LINE_END.finditer(chunk, at):
            empty = self._empty and found.start() == at
            at = found.end()
            if empty:
                return chunk[at:]
            self._empty = True
        if at < len(chunk):
            self._empty = False
        self._after_cr = chunk.endswith(b"\r")
        return None
