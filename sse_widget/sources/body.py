"""The body of an answer, taken out of its transfer coding as it comes.

Tornado's own reader of chunks holds small ones back and drops them if the connection then breaks: the last events
before a cut would be lost (tornado 6.6).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tornado.httputil import HTTPHeaders

__all__ = ["Body", "Malformed", "body_of"]

_MAX_LINE_BYTES: Final = 4096
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class Malformed(Exception):
    """The coding is not what it should be; nothing that follows can be trusted."""


class Body:
    """A body that ends with its connection.

    Attributes
    ----------
    complete : bool
        All of it has come; what follows is none of it.
    ends_with_connection : bool
        A connection that is closed has ended it, and not cut it off.
    """

    ends_with_connection = True

    def __init__(self) -> None:
        self.complete = False

    def feed(self, received: bytes) -> bytes:
        """Return what is of the body; raises `Malformed`."""
        return received


class _Sized(Body):
    """One whose length was given."""

    ends_with_connection = False

    def __init__(self, n_bytes: int) -> None:
        super().__init__()
        self._left = n_bytes
        self.complete = n_bytes == 0

    def feed(self, received: bytes) -> bytes:
        part = received[: self._left]
        self._left -= len(part)
        self.complete = self._left == 0
        return part


class _Chunked(Body):
    """One in chunks (RFC 9112, 7.1)."""

    ends_with_connection = False

    def __init__(self) -> None:
        super().__init__()
        self._line = bytearray()  # what has come of a line
        self._left = 0  # of the present chunk
        self._trailers = False

    def feed(self, received: bytes) -> bytes:
        parts: list[bytes] = []
        at = 0
        while at < len(received) and not self.complete:
            if self._left:
                part = received[at : at + self._left]
                parts.append(part)
                self._left -= len(part)
                at += len(part)
                continue
            end = received.find(b"\n", at)
            self._line += received[at : len(received) if end < 0 else end]
            if len(self._line) > _MAX_LINE_BYTES:
                raise Malformed("a line between chunks that does not end")
            if end < 0:
                break
            at = end + 1
            self._take_line(bytes(self._line).removesuffix(b"\r"))
            self._line.clear()
        return b"".join(parts)

    def _take_line(self, line: bytes) -> None:
        if self._trailers:
            self.complete = not line
        elif line or not self._between:
            self._take_size(line)
        else:
            self._between = False  # the line end behind a chunk

    _between = False

    def _take_size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None or self._between:
            raise Malformed("something else where the size of a chunk should be")
        self._left = int(found[1], 16)
        self._between = self._left > 0
        self._trailers = self._left == 0


def body_of(headers: HTTPHeaders) -> Body:
    """Return how the body of an answer with these headers is to be read; raises `Malformed`."""
    coding = headers.get("Transfer-Encoding", "").strip().lower()
    if coding == "chunked":
        return _Chunked()
    if coding:
        raise Malformed(f"the transfer coding {coding!r}")
    length = headers.get("Content-Length")
    if length is None:
        return Body()
    if not (length.isascii() and length.isdigit()):
        raise Malformed("a length that is no number")
    return _Sized(int(length[:15]))
