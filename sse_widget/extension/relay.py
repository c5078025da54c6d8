"""One request to a kernel's server, and its answer as it comes.

Theory of operation
-------------------
Tornado's `HTTP1Connection` reads the answer piece by piece and awaits what takes each piece; what takes it here awaits
the browser's socket. So nothing is read from the kernel that the browser has not made room for, and the kernel's own
stream notices. (Tornado's HTTP client would read on, and stop at 100 MB.) Every request has its own connection: closing
it is how either side learns that the other has gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import socket
import sys
from typing import TYPE_CHECKING, Final, Protocol

import orjson
from tornado.gen import with_timeout
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError

from sse_widget.errors import SSEWidgetError
from sse_widget.server.socket import SOCKET_HOST

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sse_widget.server.runtime import Runtime

__all__ = ["NoAnswer", "Taker", "Upstream"]

CONNECT_S: Final = 5.0
HEADERS_S: Final = 30.0
"""How long the kernel may take to begin its answer: its server shares the interpreter with the user's program."""
_CHUNK_BYTES: Final = 64 << 10
_MAX_HEADER_BYTES: Final = 64 << 10
_MAX_PROOF_BYTES: Final = 1 << 10
_OK: Final = 200


class NoAnswer(SSEWidgetError):
    """The kernel's server cannot be reached, or is not the kernel's."""


class Taker(Protocol):
    """Who gets the answer. Raises `StreamClosedError` when nobody wants the rest: then the kernel's side is closed."""

    async def take_head(self, status: int, headers: HTTPHeaders) -> None:
        """Take the first line and the headers."""

    async def take_body(self, chunk: bytes) -> None:
        """Take a part of the body; the next one is read when this returns."""


class Upstream:
    """One request. `connect`, `request`, `send` the body if there is one, `end`; and meanwhile `answer`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stream: IOStream | None = None
        self._connection: HTTP1Connection | None = None
        self.ended = False  # the request is complete

    async def connect(self) -> None:
        """Connect; by a port, only to what proves that it is the kernel.

        Raises
        ------
        NoAnswer
            If that is not possible.
        """
        by_port = not self._runtime.socket
        self._stream = stream = _open(by_port=by_port)
        address = ("127.0.0.1", self._runtime.port) if by_port else self._runtime.socket
        try:
            if not by_port:
                self._runtime.check_socket()
            await with_timeout(stream.io_loop.time() + CONNECT_S, stream.connect(address))
            if by_port:
                await self._ask_for_proof()
        except (OSError, TimeoutError, NoAnswer) as error:
            self.close()
            message = f"expected the kernel's server to answer, got {type(error).__name__}"
            raise NoAnswer(message) from error

    def request(self, method: str, target: str, headers: HTTPHeaders, answer_s: float = HEADERS_S) -> None:
        """Send the head of the request, with the bearer.

        Parameters
        ----------
        method : str
            `GET` or `POST`.
        target : str
            Path and query.
        headers : tornado.httputil.HTTPHeaders
            What may go to the kernel of the browser's.
        answer_s : float [s]
            How long the answer may take to begin.
        """
        sent = headers.copy()
        sent["Authorization"] = f"Bearer {self._runtime.bearer}"
        self._begin(method, target, sent, answer_s)

    async def send(self, chunk: bytes) -> None:
        """Send a part of the body, and wait until the kernel has made room; nothing if it has gone."""
        if self._connection is not None:
            with contextlib.suppress(StreamClosedError):
                await self._connection.write(chunk)

    def end(self) -> None:
        """Say that the request is complete."""
        if self._connection is not None:
            self.ended = True
            self._connection.finish()

    async def answer(self, taker: Taker) -> bool:
        """Give the answer to `taker` as it comes; True if it came to its end."""
        delegate = _Answer(taker, self)
        if self._connection is not None:
            with contextlib.suppress(StreamClosedError):
                await self._connection.read_response(delegate)
        return delegate.complete

    def close(self) -> None:
        """Close the connection; the kernel's server sees it at once. Idempotent."""
        if self._connection is not None:
            self._connection.close()
        if self._stream is not None:
            self._stream.close()

    def _begin(self, method: str, target: str, headers: HTTPHeaders, answer_s: float) -> None:
        if self._stream is None:
            raise AssertionError("connect() comes first")
        headers["Host"] = SOCKET_HOST if self._runtime.socket else f"127.0.0.1:{self._runtime.port}"
        parameters = HTTP1ConnectionParameters(
            chunk_size=_CHUNK_BYTES,
            max_header_size=_MAX_HEADER_BYTES,
            header_timeout=answer_s,
            max_body_size=sys.maxsize,  # a stream has no end
        )
        self.ended = False
        self._connection = HTTP1Connection(self._stream, is_client=True, params=parameters)
        self._connection.write_headers(RequestStartLine(method, target, "HTTP/1.1"), headers)

    async def _ask_for_proof(self) -> None:
        """Let the server prove itself on this very connection: the port may be somebody else's by now."""
        nonce = secrets.token_hex(16)
        self._begin("GET", f"/whoami?n={nonce}", HTTPHeaders(), HEADERS_S)
        self.end()
        proof = _Proof()
        await self.answer(proof)
        key = bytes.fromhex(self._runtime.key)
        if not hmac.compare_digest(proof.mac(), hmac.digest(key, f"server|{nonce}".encode(), hashlib.sha256).hex()):
            message = f"expected a proof from 127.0.0.1:{self._runtime.port}, got none"
            raise NoAnswer(message)


class _Answer(HTTPMessageDelegate):
    """What tornado tells about the answer, for a `Taker`."""

    def __init__(self, taker: Taker, upstream: Upstream) -> None:
        self._taker = taker
        self._upstream = upstream
        self._left = False
        self.complete = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if not isinstance(start_line, ResponseStartLine) or start_line.code < _OK:  # "100 Continue"
            return None
        return self._or_leave(self._taker.take_head(start_line.code, headers))

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        # What has been read already still comes after the connection is closed.
        return None if self._left else self._or_leave(self._taker.take_body(chunk))

    def finish(self) -> None:
        self.complete = not self._left
        if not self._upstream.ended:  # nobody reads the rest of the request
            self._upstream.close()

    def on_connection_close(self) -> None:
        """Leave `complete` as it is."""

    async def _or_leave(self, taken: Awaitable[None]) -> None:
        try:
            await taken
        except StreamClosedError:
            self._left = True
            self._upstream.close()


class _Proof:
    """A `Taker` that keeps a small JSON answer."""

    def __init__(self) -> None:
        self._body = bytearray()

    async def take_head(self, status: int, headers: HTTPHeaders) -> None:
        """Take a success only."""
        del headers
        if status != _OK:
            raise StreamClosedError

    async def take_body(self, chunk: bytes) -> None:
        """Take a little."""
        self._body += chunk
        if len(self._body) > _MAX_PROOF_BYTES:
            raise StreamClosedError

    def mac(self) -> str:
        """Return the proof, or what is none."""
        with contextlib.suppress(ValueError):
            content = orjson.loads(self._body)
            if isinstance(content, dict) and isinstance(content.get("mac"), str) and content["mac"].isascii():
                return str(content["mac"])
        return ""


def _open(*, by_port: bool) -> IOStream:
    family = socket.AF_INET if by_port else socket.AF_UNIX
    return IOStream(socket.socket(family, socket.SOCK_STREAM), max_buffer_size=1 << 20, read_chunk_size=_CHUNK_BYTES)
