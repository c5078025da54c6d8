"""An HTTP server that takes so many connections and no more, and that a forked process does not keep open."""

from __future__ import annotations

import logging
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer

if TYPE_CHECKING:
    from tornado.iostream import IOStream

__all__ = ["BoundedServer", "at_most"]

logger = logging.getLogger(__name__)


class BoundedServer(HTTPServer):
    """Closes what comes beyond a number of connections.

    Who may not enter can still connect; each connection takes a file descriptor, and the user's program needs some too.
    """

    max_connections = 0

    @property
    def n_connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Take a connection, or close it."""
        if len(self._connections) < self.max_connections:
            super().handle_stream(stream, address)
        else:
            logger.info("expected at most %s connections, got one more", self.max_connections)
            stream.close()

    def bound(self, max_connections: int) -> None:
        """Set the number; and let go of everything in forked processes."""
        self.max_connections = max_connections
        _servers.add(self)

    def let_go(self) -> None:
        """Close this process's descriptors and nothing more: the connections and the loop are the parent's."""
        connections = [connection.stream.socket for connection in list(self._connections)]
        for sock in (*self._sockets.values(), *connections):
            if sock is not None:  # else it was closed before
                sock.close()


def at_most(wanted: int, share: int) -> int:
    """Return `wanted`, or as much less as is one part in `share` of the descriptors that this process may open."""
    if sys.platform == "win32":
        return wanted
    import resource  # noqa: PLC0415 - POSIX has it

    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else min(wanted, files // share)


_servers: weakref.WeakSet[BoundedServer] = weakref.WeakSet()


def _let_go() -> None:
    """Leave the network to the parent.

    A worker of `multiprocessing` would otherwise hold port, socket and streams: none that the kernel closes would end
    for its reader, and when the kernel has gone, pages would wait for a server that never answers.
    """
    for server in list(_servers):
        server.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
