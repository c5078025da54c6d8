"""What the head of an answer means for a relay: read it, try again, or give up."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sse_widget.errors import UpstreamError

if TYPE_CHECKING:
    from sse_widget.sources.exchange import Head
    from sse_widget.sources.request import Request

__all__ = ["Fault", "check_head", "redirected"]

_OK: Final = 200
_NO_CONTENT: Final = 204
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_SERVER_ERRORS: Final = 500
_TYPE: Final = "text/event-stream"


class Fault(NamedTuple):
    """Why a connection is over, when another one may be better."""

    text: str
    retry_after_s: float = 0.0
    clean: bool = False  # the server has ended the answer, as it may


def redirected(head: Head | None) -> str | None:
    """Return where a redirect points; None if it is none."""
    if head is None or head.status not in _REDIRECTS:
        return None
    return head.headers.get("Location", "")


def check_head(head: Head | None, request: Request) -> Fault | None:
    """Return what is wrong for now; None if the stream can be read, or has ended for good (204).

    Raises
    ------
    UpstreamError
        If it will stay wrong.
    """
    if head is None:
        raise AssertionError("an exchange without an answer raises")
    status = head.status
    if status == _NO_CONTENT:
        return None
    if status in _TRY_AGAIN or status >= _SERVER_ERRORS:
        return Fault(f"the server has answered {status}", retry_after_s=_retry_after_s(head.headers.get("Retry-After")))
    if status != _OK:
        raise UpstreamError(
            f"expected status 200 of {request!r}, got {status}{_hint(status)}",
            status=status,
            content_type=head.headers.get("Content-Type", ""),
        )
    content_type = head.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != _TYPE:
        raise UpstreamError(
            f"expected {_TYPE} of {request!r}, got {content_type or 'no content type'}; is it an event stream?",
            status=status,
            content_type=content_type,
        )
    coding = head.headers.get("Content-Encoding", "identity")
    if coding.strip().lower() != "identity":
        raise UpstreamError(f"expected a stream as it is of {request!r}, got one in {coding}", status=status)
    return None


def _hint(status: int) -> str:
    return {401: "; does it need headers={'Authorization': …}?", 405: "; does it need method='POST'?"}.get(status, "")


def _retry_after_s(value: str | None) -> float:
    """Return the seconds that a `Retry-After` asks for; 0 if it makes no sense."""
    if value is None:
        return 0.0
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0
