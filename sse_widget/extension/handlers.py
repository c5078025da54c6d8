"""`{base_url}sse-widget/KERNEL_ID/…`: who asks is checked as Jupyter checks it, then the kernel is asked."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError
from tornado.routing import PathMatches, Rule

from sse_widget.extension.relay import HEADERS_S, NoAnswer, Upstream
from sse_widget.server import runtime
from sse_widget.server.answers import GuardedAnswers, Refusal, is_embedded_elsewhere
from sse_widget.server.base import JsonHandler
from sse_widget.server.handlers import MAX_RECEIVED_BYTES
from sse_widget.server.push import MAX_BATCH_BYTES, Posted
from sse_widget.server.runtime import FOLDER_PREFIX, KERNEL_ID, Runtime

__all__ = ["MAX_RELAYS", "RelayHandler", "Route", "routes"]

MAX_RELAYS: Final = 400
"""Streams and requests at a time; each takes two file descriptors of the Jupyter server, which needs others."""
BODY_S: Final = 300.0
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UP: Final = ("Accept", "Content-Type", "Content-Length", "Idempotency-Key", "Last-Event-ID")
DOWN: Final = ("Content-Type", "Cache-Control", "X-Accel-Buffering", "Retry-After")
# Nothing that a browser shows or runs.
TYPES: Final = frozenset({"text/event-stream", "application/json", "application/problem+json"})
_LENGTH_DIGITS: Final = 15
_NAME: Final = "/(?P<name>[^/]+)"


class Route(NamedTuple):
    """One path of the kernel's server that may be asked for: how, and with which fields of the query."""

    path: str
    method: str
    rest: str = ""  # a pattern
    fields: tuple[str, ...] = ()
    max_body_bytes: int = 0


ROUTES: Final = (
    Route("events", "GET", "", ("ticket", "client", "channel", "after")),
    Route("channels", "POST", _NAME, ("type", "pace"), max_body_bytes=MAX_BATCH_BYTES),
    Route("channels", "GET", _NAME, ("after",)),
    Route("whoami", "GET", "", ("n",)),
    Route("received", "POST", max_body_bytes=MAX_RECEIVED_BYTES),
    Route("runs", "POST", max_body_bytes=JsonHandler.max_body_bytes),
    Route("tickets", "POST", max_body_bytes=JsonHandler.max_body_bytes),
)


def routes(base_url: str) -> list[Rule]:
    """Return all routes of the extension. The last one is whatever else begins so: it exists for nobody."""
    prefix = re.escape(url_path_join(base_url, "sse-widget"))
    kernel = f"{prefix}/(?P<kernel_id>{KERNEL_ID})"
    paths = [route.path for route in ROUTES]
    found = []
    for route in ROUTES:
        shared = route.method == "POST" and paths.count(route.path) > 1
        pattern = f"{kernel}/{route.path}{route.rest}"
        found.append(Rule((Posted if shared else PathMatches)(pattern), RelayHandler, {"route": route}))
    return [*found, Rule(PathMatches(f"{prefix}(?:/.*)?"), RelayHandler, {"route": None})]


