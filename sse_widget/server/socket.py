"""The kernel's second door: a unix socket for the Jupyter server, which knows who is asking (docs/protocol.md, 8).

The socket is 0600 in a folder of its own, 0700, so that no other user of the machine reaches it; and what comes in has
to carry the bearer all the same.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tornado import netutil
from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate

from sse_widget.server import runtime
from sse_widget.server.bounded import BoundedServer
from sse_widget.server.handlers import MAX_RECEIVED_BYTES
from sse_widget.server.runtime import FOLDER_PREFIX, MAX_SOCKET_PATH_BYTES, Runtime

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable

    from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine, ResponseStartLine
    from tornado.web import Application

    from sse_widget.server.guard import Guard

__all__ = ["SOCKET_HOST", "Listener", "listen"]

logger = logging.getLogger(__name__)

SOCKET_HOST: Final = "kernel.sse-widget"
_REFUSED_HOST: Final = "refused.invalid"  # RFC 2606: nobody has it
_NAME: Final = "socket"
_IDLE_S: Final = 75.0
_BODY_S: Final = 300.0
"""Longer than on the port: the Jupyter server passes on what a page far away sends, as fast as it comes."""
_MAX_HEADER_BYTES: Final = 64 << 10


class Listener:
    """The open door: what has to be undone. Lives on the server's loop."""

    def __init__(self, path: Path, made: Runtime, http: BoundedServer | None) -> None:
        self._path = path
        self._runtime = made
        self._http = http

    @property
    def n_connections(self) -> int:
        """How many are open."""
        return 0 if self._http is None else self._http.n_connections

    def stop(self) -> None:
        """Take away the runtime file and the socket; what is connected stays. Idempotent."""
        runtime.remove(self._path, self._runtime)
        if self._http is not None:
            self._http.stop()

    async def close(self) -> None:
        """Stop, and close every connection."""
        self.stop()
        if self._http is not None:
            await self._http.close_all_connections()


def listen(application: Application, guard: Guard, port: int, max_connections: int) -> Listener | None:
    """Open the door, if this process is the kernel of a Jupyter server. Call on the server's loop.

    Parameters
    ----------
    application : tornado.web.Application
        What answers, the same as on the port.
    guard : Guard
        Its secrets go into the runtime file.
    port : int
        The server's port: the name under which the application knows itself, and the way where there are no unix
        sockets.
    max_connections : int
        More are closed at once. Only this user can connect, but a program of theirs may be out of hand.

    Returns
    -------
    Listener or None
        None also if nothing can be written there: then the page takes another way, and the log says why.
    """
    connection_file = runtime.connection_file()
    path = runtime.runtime_file(connection_file) if connection_file else None
    if path is None:
        return None
    runtime.sweep(path.parent)
    bound, http = _bind(path.parent), None
    socket_path = str(bound[1]) if bound else ""
    made = Runtime.of(guard, socket_path=socket_path, port=port)
    if bound:
        http = BoundedServer(
            _Door(application, f"127.0.0.1:{port}"),
            idle_connection_timeout=_IDLE_S,
            body_timeout=_BODY_S,
            max_header_size=_MAX_HEADER_BYTES,
            max_body_size=MAX_RECEIVED_BYTES,
        )
        http.bound(max_connections)
        http.add_socket(bound[0])
    listener = Listener(path, made, http)
    try:
        runtime.write(path, made)
    except OSError as error:
        logger.warning("the Jupyter server will not find this kernel's server: %s", error)
        listener.stop()
        return None
    return listener


def _bind(near: Path) -> tuple[socket.socket, Path] | None:
    """Listen in a new folder next to the runtime file; among the temporary files if that is no place for a socket."""
    if not hasattr(netutil, "bind_unix_socket"):  # Windows
        return None
    for parent in (near, None):
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))
            path = folder / _NAME
            try:
                if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
                    return netutil.bind_unix_socket(str(path), mode=0o600), path
            except OSError as error:
                logger.info("no unix socket in %s: %s", folder, error)
            shutil.rmtree(folder)
    return None


class _Door(HTTPServerConnectionDelegate):
    """Lets in what is addressed to the socket, under the name that the application knows."""

    def __init__(self, application: Application, name: str) -> None:
        self._application = application
        self._name = name

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Look at the headers of one request."""
        return _Visitor(self._application.start_request(server_conn, request_conn), self._name)


class _Visitor(HTTPMessageDelegate):
    """One request. What has another host, or an origin, comes from a browser, and none reaches this socket."""

    def __init__(self, inner: HTTPMessageDelegate, name: str) -> None:
        self._inner = inner
        self._name = name

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Name the application's own host, or one that it refuses."""
        ours = headers.get_list("Host") == [SOCKET_HOST] and "Origin" not in headers
        headers["Host"] = self._name if ours else _REFUSED_HOST
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass it on."""
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        """Pass it on."""
        self._inner.finish()

    def on_connection_close(self) -> None:
        """Pass it on."""
        self._inner.on_connection_close()
