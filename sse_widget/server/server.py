"""The server thread: started by the first need, stopped with the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shlex
import socket
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from tornado.routing import Rule
from tornado.web import Application

from sse_widget.errors import ServerStartError
from sse_widget.server.bounded import BoundedServer, at_most
from sse_widget.server.guard import Guard
from sse_widget.server.handlers import (
    MAX_RECEIVED_BYTES,
    HealthHandler,
    MetricsHandler,
    ReceivedHandler,
    TicketsHandler,
    WhoamiHandler,
)
from sse_widget.server.overview import ChannelsHandler
from sse_widget.server.page import STATIC, PageHandler, PageKeyHandler, StaticHandler
from sse_widget.server.plain import ChannelHandler
from sse_widget.server.push import Posted, PushHandler
from sse_widget.server.runs import RouteHandler, RunsHandler
from sse_widget.server.socket import listen
from sse_widget.server.state import Inbox, Limits, State
from sse_widget.server.stream import EventsHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.hub.channel import Channel

__all__ = ["Server"]

logger = logging.getLogger(__name__)

_START_S: Final = 10.0
_IDLE_S: Final = 75.0
_BODY_S: Final = 30.0
_MAX_HEADER_BYTES: Final = 64 << 10
_MAX_BODY_BYTES: Final = 2 * MAX_RECEIVED_BYTES  # behind the handlers' own limits, which say what is wrong
_NAME: Final = "(?P<name>[^/]+)"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}  # browsers leave them out of `Host`


class Server:
    """Serves one session's channels on 127.0.0.1, from a daemon thread with a loop of its own.

    A cell that computes or sleeps on the kernel's main thread does not hold it up.
    """

    def __init__(self, inbox: Inbox, limits: Limits | None = None) -> None:
        self.guard = Guard()
        self.limits = limits or Limits()
        self._inbox = inbox
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state: State | None = None
        self._stopping: asyncio.Event | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; starts the server."""
        return f"http://127.0.0.1:{self.start()}"

    def reached_as(self, url_template: str) -> str:
        """Accept requests that come by another address, and return it; starts the server.

        Parameters
        ----------
        url_template : str
            An http(s) address without a path; `{port}` stands for the server's port.

        Raises
        ------
        TypeError
            If it is no text.
        ValueError
            If it is no such address.
        """
        _address(url_template, 65535)  # before anything is started
        url, host = _address(url_template, self.start())
        self.guard.also_reached_as(host)
        return url

    def call(self, function: Callable[[State], None]) -> None:
        """Run a function with the server's state, on its loop, soon, if it runs. Any thread may call it."""
        if self.running and self._loop is not None and self._state is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed just now
                self._loop.call_soon_threadsafe(function, self._state)

    def url_of(self, channel: Channel) -> str:
        """Return the address of a channel; starts the server."""
        return f"{self.url}/channels/{quote(channel.name, safe='')}"

    def curl(self, url: str, push: bytes | None = None) -> str:
        """Return the shell command that follows an address of the server, or posts JSON to it."""
        bearer = f"-H 'Authorization: Bearer {self.guard.bearer}'"
        if push is None:
            return f"curl -sN {bearer} '{url}'"
        return f"curl -s {bearer} -H 'Content-Type: application/json' -d {shlex.quote(push.decode())} '{url}'"

    @property
    def running(self) -> bool:
        """True between `start` and `stop`, in the process that started it."""
        return self._thread is not None and self._thread.is_alive() and self._pid == os.getpid()

    def start(self, port: int = 0) -> int:
        """Start the server if it does not run, and return its port. Thread-safe.

        Raises
        ------
        ServerStartError
            If no port could be opened.
        """
        with self._lock:
            if not self.running:
                self._launch(port)
            return self._port

    def stop(self, timeout_s: float = 1.0) -> None:
        """Close every stream and the port, and end the thread. Idempotent."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None or self._pid != os.getpid() or self._loop is None or self._stopping is None:
                return
            if thread.is_alive():
                self._loop.call_soon_threadsafe(self._stopping.set)
                thread.join(timeout_s)
            if thread.is_alive():
                logger.warning("the server thread did not end within %s s", timeout_s)

    def _launch(self, port: int) -> None:
        started: dict[str, Any] = {}
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(port, ready, started), name="sse_widget server", daemon=True)
        thread.start()
        if not ready.wait(_START_S) or "error" in started:
            message = (
                f"expected to listen on 127.0.0.1:{port or '(any port)'}, got {started.get('error', 'no answer')!r}"
            )
            raise ServerStartError(message)
        self._thread, self._pid, self._port = thread, os.getpid(), started["port"]
        self._loop, self._stopping, self._state = started["loop"], started["stopping"], started["state"]

    def _run(self, port: int, ready: threading.Event, started: dict[str, Any]) -> None:
        try:
            asyncio.run(self._serve(port, ready, started))
        except OSError as error:
            started["error"] = error
        finally:
            ready.set()

    async def _serve(self, port: int, ready: threading.Event, started: dict[str, Any]) -> None:
        state = State(self.guard, self._inbox, self.limits)
        listener = _listen(port)
        bound: int = listener.getsockname()[1]
        self.guard.listen_on(bound)
        application = _application(state)
        http = BoundedServer(
            application,
            idle_connection_timeout=_IDLE_S,
            body_timeout=_BODY_S,
            max_header_size=_MAX_HEADER_BYTES,
            max_body_size=_MAX_BODY_BYTES,
        )
        http.bound(at_most(self.limits.max_connections, 2))
        http.add_socket(listener)
        for_jupyter = listen(application, self.guard, bound, at_most(self.limits.max_socket_connections, 4))
        state.connections = lambda: http.n_connections + (for_jupyter.n_connections if for_jupyter else 0)
        stopping = asyncio.Event()
        started.update(port=bound, loop=asyncio.get_running_loop(), stopping=stopping, state=state)
        ready.set()
        try:
            await stopping.wait()
        finally:
            http.stop()
            state.close()
            if for_jupyter is not None:
                await for_jupyter.close()
            await http.close_all_connections()


def _address(template: object, port: int) -> tuple[str, str]:
    """Return the address that a template stands for, and the `Host` that browsers send there."""
    if not isinstance(template, str):
        message = f"expected url_template as a str, got {type(template).__name__}"
        raise TypeError(message)
    try:
        url = template.format(port=port).rstrip("/")
        parts = urlsplit(url)
        name, number = parts.hostname or "", parts.port
    except (AttributeError, LookupError, ValueError):
        url, name, parts, number = template, "", urlsplit(""), None
    if parts.scheme not in _DEFAULT_PORTS or not name or "@" in url or url != f"{parts.scheme}://{parts.netloc}":
        message = (
            "expected url_template to be an address without a path, such as 'http://localhost:{port}', "
            f"got {template!r}"
        )
        raise ValueError(message)
    host = f"[{name}]" if ":" in name else name
    return url, host if number in {None, _DEFAULT_PORTS[parts.scheme]} else f"{host}:{number}"


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
    except OSError:
        listener.close()
        raise
    return listener


def _application(state: State) -> Application:
    shared = {"state": state}
    routes: list[Any] = [
        Rule(Posted(rf"/channels/{_NAME}"), PushHandler, shared),
        (r"/events", EventsHandler, shared),
        (rf"/channels/{_NAME}", ChannelHandler, shared),
        (r"/channels", ChannelsHandler, shared),
        (r"/received", ReceivedHandler, shared),
        (r"/tickets", TicketsHandler, shared),
        (r"/runs", RunsHandler, shared),
        (r"/whoami", WhoamiHandler, shared),
        (r"/healthz", HealthHandler, shared),
        (r"/", PageHandler, shared),
        (r"/page", PageKeyHandler, shared),
        (r"/metrics", MetricsHandler, shared),
        *((f"/{re.escape(name)}", StaticHandler, {**shared, "name": name}) for name in STATIC),
    ]
    # No access log: a ticket in a query is spent, but a log is no place for it.
    return Application(
        routes, default_handler_class=RouteHandler, default_handler_args=shared, log_function=_say_nothing
    )


def _say_nothing(_handler: object) -> None:
    """Log no request; errors in handlers are logged by tornado itself."""
