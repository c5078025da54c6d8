"""`handle_request`: a request to one of the kernel's own routes, shown and handed to a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sse_widget.runs.routes import Target
from sse_widget.session import current
from sse_widget.widget.live import Live
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["RequestWidget", "handle_request"]


class RequestWidget(SSEWidget):
    """One run of a handler: its events, live, and how it ended; made by `sse_widget.handle_request`.

    As any `SSEWidget` it is shown, observed and looped over. Its `state` is "ended" when the page has all events, or
    "failed" if the handler raised or was cancelled; `error` says what then.
    """

    state = Live(
        lambda self: self._state_of_run,
        '"idle", "connecting", "open", "reconnecting", "ended", "closed" or "failed".',
    )

    def __init__(self, path: str, **options: Any) -> None:
        self._session = current()
        self._run, _new = self._session.runs.prepare(_target(path))
        self._run.held = True
        try:
            super().__init__(self._run.channel, **{"title": self._run.target.title, **options})
        except BaseException:
            self._session.runs.drop(self._run, "its widget could not be made")
            raise
        # Not before: a handler that returns at once would have closed the channel, and what is to be shown is its end.
        self._session.runs.begin(self._run)

    @property
    def id(self) -> str:
        """The id of the run, also the epoch of its events' ids."""
        return self._run.id

    @property
    def channel(self) -> Channel:
        """The run's history, with `subscribe`, `history` and `to_pandas`."""
        return self._run.channel

    @property
    def url(self) -> str:
        """Where other programs of this machine read this very run; without `run=`, it begins another one."""
        target = self._run.target
        return f"{self._session.server.url}{target}{'&' if target.query else '?'}run={self.id}"

    def curl(self) -> str:
        """Return the `curl` line that follows this very run. It holds the kernel's secret."""
        return self._session.server.curl(self.url)

    def result(self, timeout: float | None = None) -> list[Event]:
        """Block until the run ends, and return its events. No page is needed, and it works inside a busy cell.

        Parameters
        ----------
        timeout : float [s], optional
            Wait no longer than this; default: as long as it takes. Interrupting the kernel ends the wait at once; the
            run goes on.

        Returns
        -------
        list of Event
            All of them, in order; if there were more than a run's history holds (100,000, or 8 MiB), the first item is
            a `Gap` that says how many are missing.

        Raises
        ------
        Exception
            What the handler raised.
        RunCancelled
            If the run was cancelled.
        WaitTimeout
            If it has not ended in time.
        RuntimeError
            On the loop on which coroutines handle requests: the run might have to wait for its caller.
        """
        self._session.user_code.check_elsewhere("await asyncio.to_thread(run.result)")
        return self._run.result(timeout)

    def cancel(self) -> None:
        """End the run now; its generator is closed, a plain function goes on unheard. Idempotent."""
        self._run.cancel()

    def close(self) -> None:
        """End the widget, and cancel its run. Idempotent."""
        super().close()
        run = self.__dict__.get("_run")  # ipywidgets closes widgets, too, whose making has failed
        if run is not None:
            run.held = False
            run.cancel("its widget was closed")

    @property
    def _state_of_run(self) -> str:
        state = self._feed.status.state
        return "failed" if state == "ended" and self._run.error is not None else state

    @property
    def _wrong(self) -> str:
        return super()._wrong or ("" if self._run.error is None else str(self._run.error))

    def __repr__(self) -> str:
        run = self._run
        return f"<RequestWidget {run.target}: {run.state}, {run.channel.log.newest} events>"


def handle_request(
    path: str,
    callback: Callable[[Any], object] | None = None,
    *,
    types: str | Iterable[str] | None = None,
    **options: Any,
) -> RequestWidget:
    """Send a request to one of this kernel's routes, and hand the JSON of each event to a callback.

    Parameters
    ----------
    path : str
        Such as `"/countdown/5?speed=2"`.
    callback : callable, optional
        Called with the data of each event: what `on` says of its callbacks holds here, too.
    types : str or iterable of str, optional
        Only events of these types; default: all.
    **options
        As for `SSEWidget`: `title`, `max_rows`, `height`, `history`, `transport`, `layout`.

    Returns
    -------
    RequestWidget
        An `SSEWidget` on the run that has begun. As a cell's last line it shows the events, live.

    Raises
    ------
    RequestRefused
        If no route fits, a parameter is wrong, or too many runs go on. A `ValueError` too.
    TypeError
        If an argument is of a wrong type, or a keyword is unknown.
    """
    wanted = _checked(types)
    if callback is not None and not callable(callback):
        raise TypeError(f"expected a function to call with each event's data, got {callback!r}")
    run = RequestWidget(path, **options)
    if callback is not None:
        run.on(None, lambda event: callback(event.data) if wanted is None or event.type in wanted else None)
    return run


def _target(path: object) -> Target:
    if not isinstance(path, str):
        raise TypeError(f"expected the path of a route, such as '/countdown/5', got {path!r}")
    if "://" in path.partition("?")[0]:
        raise ValueError(f"expected a path of this kernel's own routes, such as '/countdown/5', got {path!r}")
    return Target.of(path)


def _checked(types: object) -> frozenset[str] | None:
    if types is None:
        return None
    wanted = [types] if isinstance(types, str) else types
    if not isinstance(wanted, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in wanted):
        raise TypeError(f"expected types to be one or several event types, got {types!r}")
    return frozenset(wanted)
