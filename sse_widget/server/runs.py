"""Requests: `POST /runs` for pages, and `GET PATH` of the user's routes for everybody else.

An EventSource connects again when a server ends an answer, and would run a handler again and again. So what comes with
a cursor (`Last-Event-ID` or `?after=`) never begins a run: its epoch names the run that goes on. `ended` has an id of
its own, one beyond the last event: who comes back with that gets a 204, which stops an EventSource for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from tornado.web import HTTPError

from sse_widget.core.cursor import Cursor
from sse_widget.core.cursor import parse as parse_cursor
from sse_widget.core.wire import encode_named, encode_priming
from sse_widget.errors import RequestRefused
from sse_widget.runs.pattern import canonical
from sse_widget.runs.routes import Target
from sse_widget.server.base import JsonHandler, Refusal, text_of
from sse_widget.server.plain import RETRY_MS, PlainHandler
from sse_widget.server.stream import ending_data

if TYPE_CHECKING:
    from sse_widget.runs.run import Run
    from sse_widget.server.stream import Place

__all__ = ["RouteHandler", "RunsHandler"]

MAX_TARGET_CHARS: Final = 16_000
GONE: Final = Cursor("gone", 0)
"""Where a reader is whose run nobody knows, after it was told so."""


class RunsHandler(JsonHandler):
    """`POST /runs`: begin a run, once however often it is asked for; its channel is then read like any other."""

    def post(self) -> None:
        """Begin one."""
        content = self.body()
        path = text_of(content, "path", MAX_TARGET_CHARS)
        run_id = text_of(content, "run", 32) if "run" in content else ""
        runs = self.state.inbox.runs
        try:
            run, new = runs.start(Target.of(path), run_id)
        except RequestRefused as error:
            raise Refusal(error.status, str(error)) from None
        self.state.watch_runs()
        self.reply({"run": run.id, "channel": run.channel.name}, 201 if new else 200)


class RouteHandler(PlainHandler):
    """`GET PATH`: begin a run, or go on with one, as standard SSE. It gets every path that is not the server's own."""

    def prepare(self) -> None:
        """Let in whom the others let in; then say whether there is such a path."""
        super().prepare()
        try:
            self._target = Target.of(self.request.uri or "")
        except RequestRefused:
            raise HTTPError(404) from None
        if not self.state.inbox.runs.routes.has(self._target.path):
            raise HTTPError(404)
        if self.request.method not in {"GET", "OPTIONS"}:
            raise HTTPError(405)

    def source(self) -> str:
        """Return the path that was asked for, as it was named when the ticket was issued."""
        try:
            return canonical(self.request.path)
        except ValueError:
            return ""

    async def get(self) -> None:
        """Stream a run."""
        last = self.last_event_id()
        if not last:
            run = self._begin()
            await self._stream(run, str(Cursor(run.id, 0)))
            return
        cursor = parse_cursor(last)
        run_before = self.state.inbox.runs.get(cursor.epoch) if cursor is not None else None
        if cursor == GONE:
            self.set_status(204)
        elif cursor is None or run_before is None or run_before.target.path != self._target.path:
            await self._say_gone()
        elif run_before.channel.closed and cursor.sequence > run_before.channel.log.newest:
            self.set_status(204)
        else:
            await self._stream(run_before, last)

    async def _stream(self, run: Run, after: str) -> None:
        self.state.watch_runs()
        self.add_place(run.channel, after, packed=False)
        await self.run()

    def _begin(self) -> Run:
        try:
            return self.state.inbox.runs.start(self._target, self.get_query_argument("run", ""))[0]
        except RequestRefused as error:
            raise Refusal(error.status, str(error)) from None

    async def _say_gone(self) -> None:
        """Announce that the rest of a run is lost; who comes back after that gets a 204."""
        self.say_stream()
        gone = {"class": "RunGone", "text": "the run is not known any more; the handler has not run again"}
        ended = {"channel": canonical(self.request.path), "error": gone}
        self.write(encode_priming(str(GONE), RETRY_MS))
        self.write(encode_named("gap", orjson.dumps({"lost": None}), str(GONE)))
        self.write(encode_named("ended", orjson.dumps(ended), str(GONE)))
        await self.flush()

    def ending(self, place: Place) -> bytes:
        """Return `ended`, with an id of its own."""
        channel = place.channel
        return encode_named("ended", ending_data(channel), str(Cursor(channel.epoch, channel.log.newest + 1)))
