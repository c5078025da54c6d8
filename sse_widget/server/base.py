"""What every handler does first: host, origin, bearer; and what it says when the answer is no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from tornado.web import HTTPError, RequestHandler, stream_request_body

if TYPE_CHECKING:
    from sse_widget.server.state import State

__all__ = ["BaseHandler", "JsonHandler", "Refusal", "RefusedHandler"]

NOT_AUTHORISED: Final = b'{"error":"not authorised"}'
PREFLIGHT_S: Final = 7200


class Refusal(HTTPError):
    """A no to somebody who is authorised, with a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status)
        self.text = reason


class BaseHandler(RequestHandler):
    """Checks host and origin of every request, and the bearer of all but those that say otherwise."""

    needs_bearer = True
    state: State

    def initialize(self, state: State) -> None:
        """Take what the handlers share."""
        self.state = state

    def prepare(self) -> None:
        """Refuse what does not belong here, before a byte of a body is read."""
        guard = self.state.guard
        origin = self.request.headers.get("Origin")
        if not guard.host_is_ours(self.request.host) or not self.origin_may(origin):
            raise HTTPError(403)
        if origin is not None and guard.origin_is_known(origin):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Vary", "Origin")
        if self.request.method != "OPTIONS" and self.needs_bearer and not self.may_enter():
            raise HTTPError(401)

    def origin_may(self, origin: str | None) -> bool:
        """Tell whether the origin may ask here."""
        return self.state.guard.origin_is_known(origin)

    def may_enter(self) -> bool:
        """Tell whether the request carries the bearer."""
        return self.state.guard.bearer_is_right(self.request.headers.get("Authorization"))

    def options(self, *_parts: str) -> None:
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
        self.set_header("Content-Security-Policy", "default-src 'none'")
        self.set_header("Referrer-Policy", "no-referrer")

    def reply(self, content: object, status: int = 200) -> None:
        """Finish with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(content))

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002 - set on the handler already
        """Give a reason to those who are authorised; one constant body to all others."""
        self.set_header("Content-Type", "application/json")
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refusal):
            self.finish(orjson.dumps({"error": error.text}))
        elif self.state.guard.host_is_ours(self.request.host) and self.may_enter():
            self.finish(orjson.dumps({"error": self._reason}))
        else:
            self.set_status(403)
            self.finish(NOT_AUTHORISED)

    def check_etag_header(self) -> bool:
        """Never answer 304: nothing here is cacheable."""
        return False


class RefusedHandler(BaseHandler):
    """Every path that does not exist."""

    def prepare(self) -> None:
        """Refuse, as `BaseHandler` does, and then say that there is nothing."""
        super().prepare()
        raise HTTPError(404)


@stream_request_body
class JsonHandler(BaseHandler):
    """Reads a JSON body of bounded size, after the request was let in."""

    max_body_bytes = 64 << 10
    content_types = frozenset({"application/json"})

    def prepare(self) -> None:
        """Refuse wrong types and sizes before the body is read."""
        super().prepare()
        self._body = bytearray()
        if self.request.method == "OPTIONS":
            return
        headers = self.request.headers
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in self.content_types:
            raise Refusal(415, f"expected Content-Type {' or '.join(sorted(self.content_types))}, got {kind!r}")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise Refusal(415, "expected a body without Content-Encoding")
        length = headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > self.max_body_bytes:
            self._refuse_size(length)

    def data_received(self, chunk: bytes) -> None:
        """Collect the body, and stop where it is longer than it may be."""
        self._body += chunk
        if len(self._body) > self.max_body_bytes:
            self._refuse_size(f"more than {self.max_body_bytes}")

    def body(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        try:
            content = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise Refusal(422, f"expected JSON, got: {error}") from None
        if not isinstance(content, dict):
            raise Refusal(422, f"expected a JSON object, got {type(content).__name__}")
        return content

    def _refuse_size(self, length: str) -> None:
        raise Refusal(413, f"expected a body of at most {self.max_body_bytes} bytes, got {length}")


def text_of(content: dict[str, Any], name: str, max_chars: int = 200) -> str:
    """Return a string member of a body, or refuse."""
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= max_chars:
        raise Refusal(422, f"expected {name!r} to be a string of 1 to {max_chars} characters")
    return value