@web.stream_request_body
class RelayHandler(GuardedAnswers, APIHandler):
    """Asks a kernel, for somebody whom Jupyter has let in.

    The bodies are streamed: tornado would otherwise collect up to 512 MB before it asks who is sending them. All that
    is checked is checked in `prepare`, for every method alike, so that none can be forgotten.
    """

    auth_resource = "kernels"
    _track_activity = False  # a stream that is open is nobody at work: Jupyter's culling goes on
    n_relays = 0

    def initialize(self, route: Route | None) -> None:
        """Take the route; None for a path that does not exist."""
        self._route = route
        self.logger = self.log  # Jupyter's
        self._upstream: Upstream | None = None
        self._relaying: asyncio.Task[None] | None = None

    # Before

    def set_default_headers(self) -> None:
        """Let nobody send a second request over this connection.

        An answer may be complete before tornado has read its request to the end, and then tornado drops the connection;
        a proxy that keeps connections for the next request would find it dead.
        """
        super().set_default_headers()
        self.set_header("Connection", "close")

    async def prepare(self) -> None:  # type: ignore[override]  # as in `APIHandler`
        """Refuse whom Jupyter refuses, and what cannot be; then connect to the kernel."""
        await super().prepare()  # host, login, origin, XSRF of a POST
        await self._let_in()
        route = self._route
        if route is None:
            raise Refusal(404, "expected events, received, runs, tickets, whoami or channels/NAME of a kernel")
        if self.request.method != route.method:
            raise Refusal(405, f"expected {route.method}, got {self.request.method}")
        self._check_length(route)
        await self._reach(self._runtime(self.path_kwargs["kernel_id"]), route)

    async def _let_in(self) -> None:
        # Cookies ignore ports: a page of another port of this host has this one's, and can read `_xsrf` among them.
        if not self.current_user or is_embedded_elsewhere(self.request.headers):
            raise web.HTTPError(403)
        if self.request.method in READING:
            self.check_xsrf_cookie()  # Jupyter's rule: the token, or the same site's Referer
        action = "read" if self.request.method in READING else "execute"
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, self.auth_resource)):
            raise web.HTTPError(403)
        self.entered = True

    def _check_length(self, route: Route) -> None:
        length = self.request.headers.get("Content-Length", "0" if route.method == "GET" else "")
        if not length or "Transfer-Encoding" in self.request.headers:
            raise Refusal(411, "expected a body with Content-Length")
        if not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) > route.max_body_bytes:
            got = length[:_LENGTH_DIGITS]
            raise Refusal(413, f"expected a body of at most {route.max_body_bytes} bytes, got {got}")

    def _runtime(self, kernel_id: str) -> Runtime:
        """Find the kernel's file next to its connection file, in Jupyter's runtime folder."""
        if kernel_id not in self.kernel_manager:
            raise Refusal(404, f"expected a kernel of this server, got {kernel_id!r}")
        connection_file = Path(getattr(self.kernel_manager.get_kernel(kernel_id), "connection_file", ""))
        folder = connection_file.parent if connection_file.is_absolute() else Path(jupyter_runtime_dir())
        found = runtime.read(folder / f"{FOLDER_PREFIX}{kernel_id}.json")
        if found is None:
            raise Refusal(404, "expected a kernel that has a server, got one that has not used sse_widget")
        return found

    async def _reach(self, found: Runtime, route: Route) -> None:
        if RelayHandler.n_relays >= MAX_RELAYS:
            raise Refusal(503, f"expected at most {MAX_RELAYS} requests at a time, got one more")
        upstream = Upstream(found)
        RelayHandler.n_relays += 1
        try:
            await upstream.connect()
            has_body = route.max_body_bytes > 0
            answer_s = HEADERS_S + (BODY_S if has_body else 0)
            upstream.request(route.method, self._target(route), self._headers_up(), answer_s)
        except NoAnswer as error:
            RelayHandler.n_relays -= 1
            raise Refusal(502, str(error)) from error
        self._upstream = upstream
        # From now on, not when the body is complete: the kernel may refuse it, or go, before.
        self._relaying = asyncio.get_running_loop().create_task(self._relay(upstream))
        if has_body:
            # Tornado says here alone that the browser went in the middle of it.
            self.request._body_future.add_done_callback(self._body_ended)  # noqa: SLF001
        else:
            upstream.end()

    def _target(self, route: Route) -> str:
        """Return path and query, made anew: nothing of the browser's goes to the kernel as it came."""
        name = self.path_kwargs.get("name")
        path = f"/{route.path}" + (f"/{quote(name, safe='')}" if name is not None else "")
        arguments = self.request.query_arguments
        query = urlencode([(field, value) for field in route.fields for value in arguments.get(field, ())])
        return f"{path}?{query}" if query else path

    def _headers_up(self) -> HTTPHeaders:
        headers = self.request.headers
        return HTTPHeaders({name: headers[name] for name in UP if name in headers})

    # Meanwhile

    async def data_received(self, chunk: bytes) -> None:
        """Pass a part of the body on; the next is read when the kernel has made room."""
        if self._upstream is not None:
            await self._upstream.send(chunk)

    def _body_ended(self, body: asyncio.Future[None]) -> None:
        if body.cancelled() or body.exception():
            self._cut_upstream()

    @web.authenticated
    async def get(self, **_parts: str) -> None:
        """Wait for the answer, which is on its way."""
        await self._answered()

    @web.authenticated
    async def post(self, **_parts: str) -> None:
        """Say that the body is complete, and wait for the answer."""
        if self._upstream is not None:
            self._upstream.end()
        await self._answered()

    @web.authenticated
    def options(self, **_parts: str) -> None:  # type: ignore[override]  # the decorator's
        """Answer no preflight: the page is Jupyter's own. `prepare` has refused it."""

    async def _answered(self) -> None:
        if self._relaying is not None:
            await self._relaying

    async def _relay(self, upstream: Upstream) -> None:
        try:
            complete = await upstream.answer(self)
        finally:
            upstream.close()
            RelayHandler.n_relays -= 1
        if complete:
            await self.finish()
        elif self._headers_written and self._route is not None and self._route.path == "events":
            # A page comes back with its cursors whatever has ended its stream, and an end that is said reaches it
            # through every proxy: JupyterHub's keeps the browser's connection after a cut, and the page waits.
            with contextlib.suppress(StreamClosedError):  # it was the browser that went
                await self.finish()
        elif self._headers_written:
            self.cut_connection()
        elif not self._finished:
            error = Refusal(502, "expected an answer of the kernel's server, got none")
            self.send_error(502, exc_info=(Refusal, error, None))

    async def take_head(self, status: int, headers: HTTPHeaders) -> None:
        """Pass status and type on, and what keeps proxies from buffering."""
        kind = headers.get("Content-Type", "")
        if kind.partition(";")[0].strip().lower() not in TYPES:
            raise StreamClosedError
        self.set_status(status)
        for name in DOWN:
            if name in headers:
                self.set_header(name, headers[name])
        if self.settings.get("compress_response"):
            self.set_header("Content-Encoding", "identity")  # or tornado compresses it
        await self.flush()

    async def take_body(self, chunk: bytes) -> None:
        """Pass a part on, and wait until the browser has made room."""
        self.write(chunk)
        await self.flush()

    def on_connection_close(self) -> None:
        """Let the kernel know that the browser has gone."""
        super().on_connection_close()
        self._cut_upstream()

    def _cut_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
