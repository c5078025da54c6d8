"""A kernel's server that is none: it keeps what it is sent, and says what the test wants."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sse_widget.server import runtime
from sse_widget.server.guard import Guard
from sse_widget.server.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.extension.jupyter import Jupyter

DEADLINE_S = 10.0


def say(answer: bytes) -> Callable[[socket.socket, bytes], None]:
    """Answer with these bytes, whatever was asked."""
    return lambda connection, _head: connection.sendall(answer)


def json_answer(content: bytes, extra: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


class FakeKernel:
    """Listens on a unix socket, or on a port, and poses as a kernel's server in its runtime file."""

    def __init__(
        self, jupyter: Jupyter, kernel_id: str, script: Callable[[socket.socket, bytes], None], *, by_port: bool = False
    ) -> None:
        self.guard = Guard()
        self.requests: list[bytes] = []  # as they came: the head, and of the body what came with it
        self.gone = threading.Event()  # the other side has closed a connection
        self._script = script
        self._folder = Path(tempfile.mkdtemp(prefix="sse-fake-"))
        self.path = self._folder / "socket"
        self._listener = socket.socket(socket.AF_INET if by_port else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if by_port else str(self.path))
        self._listener.listen()
        port = self._listener.getsockname()[1] if by_port else 0
        self.runtime = Runtime.of(self.guard, socket_path="" if by_port else str(self.path), port=port)
        self._file = jupyter.runtime_file(kernel_id)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        runtime.write(self._file, self.runtime)
        self._start(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
        shutil.rmtree(self._folder)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="sse_widget fake kernel", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(DEADLINE_S)
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(1 << 16)
                if not more:
                    break
                head += more
            self.requests.append(head)
            self._script(connection, head)
            while connection.recv(1 << 16):
                pass
            self.gone.set()
