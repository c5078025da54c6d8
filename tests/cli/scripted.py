"""A server that says to each connection what a script says, and remembers what it was asked."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} Something", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Scripted:
    """Answers the n-th connection with the n-th piece of the script, then closes it."""

    def __init__(self, *script: bytes) -> None:
        self.script: Sequence[bytes] = script
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        for piece in self.script:
            try:
                connection, _address = self._listener.accept()
            except OSError:  # the test is over
                return
            with connection:
                request = b""
                while b"\r\n\r\n" not in request and (more := connection.recv(1 << 16)):
                    request += more
                self.requests.append(request)
                connection.sendall(piece)
