"""A stream of server-sent events, whatever becomes of its connections."""

from __future__ import annotations

import http.client
import socket
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import click

from sse_widget.cli.http import Door, NoAnswer
from sse_widget.core.backoff import Backoff
from sse_widget.core.wire import Decoder
from sse_widget.errors import EventTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sse_widget.core.wire import ServerSentEvent

__all__ = ["Follow"]

SILENCE_S: Final = 40.0
"""A stream of our own servers has a heartbeat every 15 s; of others nothing is known."""
MAX_REDIRECTS: Final = 5
_CHUNK_BYTES: Final = 1 << 16
_MAX_WAIT_S: Final = 60.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LATER: Final = frozenset({429, 500, 502, 503, 504})  # a browser gives up then; who follows a stream had better wait
_OK, _NO_CONTENT = 200, 204
_SECRETS: Final = frozenset({"authorization", "cookie"})


class Follow:
    """Yields lists of events, as they come, without end, or until the server says that there is one.

    Parameters
    ----------
    find : callable
        Returns the server; asked before each connection, since a kernel that begins again is another one.
    path : str
        What to ask it for.
    after : str
        The last event id that is known; empty: none.
    headers : dict
        What else to send, to this server alone.
    say : callable
        Told, in words, when a connection is lost and when there is one again.

    Attributes
    ----------
    ours : bool
        Whether the stream is one of this package's, with heartbeats, gaps and an end.
    """

    def __init__(
        self, find: Callable[[], Door], path: str, after: str, headers: dict[str, str], say: Callable[[str], None]
    ) -> None:
        self.ours = False
        self._find = find
        self._path = path
        self._headers = headers
        self._say = say
        self._decoder = Decoder()
        self._decoder.last_event_id = after
        self._backoff = Backoff()
        self._connection: http.client.HTTPConnection | None = None
        self._was_open = False
        self._wait_s = 0.0

    def __iter__(self) -> Iterator[list[ServerSentEvent]]:
        """Yield what comes.

        Raises
        ------
        click.ClickException
            If the server refuses, or could not be reached at the first try.
        """
        while True:
            why = "the stream ended"
            try:
                response = self._open()
                if response is None:
                    return
                yield from self._read(response)
            except (NoAnswer, OSError, http.client.HTTPException) as error:
                why = str(error) or type(error).__name__
                if not self._was_open:
                    raise click.ClickException(f"no answer from {why}") from error
            except EventTooLarge as error:
                raise click.ClickException(f"the stream cannot be read: {error}") from error
            finally:
                self._close()
            self._pause(why)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Iterator[list[ServerSentEvent]]:
        with response:  # it holds the socket where the connection was closed over to it
            while chunk := response.read1(_CHUNK_BYTES):
                events = self._decoder.feed(chunk)
                if events or self._decoder.last_event_id:
                    self._backoff = self._backoff.reset()
                yield events

    def _pause(self, why: str) -> None:
        seconds, self._backoff = self._backoff.delay()
        if self._decoder.retry_ms is not None:
            seconds = max(seconds, min(self._decoder.retry_ms / 1000, _MAX_WAIT_S))
        seconds = max(seconds, self._wait_s)
        self._say(f"{why}; connecting again in {seconds:.1f} s")
        time.sleep(seconds)

    def _open(self) -> http.client.HTTPResponse | None:
        """Connect and return the answer; None if the server says that there is nothing more."""
        self._decoder.reset()
        self._wait_s = 0.0
        first = door = self._find()
        target = door.path + self._path + (f"?{door.query}" if door.query else "")
        for _ in range(MAX_REDIRECTS + 1):
            self._connection = connection = door.connect()
            response = self._ask(connection, door, target, known=door.origin == first.origin)
            if response.status not in _REDIRECTS:
                return self._judge(response, door)
            url = urljoin(f"{door._replace(path='')}{target}", response.headers.get("Location", ""))
            response.close()
            connection.close()
            door = Door.at(url, first.bearer)
            target = door.path + (f"?{door.query}" if door.query else "")
            if door.origin != first.origin:
                door = door._replace(bearer="")
        raise click.ClickException(f"expected at most {MAX_REDIRECTS} redirects, got more, lastly to {door}")

    def _ask(
        self, connection: http.client.HTTPConnection, door: Door, target: str, *, known: bool
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", "Connection": "close"}
        headers |= {name: value for name, value in self._headers.items() if known or name.lower() not in _SECRETS}
        if self._decoder.last_event_id:
            headers["Last-Event-ID"] = self._decoder.last_event_id
        connection.request("GET", target or "/", headers=door.headers(headers))
        sock = connection.sock
        response = connection.getresponse()
        self.ours = response.headers.get("Server") == "sse-widget"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.settimeout(SILENCE_S if self.ours else None)
        return response

    def _judge(self, response: http.client.HTTPResponse, door: Door) -> http.client.HTTPResponse | None:
        kind = response.headers.get_content_type()
        if response.status == _OK and kind == "text/event-stream":
            if self._was_open:
                self._say("connected again")
            self._was_open = True
            return response
        status = response.status
        response.close()
        if status == _NO_CONTENT:
            return None
        if status in _LATER and self._was_open:
            wait = response.headers.get("Retry-After", "")
            self._wait_s = min(float(wait), _MAX_WAIT_S) if wait.isdecimal() else 0.0
            raise NoAnswer(f"{door} answered with the status {status}")
        if status in {401, 403}:
            raise click.ClickException(
                f"{door} does not let us in; is SSE_WIDGET_BEARER the one that channel.curl() shows?"
            )
        if status == _OK:
            raise click.ClickException(f"expected text/event-stream from {door}, got {kind}")
        raise click.ClickException(f"expected a stream from {door}, got the status {status}")
