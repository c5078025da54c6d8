"""What a handler says when the answer is no; the kernel's server and the Jupyter extension say the same."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import orjson
from tornado.web import HTTPError, RequestHandler

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.httputil import HTTPHeaders

__all__ = ["NOT_AUTHORISED", "GuardedAnswers", "Refusal", "is_embedded_elsewhere"]

NOT_AUTHORISED: Final = b'{"error":"not authorised"}'
RETRY_S: Final = 1
"""After this long it is worth asking again somebody who was busy."""
_OUR_SITES: Final = frozenset({"none", "same-origin"})


class Refusal(HTTPError):
    """A no to somebody who is authorised, with a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status)
        self.text = reason


def is_embedded_elsewhere(headers: HTTPHeaders) -> bool:
    """Tell whether a browser asks for a foreign page's image, script or frame.

    It sends no origin with these; but it says where they come from.
    """
    return "Origin" not in headers and headers.get("Sec-Fetch-Site", "none") not in _OUR_SITES


class GuardedAnswers(RequestHandler):
    """Tells reasons only to those who were let in, and cuts a connection where an end would look whole."""

    entered = False
    """Whether who asks may know what is here."""
    logger: logging.Logger | logging.LoggerAdapter[Any] = logging.getLogger(__name__)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Give a reason to those who are let in; one constant body to all others."""
        self.set_header("Content-Type", "application/json")
        if self.entered and status_code == 503:  # noqa: PLR2004 - Service Unavailable
            self.set_header("Retry-After", str(RETRY_S))
            self.set_header("Access-Control-Expose-Headers", "Retry-After")  # or a page could not read it
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not self.entered:
            self.set_status(403)
            self.finish(NOT_AUTHORISED)
        else:
            self.finish(orjson.dumps({"error": error.text if isinstance(error, Refusal) else self._reason}))

    def log_exception(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Log our errors, not those of strangers; and never the query, which may hold a ticket."""
        if isinstance(error, HTTPError) or kind is None or error is None:
            return
        self.logger.error("%s %r failed", self.request.method, self.request.path, exc_info=(kind, error, trace))

    def cut_connection(self) -> None:
        """Close the client's connection: ending the answer properly would say that it is whole."""
        if self.request.connection is not None:
            self.request.connection.stream.close()  # type: ignore[attr-defined]  # HTTP/1 is all that tornado speaks
