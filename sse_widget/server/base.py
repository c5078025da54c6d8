"""What every handler does first: host, origin, bearer; and what it says when the answer is no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from tornado.web import HTTPError, stream_request_body

from sse_widget.server.answers import GuardedAnswers, Refusal, is_embedded_elsewhere

if TYPE_CHECKING:
    from sse_widget.server.state import State

__all__ = ["BaseHandler", "JsonHandler", "Refusal"]

PREFLIGHT_S: Final = 7200
_LENGTH_DIGITS: Final = 15


@stream_request_body
class BaseHandler(GuardedAnswers):
    """Checks host and origin of every request, and the bearer of all but those that say otherwise.

    Streamed bodies even where none is expected: tornado would otherwise collect up to 100 MB before it asks.
    """

    needs_bearer = True
    max_body_bytes = 0
    state: State

    def initialize(self, state: State) -> None:
        """Take what the handlers share."""
        self.state = state
        self._known_origin = ""
        self._body = bytearray()

    def prepare(self) -> None:
        """Refuse what does not belong here, before a byte of a body is read."""
        guard, headers = self.state.guard, self.request.headers
        origin = headers.get("Origin")
        if not guard.host_is_ours(self.request.host) or not self.origin_may(origin) or self.is_embedded():
            raise HTTPError(403)
        if origin is not None and guard.origin_is_known(origin):
            self._known_origin = origin
            self._allow_origin()
        if self._is_preflight():
            return
        self.entered = self.may_enter()
        if (self.needs_bearer or self.request.method == "OPTIONS") and not self.entered:
            raise HTTPError(401)
        length = headers.get("Content-Length", "0")
        if not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) > self.max_body_bytes:
            raise self._too_large(length[:_LENGTH_DIGITS])

    def data_received(self, chunk: bytes) -> None:
        """Collect the body, and answer where it is longer than it may be."""
        self._body += chunk
        if len(self._body) > self.max_body_bytes:
            self._body.clear()
            error = self._too_large(f"more than {self.max_body_bytes}")
            # Not raised: tornado takes what is raised here for an error of ours, logs it, and answers nothing.
            self.send_error(413, exc_info=(Refusal, error, None))

    def origin_may(self, origin: str | None) -> bool:
        """Tell whether the origin may ask here."""
        return self.state.guard.origin_is_known(origin)

    def is_embedded(self) -> bool:
        """Tell whether this is an image, a script or a frame of somebody else's page."""
        return is_embedded_elsewhere(self.request.headers)

    def may_enter(self) -> bool:
        """Tell whether the request carries the bearer. Asked once: a ticket is good for one answer."""
        return self.state.guard.bearer_is_right(self.request.headers.get("Authorization"))

    def options(self, *_parts: str, **_named: str) -> None:
        """Answer a browser's preflight; only known origins come this far."""
        self.set_header("Access-Control-Allow-Methods", "GET, POST")
        self.set_header("Access-Control-Allow-Headers", "authorization, content-type, last-event-id")
        self.set_header("Access-Control-Max-Age", str(PREFLIGHT_S))
        self.set_status(204)

    def set_default_headers(self) -> None:
        """Say nothing about the software, cache nothing, run nothing."""
        self.set_header("Server", "sse-widget")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Referrer-Policy", "no-referrer")

    def reply(self, content: object, status: int = 200) -> None:
        """Finish with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(content))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Let a page that is known read the reason, or it could not tell an error from a dead server."""
        self._allow_origin()
        super().write_error(status_code, **kwargs)

    def check_etag_header(self) -> bool:
        """Never answer 304: nothing here is cacheable."""
        return False

    def _is_preflight(self) -> bool:
        return self.request.method == "OPTIONS" and self._known_origin != ""

    def _allow_origin(self) -> None:
        if self._known_origin:
            self.set_header("Access-Control-Allow-Origin", self._known_origin)
            self.set_header("Vary", "Origin")

    def _too_large(self, length: str) -> Refusal:
        return Refusal(413, f"expected a body of at most {self.max_body_bytes} bytes, got {length}")


class JsonHandler(BaseHandler):
    """Reads a JSON body of bounded size, after the request was let in."""

    max_body_bytes = 64 << 10
    content_types = frozenset({"application/json"})

    def prepare(self) -> None:
        """Refuse wrong types and sizes before the body is read."""
        super().prepare()
        if self.request.method != "POST":
            return
        headers = self.request.headers
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in self.content_types:
            raise Refusal(415, f"expected Content-Type {' or '.join(sorted(self.content_types))}, got {kind!r}")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise Refusal(415, "expected a body without Content-Encoding")

    def body(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        try:
            content = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise Refusal(422, f"expected JSON, got: {error}") from None
        if not isinstance(content, dict):
            raise Refusal(422, f"expected a JSON object, got {type(content).__name__}")
        return content


def text_of(content: dict[str, Any], name: str, max_chars: int = 200) -> str:
    """Return a string member of a body, or refuse."""
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= max_chars:
        raise Refusal(422, f"expected {name!r} to be a string of 1 to {max_chars} characters")
    return value
