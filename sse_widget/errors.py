"""All exceptions of the package, by whose fault they are.

* :exc:`SSEWidgetError` – the base
    * :exc:`ChannelClosed` – you used a channel, subscription or widget after it was closed
    * :exc:`EventTooLarge` (also `ValueError`) – the data: more bytes than the limit allows
    * :exc:`NoPage` (also `TimeoutError`) – the situation: a widget was waited for, but no page shows it
    * :exc:`WaitTimeout` (also `TimeoutError`) – the situation: nothing that fits came in time
    * :exc:`RequestRefused` (also `ValueError`) – the request: no such route, wrong parameters, or too many runs
    * :exc:`RunCancelled` – the situation: a run was ended before its handler was done
    * :exc:`UpstreamError` – the other side: a relay's upstream does not answer as it should
    * :exc:`ServerStartError` – the machine: the kernel's server could not be started

Wrong arguments are plain `TypeError` and `ValueError`, raised before anything is changed.
"""

from __future__ import annotations

__all__ = [
    "ChannelClosed",
    "EventTooLarge",
    "NoPage",
    "RequestRefused",
    "RunCancelled",
    "SSEWidgetError",
    "ServerStartError",
    "UpstreamError",
    "WaitTimeout",
]


class SSEWidgetError(Exception):
    """Base of the package's own exceptions."""


class ChannelClosed(SSEWidgetError):
    """A channel, subscription or widget was used after `close()`."""


class EventTooLarge(SSEWidgetError, ValueError):
    """An event, or a line of a stream, has more bytes than the limit allows."""


class WaitTimeout(SSEWidgetError, TimeoutError):
    """Nothing that fits came before the timeout."""


class NoPage(WaitTimeout):
    """A widget was waited for, but no page that shows it is connected."""


class RequestRefused(SSEWidgetError, ValueError):
    """A request was not taken; no handler has run.

    Parameters
    ----------
    status : int
        Why, as in HTTP: 404 no such route, 409 the id is that of another request's run, 410 the run is forgotten, 422
        wrong parameters, 503 too many runs at the moment.
    text : str
        Why, in words.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class RunCancelled(SSEWidgetError):
    """A run was ended before its handler was done: by `close()` or `cancel()`, or since nobody read it any more."""


class UpstreamError(SSEWidgetError):
    """What a relay reads does not answer as an event stream should.

    Attributes
    ----------
    status : int or None
        Of the answer, if there was one.
    content_type : str
        The answer's.
    """

    def __init__(self, text: str, *, status: int | None = None, content_type: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.content_type = content_type


class ServerStartError(SSEWidgetError):
    """The kernel's server could not be started."""
