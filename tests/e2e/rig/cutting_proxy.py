"""A TCP proxy between a page and its kernel that cuts connections where it hurts.

Theory of operation
-------------------
Every connection is relayed byte by byte, on a thread and a loop of the proxy's own. The client's bytes are looked at
only to see which request a connection carries now. `cut` arms a list of cuts; the first of them waits for the traffic
that it is about, lets a random part of it through, and ends the connection on both sides; then the next one is armed.
So the traffic makes the cuts happen, and a producer that waits for them cannot run ahead of them.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

Place = Literal["stream", "request", "answer"]
Manner = Literal["reset", "close"]

START_S: Final = 10.0
CHUNK_BYTES: Final = 16 << 10
STREAM_CUT_BYTES: Final = 20_000
"""A cut in a stream comes within so many bytes of it."""
EMPTY_POST_BYTES: Final = 400
"""A body that is no longer holds no events: it is a page's lease, or asks for a ticket."""
_RST: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_REQUEST = re.compile(rb"(GET|POST|OPTIONS) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Cut(NamedTuple):
    """One end of a connection that was no accident."""

    place: Place
    """In a stream of events; in the body of a POST with events; or in the answer to one, which the kernel has taken."""
    manner: Manner
    """By RST, or by FIN in the middle of the message."""


CUTS: Final = tuple(Cut(place, manner) for place in ("stream", "request", "answer") for manner in ("reset", "close"))


@dataclass(eq=False)
class _Link:
    """One connection: the page's side and the kernel's side."""

    page: asyncio.StreamWriter
    kernel: asyncio.StreamWriter
    request: bytes = b""  # path of the latest request
    body_bytes: int = 0  # that its body has
    let_through: int | None = None  # so many more bytes from the page, and then a cut

    @property
    def carries_events_back(self) -> bool:
        return self.request == b"/received" and self.body_bytes > EMPTY_POST_BYTES

    def end(self, manner: Manner) -> None:
        for writer in (self.page, self.kernel):
            if manner == "close":
                writer.close()
                continue
            with suppress(OSError):  # it may have ended by itself
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            writer.transport.abort()


class CuttingProxy:
    """Relays `127.0.0.1:port` to a kernel's server; all of its methods may be called from the test's thread.

    Parameters
    ----------
    seed : int
        Of everything that is random in it.
    stream : str
        How the path of a stream begins.

    Attributes
    ----------
    port : int
        Where pages connect. Nobody else gets it, also while connections are refused.
    target_port : int
        The kernel's; may be set after the start, and changed.
    accepted : int
        How many connections pages have opened so far.
    done : list of Cut
        The cuts that have happened, in order.
    requests : Counter of str
        How many requests there were so far, by path.
    """

    def __init__(self, seed: int, stream: str = "/events") -> None:
        self._stream = stream
        self.target_port = 0
        self.accepted = 0
        self.done: list[Cut] = []
        self.requests: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._due: list[Cut] = []
        self._bytes_left = 0  # of the stream, before the cut that is armed
        self._changed = threading.Condition()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._holder, self.port = _hold_port()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()
        self._holder.close()

    @property
    def url(self) -> str:
        """What a widget takes as `url_template`."""
        return f"http://127.0.0.1:{self.port}"

    def accept(self) -> None:
        """Take connections (again)."""
        self._call(self._listen())

    def refuse(self) -> None:
        """Reset all connections, and refuse new ones, as a port does where nobody listens."""
        self._call(self._refuse())

    def cut(self, cuts: Iterable[Cut]) -> None:
        """Make these cuts, one after the other, as soon as there is traffic for each."""
        self._call(self._plan(list(cuts)))

    def wait_for_cuts(self, count: int, timeout_s: float = 10) -> None:
        """Return when `count` cuts have happened since the start."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.done) >= count, timeout_s):
                due = self._due[0] if self._due else None
                raise TimeoutError(f"{len(self.done)} of {count} cuts after {timeout_s} s; waiting for {due}")

    # -- on the loop --------------------------------------------------------------------------------------------------

    def _call(self, coroutine: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_S)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._relay, "127.0.0.1", self.port, limit=CHUNK_BYTES, reuse_port=True
            )

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in self._links:
            link.end("reset")

    async def _stop(self) -> None:
        await self._refuse()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _plan(self, cuts: list[Cut]) -> None:
        self._due += cuts
        self._arm()

    def _arm(self) -> None:
        self._bytes_left = self._random.randrange(1, STREAM_CUT_BYTES)

    async def _relay(self, from_page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        try:
            from_kernel, to_kernel = await asyncio.open_connection("127.0.0.1", self.target_port, limit=CHUNK_BYTES)
        except OSError:
            to_page.transport.abort()
            return
        link = _Link(to_page, to_kernel)
        if self._listener is None:  # refused in the meantime
            link.end("reset")
        self._links.add(link)
        try:
            await asyncio.gather(self._requests(from_page, link), self._answers(from_kernel, link))
        finally:
            self._links.discard(link)
            link.end("close")
            for writer in (to_page, to_kernel):
                with suppress(OSError):
                    await writer.wait_closed()

    async def _requests(self, from_page: asyncio.StreamReader, link: _Link) -> None:
        with suppress(ConnectionError):
            while chunk := await from_page.read(CHUNK_BYTES):
                self._look_at(chunk, link)
                if link.let_through is not None:
                    if link.let_through < len(chunk):
                        link.kernel.write(chunk[: link.let_through])
                        self._end(link)
                        return
                    link.let_through -= len(chunk)
                link.kernel.write(chunk)
                await link.kernel.drain()
        link.end("close")

    def _look_at(self, chunk: bytes, link: _Link) -> None:
        found = _REQUEST.match(chunk)
        if found is None:
            return  # a body goes on
        head, _, _ = chunk.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found[1] == b"POST" else None
        link.request, link.body_bytes = found[2], int(length[1]) if length else 0
        self.requests[link.request.partition(b"?")[0].decode()] += 1
        if self._now("request") and link.carries_events_back:
            link.let_through = len(head) + 4 + self._random.randrange(link.body_bytes)

    async def _answers(self, from_kernel: asyncio.StreamReader, link: _Link) -> None:
        with suppress(ConnectionError):
            while chunk := await from_kernel.read(CHUNK_BYTES):
                if self._now("answer") and link.carries_events_back:
                    link.page.write(chunk[: self._random.randrange(len(chunk))])
                    self._end(link)
                    return
                if self._now("stream") and link.request.startswith(self._stream.encode()):
                    self._bytes_left -= len(chunk)
                    if self._bytes_left < 0:
                        link.page.write(chunk[: self._bytes_left])
                        self._end(link)
                        return
                link.page.write(chunk)
                await link.page.drain()
        link.end("close")

    def _now(self, place: Place) -> bool:
        return bool(self._due) and self._due[0].place == place

    def _end(self, link: _Link) -> None:
        with self._changed:
            cut = self._due.pop(0)
            self.done.append(cut)
            self._changed.notify_all()
        link.end(cut.manner)
        self._arm()


def _hold_port() -> tuple[socket.socket, int]:
    """Take a free port without listening on it: connections to it are refused."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder, int(holder.getsockname()[1])
