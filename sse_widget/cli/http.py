"""HTTP/1.1 to one server, over a unix socket or TCP, with the standard library and without threads."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import secrets
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

import click
import orjson

from sse_widget.server.guard import Secret
from sse_widget.server.socket import SOCKET_HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sse_widget.server.runtime import Runtime

__all__ = ["ANSWER_S", "Door", "NoAnswer"]

ANSWER_S: Final = 60.0
"""How long an answer may take to begin: a push waits for readers."""
_MAX_ANSWER_BYTES: Final = 1 << 20
_OK: Final = 200


class NoAnswer(Exception):
    """The server could not be reached, or went away before it had answered."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__(SOCKET_HOST, timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Door(NamedTuple):
    """How to reach a server."""

    socket: str = ""
    scheme: str = "http"
    host: str = ""
    port: int | None = None
    path: str = ""  # before that of a request
    query: str = ""
    bearer: str = Secret()
    key: str = Secret()  # if there is one, the server has to prove that it has it too

    @classmethod
    def of(cls, runtime: Runtime) -> Self:
        """Return the way to a kernel's server."""
        if runtime.socket:
            return cls(socket=runtime.socket, bearer=runtime.bearer)
        return cls(host="127.0.0.1", port=runtime.port, bearer=runtime.bearer, key=runtime.key)

    @classmethod
    def at(cls, url: str, bearer: str = "") -> Self:
        """Return the way to an address.

        Raises
        ------
        click.UsageError
            If it is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise click.UsageError(f"expected an address such as http://127.0.0.1:8000, got {url!r}")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port,
            path=parts.path,
            query=parts.query,
            bearer=Secret(bearer),
        )

    @property
    def origin(self) -> tuple[str, str, int | None, str]:
        """What has to be the same for two addresses to be of one server."""
        return self.scheme, self.host, self.port or {"http": 80, "https": 443}[self.scheme], self.socket

    def connect(self) -> http.client.HTTPConnection:
        """Connect; where a key is known, only to what proves that it has it.

        Raises
        ------
        NoAnswer
            If that is not possible.
        """
        connection = self._connection()
        try:
            connection.connect()
            if self.key:
                self._ask_for_proof(connection)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(f"{self}: {_said(error)}") from error
        connection.auto_open = 0  # what follows goes to whom we have connected to, or nowhere
        return connection

    def _connection(self) -> http.client.HTTPConnection:
        if self.socket:
            return _UnixConnection(self.socket)
        if self.scheme == "https":
            return http.client.HTTPSConnection(
                self.host, self.port, timeout=ANSWER_S, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)

    def headers(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """Return what is sent with every request."""
        bearer = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return {"User-Agent": "sse-widget", **bearer, **more}

    def ask(self, method: str, path: str, body: object, headers: Mapping[str, str] = {}) -> tuple[int, dict[str, Any]]:
        """Send one request over a connection of its own; return the status and the JSON of the answer.

        Raises
        ------
        NoAnswer
            If none came; the request may have been carried out.
        """
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        connection = self.connect()
        try:
            sent = self.headers({"Content-Type": "application/json", "Connection": "close", **headers})
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused unread: the answer is there
                connection.request(method, self.path + path, content, sent)
            response = connection.getresponse()
            told = response.read(_MAX_ANSWER_BYTES)
            wait = {"retry-after": response.headers.get("Retry-After")}
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self}: {_said(error)}") from error
        finally:
            connection.close()
        return response.status, wait | _object(told)

    def _ask_for_proof(self, connection: http.client.HTTPConnection) -> None:
        nonce = secrets.token_hex(16)
        connection.request("GET", f"/whoami?n={nonce}")
        told = _object(connection.getresponse().read(_MAX_ANSWER_BYTES)).get("mac")
        right = hmac.digest(bytes.fromhex(self.key), f"server|{nonce}".encode(), hashlib.sha256).hex()
        if not isinstance(told, str) or not told.isascii() or not hmac.compare_digest(told, right):
            raise OSError("it is not the kernel's server")

    def __str__(self) -> str:
        if self.socket:
            return "the kernel's server"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.path}"


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
