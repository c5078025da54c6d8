"""Loops, waits and awaits on a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sse_widget.core.event import Event
    from sse_widget.hub.subscription import Subscription
    from sse_widget.widget.listeners import Listeners

__all__ = ["ReadingMixin"]


class ReadingMixin:
    """All ways to read, by `subscribe`. They work inside a busy cell; interrupting the kernel ends them at once."""

    _listeners: Listeners

    def subscribe(self, *, after: Event | str | None = None) -> Subscription:
        """Read what the page receives.

        Parameters
        ----------
        after : Event or str, optional
            Start after this event or event id and miss nothing in between; default: after the newest one the page has
            now.

        Returns
        -------
        Subscription
            For `for` and `async for`, `next(timeout)` and `wait(predicate, timeout)`; it ends when the widget is
            closed.

        Raises
        ------
        ValueError
            If `after` is not the id of an event of this channel.
        ChannelClosed
            If the widget was closed.
        """
        return self._listeners.subscribe(after)

    def __iter__(self) -> Iterator[Event]:
        """Loop over what comes from now on."""
        return self.subscribe()

    def __aiter__(self) -> AsyncIterator[Event]:
        """Loop over what comes from now on, awaiting."""
        return self.subscribe()

    def wait(self, predicate: Callable[[Event], bool] | None = None, timeout: float | None = None) -> Event:
        """Block until an event for which `predicate` is true (default: any) comes, and return it.

        Parameters
        ----------
        predicate : callable, optional
            Called with each event that comes from now on.
        timeout : float [s], optional
            Wait no longer than this; default: as long as it takes.

        Raises
        ------
        WaitTimeout
            If none came in time.
        NoPage
            If none came in time, and no page has the widget open; a `WaitTimeout` too.
        """
        with self.subscribe() as source:
            return source.wait(predicate, timeout)

    async def next(self) -> Event:
        """Await the next event that comes from now on."""
        with self.subscribe() as source:
            return await source.anext()
