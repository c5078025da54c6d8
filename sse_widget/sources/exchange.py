"""One HTTP request and its answer, as it comes.

Theory of operation
-------------------
Tornado's own HTTP client keeps an answer that ends with its connection until that end, so for the many servers that
stream that way nothing would ever come. Here its `HTTP1Connection` reads the head; then the connection is taken over,
and read as it comes. What takes the pieces does not wait, so nothing is queued: an upstream that is too fast is held up
by its own socket.

A connection is closed for silence by a timer of its own; every other end is the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import StreamClosedError
from tornado.tcpclient import TCPClient

from sse_widget.sources.body import Malformed, body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tornado.iostream import IOStream

    from sse_widget.sources.request import Request

__all__ = ["Exchange", "Head", "NoAnswer", "Untrusted"]

_CHUNK_BYTES: Final = 64 << 10
_BUFFER_BYTES: Final = 1 << 20
_MAX_HEADER_BYTES: Final = 64 << 10
_OK: Final = 200


class NoAnswer(Exception):
    """Nobody has answered; another try may help."""


class Untrusted(Exception):
    """The server's certificate is not valid for its name; another try would not help."""


class Head(NamedTuple):
    """The beginning of an answer."""

    status: int
    headers: HTTPHeaders


class Exchange(HTTPMessageDelegate):
    """One request, one answer, one connection.

    Parameters
    ----------
    accept : callable
        Told the head; true: the body is read.
    take : callable
        Told each piece of the body.
    connect_s, silence_s : float [s]
        For the connection to come; without a byte, before it is taken for dead (infinite: never).
    verify : ssl.SSLContext
        For https.
    """

    def __init__(
        self,
        accept: Callable[[Head], bool],
        take: Callable[[bytes], None],
        connect_s: float,
        silence_s: float,
        verify: ssl.SSLContext,
    ) -> None:
        self.head: Head | None = None
        self.complete = False  # the server has ended the answer as it should
        self.sent = False  # the server may have got the request
        self.malformed = ""  # what could not be read
        self.silent = False  # it was closed because nothing came
        self._accept = accept
        self._take = take
        self._connect_s = connect_s
        self._silence_s = silence_s
        self._verify = verify
        self._stream: IOStream | None = None
        self._connection: HTTP1Connection | None = None
        self._raw: IOStream | None = None  # taken over: the answer ends with the connection
        self._over = False
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, request: Request, headers: HTTPHeaders) -> None:
        """Send the request and read the answer to its end.

        Raises
        ------
        NoAnswer
            If there was none.
        Untrusted
            If the server is not who it should be.
        """
        try:
            await self._connect(request)
            with contextlib.suppress(StreamClosedError):
                await self._converse(request, headers)
        except Malformed as error:
            self.malformed = str(error)
        finally:
            self._end()
        if self.head is None:
            raise NoAnswer(f"no answer within {self._silence_s:g} s, or none that is HTTP")

    # What tornado tells

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Look at the head, and take the connection over."""
        if not isinstance(start_line, ResponseStartLine) or start_line.code < _OK:  # "100 Continue"
            return
        self.head = Head(start_line.code, headers)
        if self._connection is not None:
            self._raw = self._connection.detach()

    def on_connection_close(self) -> None:
        """Leave `head` as it is."""

    # Inside

    async def _connect(self, request: Request) -> None:
        address = request.address
        context = self._verify if address.scheme == "https" else None
        try:
            self._stream = await TCPClient().connect(
                address.host,
                address.port,
                ssl_options=context,
                max_buffer_size=_BUFFER_BYTES,
                timeout=self._connect_s,
            )
        except (OSError, TimeoutError) as error:  # a StreamClosedError is an OSError
            cause = getattr(error, "real_error", None) or error
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise Untrusted(cause.verify_message or str(cause)) from None
            raise NoAnswer(f"no connection: {_reason(cause)}") from None
        self._stream.set_nodelay(True)

    async def _converse(self, request: Request, headers: HTTPHeaders) -> None:
        if self._stream is None:
            raise AssertionError("connected just now")
        parameters = HTTP1ConnectionParameters(
            chunk_size=_CHUNK_BYTES,
            max_header_size=_MAX_HEADER_BYTES,
            header_timeout=None if self._silence_s == math.inf else self._silence_s,
            max_body_size=sys.maxsize,  # a stream has no end
        )
        self._connection = HTTP1Connection(self._stream, is_client=True, params=parameters)
        line = RequestStartLine(request.method, request.address.target, "HTTP/1.1")
        self.sent = True
        self._connection.write_headers(line, headers, request.body)
        self._connection.finish()
        await self._connection.read_response(self)
        if self._raw is not None and self.head is not None and self._accept(self.head):
            await self._read(self._raw, self.head.headers)

    async def _read(self, stream: IOStream, headers: HTTPHeaders) -> None:
        self._heard()
        self._look()
        body = body_of(headers)
        while not (body.complete or self._over):
            try:
                received = await stream.read_bytes(_CHUNK_BYTES, partial=True)
            except StreamClosedError as closed:
                # A connection that was reset has cut the answer short.
                self.complete = body.ends_with_connection and closed.real_error is None and not self._over
                return
            self._heard()
            self._take(body.feed(received))
            await asyncio.sleep(0)  # a fast server must not keep the loop from the others
        self.complete = not self._over

    def _heard(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()

    def _look(self) -> None:
        """Close the connection if nothing has come for too long; look again when that can be."""
        loop = asyncio.get_running_loop()
        left = self._heard_at + self._silence_s - loop.time()
        if left == math.inf:
            return
        if left <= 0:
            self.silent = True
            self._end()
        else:
            self._timer = loop.call_later(left, self._look)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._over = True
        if self._stream is not None:
            self._stream.close()


def _reason(error: BaseException) -> str:
    return f"{getattr(error, 'strerror', None) or error}" or type(error).__name__
