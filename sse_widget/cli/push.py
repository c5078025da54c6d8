"""`sse-widget push`: lines into a channel, each once, in order, at the pace of its readers.

Theory of operation
-------------------
What the pipe holds when the last answer has come is the next batch; so one line goes out at once, and a flood in few
requests. While a request waits, nothing is read, the pipe fills, and who writes into it waits too. Batches are numbered
(docs/protocol.md, 5): one whose answer was lost is sent again and taken once.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import click
import orjson

from sse_widget.cli.http import NoAnswer
from sse_widget.core.backoff import Backoff
from sse_widget.server.push import MAX_BATCH_BYTES, MAX_BATCH_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.cli.where import Where

__all__ = ["Push"]

GIVE_UP_S: Final = 45.0
"""Less than the server remembers who pushed (`ledger.KEEP_S`): what is repeated later might be pushed twice."""
_NOBODY: Final = (ConnectionRefusedError, FileNotFoundError, socket.gaierror)
_CHUNK_BYTES: Final = 1 << 16
_CREATED, _TOO_LARGE, _BUSY = 201, 413, 503


class Push:
    """One run of the command.

    Parameters
    ----------
    where : Where
        Which server.
    channel : str
        The channel's name.
    type_ : str
        The events' type; empty for the default.
    paced : bool
        Wait for readers.
    text : bool
        The lines are text, not JSON.
    """

    def __init__(self, where: Where, channel: str, type_: str, *, paced: bool, text: bool) -> None:
        self._door = where.door(channel)
        query = urlencode({name: value for name, value in (("type", type_), ("pace", "1" if paced else "")) if value})
        self._path = f"/channels/{quote(channel, safe='')}" + (f"?{query}" if query else "")
        self._text = text
        self._client = secrets.token_hex(8)
        self._number = 0
        self._most = MAX_BATCH_EVENTS  # less where the channel's history is small
        self._under_way = 0
        self._told: set[str] = set()
        self.pushed = 0

    @property
    def known(self) -> str:
        """What has become of the events, in a few words."""
        unsure = f", and of the next {self._under_way} it is not known" if self._under_way else ""
        return f"{self.pushed} events were pushed{unsure}"

    def run(self, argument: str | None) -> None:
        """Push the argument, or the lines of the standard input.

        Raises
        ------
        click.ClickException
            If an event is refused, or the server does not answer; all before it is pushed.
        """
        if argument is not None:
            click.echo(self._send([self._checked(argument.encode(), "the argument")])["id"])
            return
        n_lines = 0
        for lines in _lines():
            batch: list[bytes] = []
            try:
                for line in lines:
                    n_lines += 1
                    if self._text or line.strip():
                        batch.append(self._checked(line, f"line {n_lines}"))
            except click.ClickException as error:
                self._send_all(batch)  # what is before a broken line is right
                raise click.ClickException(f"{error.message}; {self.known}") from None
            self._send_all(batch)
        if sys.stderr.isatty():
            click.echo(self.known, err=True)

    def _checked(self, line: bytes, where: str) -> bytes:
        """Return the line as one line of JSON."""
        if self._text:
            return orjson.dumps(line.rstrip(b"\r").decode(errors="replace"))
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            shown = line[:60].decode(errors="replace")
            message = f"expected JSON in {where}, got {shown!r} ({error}); for text say --text"
            raise click.ClickException(message) from None
        return line if b"\n" not in line else orjson.dumps(value)

    def _send_all(self, lines: list[bytes]) -> None:
        while lines:
            count, n_bytes = 0, 0
            while count < min(len(lines), self._most) and (not count or n_bytes + len(lines[count]) < MAX_BATCH_BYTES):
                n_bytes += len(lines[count]) + 1
                count += 1
            batch, lines = lines[:count], lines[count:]
            if not self._send(batch):
                lines = batch + lines

    def _send(self, batch: list[bytes]) -> dict[str, Any]:
        """Push a batch and return the answer; nothing if it has to go in smaller ones."""
        key = {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"{self._client}:{self._number + 1}"}
        status, answer = self._ask(batch, key)
        self._under_way = 0
        if status == _TOO_LARGE and len(batch) > 1:
            self._most = len(batch) // 2
            return {}
        if status != _CREATED:
            raise click.ClickException(f"{self._reason(status, answer)}; {self.known}")
        self._number += 1
        self.pushed += len(batch)
        for reader in answer.get("still", ()):
            self._say(f"not waited for, since it stands still: {reader}")
        return answer

    def _ask(self, batch: list[bytes], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Send until there is an answer."""
        body = b"\n".join(batch)
        backoff, give_up, sent = Backoff(), time.monotonic() + GIVE_UP_S, False
        while True:
            self._under_way = len(batch)
            try:
                status, answer = self._door.ask("POST", self._path, body, headers)
            except NoAnswer as error:
                sent = sent or not isinstance(error.__cause__, _NOBODY)
                self._under_way = len(batch) if sent else 0
                if not (sent or self._number) or time.monotonic() > give_up:
                    raise click.ClickException(f"no answer from {error}; {self.known}") from error
                seconds, backoff = backoff.delay()
                time.sleep(seconds)
                continue
            if status != _BUSY:
                return status, answer
            self._say(answer.get("detail", "the server is busy; trying again"))
            give_up = time.monotonic() + GIVE_UP_S
            time.sleep(float(answer.get("retry-after") or 1))

    def _say(self, text: str) -> None:
        """Say it on the standard error, once."""
        if text not in self._told:
            self._told.add(text)
            click.echo(text, err=True)

    def _reason(self, status: int, answer: dict[str, Any]) -> str:
        if status in {401, 403}:
            return f"{self._door} does not let us in; is SSE_WIDGET_BEARER the one that channel.curl() shows?"
        return str(answer.get("detail") or answer.get("error") or f"{self._door} answered with the status {status}")


def _lines() -> Iterator[list[bytes]]:
    """Yield the lines that are there, as soon as there are any."""
    rest, source = b"", sys.stdin.fileno()
    while chunk := os.read(source, _CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_BATCH_BYTES:
            raise click.ClickException(f"expected lines of at most {MAX_BATCH_BYTES} bytes, got a longer one")
        if lines:
            yield lines
    if rest:
        yield [rest]
