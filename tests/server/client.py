"""A raw HTTP client on a socket: it shows what a browser's would hide, and can be slow, rude and wrong."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sse_widget.core.wire import Decoder, ServerSentEvent

if TYPE_CHECKING:
    from sse_widget.session import Session

__all__ = ["Answer", "Client", "Stream"]

DEADLINE_S = 10.0


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Stream:
    """An open event stream."""

    def __init__(self, sock: socket.socket, rest: bytes, answer: Answer) -> None:
        self.answer = answer
        self._sock = sock
        self._chunks = bytearray(rest)
        self._decoder = Decoder()
        self._events: list[ServerSentEvent] = []
        self.raw = b""
        self.ended = False

    @property
    def last_event_id(self) -> str:
        return self._decoder.last_event_id

    def next(self) -> ServerSentEvent:
        """Return the next event; EOFError at the end of the stream."""
        while not self._events:
            self._read()
        return self._events.pop(0)

    def take(self, count: int, type_: str | None = None) -> list[ServerSentEvent]:
        """Return the next events, of one type if one is given."""
        events: list[ServerSentEvent] = []
        while len(events) < count:
            event = self.next()
            if type_ is None or event.type == type_:
                events.append(event)
        return events

    def packs(self, until: int) -> list[dict[str, Any]]:
        """Return the packs up to the one that holds the sequence `until`."""
        packs: list[dict[str, Any]] = []
        while not packs or packs[-1]["first"] + len(packs[-1]["events"]) - 1 < until:
            event = self.next()
            if event.type == "pack":
                packs.append(json.loads(event.data))
        return packs

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _read(self) -> None:
        while (chunk := self._whole_chunk()) is None:
            received = self._sock.recv(1 << 16)
            if not received:
                raise EOFError
            self._chunks += received
        if not chunk:
            self.ended = True
            raise EOFError
        self.raw += chunk
        self._events += self._decoder.feed(chunk)

    def _whole_chunk(self) -> bytes | None:
        """Undo the chunked transfer coding."""
        head, found, rest = bytes(self._chunks).partition(b"\r\n")
        if not found or len(rest) < int(head, 16) + 2:
            return None
        size = int(head, 16)
        self._chunks = bytearray(rest[size + 2 :])
        return rest[:size]


class Client:
    """Talks to one session's server."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.guard = session.server.guard
        self.port = session.server.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request and read the whole answer. `bearer`: "" the right one, None without."""
        with self.connect() as sock:
            return self._send(sock, method, path, body, bearer, headers, close=True)[0]

    def stream(self, path: str, *, bearer: str | None = "", headers: dict[str, str] | None = None) -> Stream:
        """Open a stream."""
        sock = self.connect()
        answer, rest = self._send(sock, "GET", path, None, bearer, headers, close=False)
        return Stream(sock, rest, answer)

    def _send(
        self,
        sock: socket.socket,
        method: str,
        path: str,
        body: object,
        bearer: str | None,
        headers: dict[str, str] | None,
        *,
        close: bool,
    ) -> tuple[Answer, bytes]:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Host": f"127.0.0.1:{self.port}"}
        if bearer is not None:
            fields["Authorization"] = f"Bearer {bearer or self.guard.bearer}"
        if body is not None:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        if close:
            fields["Connection"] = "close"
        fields |= headers or {}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        return _read_answer(sock, to_the_end=close)


def _read_answer(sock: socket.socket, *, to_the_end: bool) -> tuple[Answer, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        more = sock.recv(1 << 16)
        if not more:
            break
        received += more
    head, _, rest = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    if to_the_end or headers.get("transfer-encoding") != "chunked":
        while more := sock.recv(1 << 16):
            rest += more
    return Answer(int(lines[0].split(" ")[1]), headers, rest), rest
