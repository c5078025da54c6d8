"""`POST /channels/NAME`: other programs push (docs/protocol.md, 9)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson
from tornado.routing import PathMatches

from sse_widget.core.event import OVERHEAD_BYTES
from sse_widget.errors import ChannelClosed, EventTooLarge
from sse_widget.hub.channel import MAX_EVENT_BYTES
from sse_widget.server.answers import Refusal
from sse_widget.server.base import JsonHandler
from sse_widget.server.ledger import Key

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from sse_widget.hub.channel import Channel
    from sse_widget.server.state import State

__all__ = ["MAX_BATCH_BYTES", "MAX_BATCH_EVENTS", "Posted", "PushHandler"]

ONE: Final = "application/json"
MANY: Final = "application/x-ndjson"
MAX_BODY_BYTES: Final = 2 * MAX_EVENT_BYTES  # of one event: without its white space it has at most half of that
MAX_BATCH_BYTES: Final = 8 << 20
MAX_BATCH_EVENTS: Final = 10_000
_DIGEST_BYTES: Final = 16


class Posted(PathMatches):
    """A path, but for POST alone; the same path streams for GET."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match path and method."""
        return super().match(request) if request.method == "POST" else None


class PushHandler(JsonHandler):
    """One event, or a batch of them, into a channel that exists."""

    content_types = frozenset({ONE, MANY})

    def initialize(self, state: State) -> None:
        """Bound the body by what it is."""
        super().initialize(state)
        self._gone = False
        self.max_body_bytes = MAX_BATCH_BYTES if self._kind() == MANY else MAX_BODY_BYTES

    def prepare(self) -> None:
        """Refuse a channel that does not exist before the body is read."""
        super().prepare()
        self._channel(self.path_kwargs["name"])

    async def post(self, name: str) -> None:
        """Push, once, whatever is repeated; and say where the events are."""
        channel = self._channel(name)
        type_ = self._argument("type") or "message"
        paced = _flag(self._argument("pace"))
        key, digest = self._key(name, type_)
        items = self._items()
        answer, still = self._earlier(key, digest), list[str]()
        if answer is None and paced:
            n_bytes = len(self._body) + len(items) * OVERHEAD_BYTES
            still = await self.state.pace.room(channel, len(items), n_bytes, lambda: self._gone)
            if self._gone:
                return
            answer = self._earlier(key, digest)  # it may have been repeated meanwhile, on another connection
        if answer is None:
            answer = self._push(channel, items, type_) | ({"still": still} if still else {})
            if key is not None:
                self.state.ledger.enter(key, digest, answer)
        self.reply(answer, 201)

    def on_connection_close(self) -> None:
        """Note that nobody waits for the answer any more."""
        super().on_connection_close()
        self._gone = True

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong as a problem (RFC 9457), to those who were let in."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not self.entered:
            super().write_error(status_code, **kwargs)
            return
        self._allow_origin()
        self.set_header("Content-Type", "application/problem+json")
        if status_code == 503:  # noqa: PLR2004 - the one that passes
            self.set_header("Retry-After", "1")
        problem = {"type": "about:blank", "title": self._reason, "status": status_code}
        self.finish(orjson.dumps(problem | ({"detail": error.text} if isinstance(error, Refusal) else {})))

    def _kind(self) -> str:
        return self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _argument(self, name: str) -> str:
        values = self.get_query_arguments(name, strip=False)
        if len(values) > 1:
            raise Refusal(422, f"expected {name}= once in the query, got it {len(values)} times")
        return values[0] if values else ""

    def _channel(self, name: str) -> Channel:
        channel = self.state.inbox.channel(name)
        if channel is None:
            raise Refusal(
                404, f"expected the name of a channel, got {name!r}; make it with sse_widget.channel({name!r})"
            )
        if self.state.inbox.runs.channel(name) is channel:
            raise Refusal(
                404, f"expected the name of a channel, got {name!r}, that of a run: only its handler feeds it"
            )
        return channel

    def _key(self, name: str, type_: str) -> tuple[Key | None, bytes]:
        header = self.request.headers.get("Idempotency-Key")
        if header is None:
            return None, b""
        what = orjson.dumps([name, type_, self._kind()])
        return Key.parse(header), hashlib.blake2b(what + b"\n" + self._body, digest_size=_DIGEST_BYTES).digest()

    def _earlier(self, key: Key | None, digest: bytes) -> dict[str, Any] | None:
        return None if key is None else self.state.ledger.find(key, digest)

    def _items(self) -> list[Any]:
        if self._kind() == ONE:
            return [_json(bytes(self._body), "a body of JSON")]
        lines = [(number, line) for number, line in enumerate(self._lines(), 1) if line.strip()]
        if not lines:
            raise Refusal(422, "expected a line of JSON for each event, got none")
        return [_json(line, f"JSON in line {number}") for number, line in lines]

    def _lines(self) -> list[bytes]:
        count = self._body.count(b"\n")
        if count > MAX_BATCH_EVENTS:
            raise Refusal(413, f"expected at most {MAX_BATCH_EVENTS} lines, got {count}; push them in several batches")
        return bytes(self._body).split(b"\n")

    def _push(self, channel: Channel, items: list[Any], type_: str) -> dict[str, Any]:
        try:
            events = channel.push_many(items, type=type_)
        except ChannelClosed as error:
            raise Refusal(410, str(error)) from None
        except EventTooLarge as error:
            raise Refusal(413, str(error)) from None
        except (TypeError, ValueError) as error:
            raise Refusal(422, str(error)) from None
        return {"id": events[-1].id, "first": events[0].id, "count": len(events)}


def _json(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(422, f"expected {where}, got: {error}") from None


def _flag(value: str) -> bool:
    if value not in {"", "0", "1"}:
        raise Refusal(422, f"expected pace to be 0 or 1, got {value[:20]!r}")
    return value == "1"
