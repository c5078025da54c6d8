"""An upstream on a raw socket: it says exactly what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Step = Callable[[socket.socket], None]

__all__ = ["OK", "Asked", "Upstream", "answer", "chunked", "hold", "plain", "reset", "say"]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
DEADLINE_S = 10.0


class Asked(NamedTuple):
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Upstream:
    """Each connection gets the next step; the last one is for all that follow."""

    def __init__(self, *steps: Step, context: ssl.SSLContext | None = None) -> None:
        self.steps = list(steps)
        self.asked: list[Asked] = []
        self.connections: list[socket.socket] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name="upstream", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self.connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in [self._acceptor, *self._threads]:
            thread.join(DEADLINE_S)
        for sock in self.connections:
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), name="upstream connection", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.settimeout(DEADLINE_S)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
                self.connections.append(sock)
            asked = _read(sock)
            if asked is None:
                return
            at = len(self.asked)
            self.asked.append(asked)
            self.steps[min(at, len(self.steps) - 1)](sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def _read(sock: socket.socket) -> Asked | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = sock.recv(1 << 16)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += sock.recv(1 << 16)
    method, target, _ = first.split(" ")
    return Asked(method, target, headers, body)


def answer(status: str, *headers: str, body: bytes = b"") -> Step:
    """Answer with a status line, headers and a body of known length."""
    length = [] if status.startswith("204") else [f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, *length])
    return lambda sock: sock.sendall(head.encode() + b"\r\n\r\n" + body)


def plain(*parts: bytes) -> Step:
    """Stream parts, and end by closing the connection."""

    def serve(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\n")
        for part in parts:
            sock.sendall(part)

    return serve


def chunked(*parts: bytes, whole: bool = True) -> Step:
    """Stream parts as chunks; `whole`: with the last, empty one."""

    def serve(sock: socket.socket) -> None:
        sock.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            sock.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        if whole:
            sock.sendall(b"0\r\n\r\n")

    return serve


def say(*parts: bytes) -> Step:
    """Send these bytes, whatever they are."""
    return lambda sock: sock.sendall(b"".join(parts))


def hold(step: Step) -> Step:
    """Do a step, and then say nothing until the other side goes."""

    def serve(sock: socket.socket) -> None:
        step(sock)
        with contextlib.suppress(OSError):
            while sock.recv(1 << 16):
                pass

    return serve


def reset(step: Step) -> Step:
    """Do a step, and then reset the connection."""

    def serve(sock: socket.socket) -> None:
        step(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    return serve
