"""`on`, and `observe` for live traits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, overload

import traitlets

from sse_widget.widget.live import LIVE_TRAITS, STATE_TRAITS, LiveTraits

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event
    from sse_widget.widget.listeners import Listeners

    Callback = Callable[[Event], object]
    C = TypeVar("C", bound=Callback)

__all__ = ["CallbacksMixin"]


class CallbacksMixin(LiveTraits):
    """All ways to be called."""

    _listeners: Listeners
    _told: dict[str, Any]

    @overload
    def on(self, type: str | None = ..., callback: None = ..., *, thread: bool = ...) -> Callable[[C], C]: ...
    @overload
    def on(self, type: str | None, callback: C, *, thread: bool = ...) -> C: ...
    @overload
    def on(self, type: str | None = ..., *, callback: C, thread: bool = ...) -> C: ...

    def on(self, type: str | Callback | None = None, callback: Callback | None = None, *, thread: bool = False) -> Any:  # noqa: A002
        """Call a function for each event, in order, exactly once; as a decorator, `@feed.on("trade")`, or directly.

        Parameters
        ----------
        type : str, optional
            Only events of this type; default: all but gaps. `"gap"`: each `Gap`.
        callback : callable
            Called with the `Event`: on the kernel's main thread, as soon as that is free (between cells, or while a
            cell awaits). What it raises is shown in the widget and logged; the other callbacks and the later events
            go on.
        thread : bool, default False
            Call it at once, on a worker thread, also while a cell is busy.

        Returns
        -------
        callable
            The function.
        """
        if callable(type):
            message = f"expected the type of the events, got the function {type!r}; write @feed.on() with parentheses"
            raise TypeError(message)
        if type is not None and not isinstance(type, str):
            raise TypeError(f"expected the type of the events as a str, got {type!r}")
        if callback is None:
            return functools.partial(self._on, type, thread=thread)
        return self._on(type, callback, thread=thread)

    def _on(self, type: str | None, callback: Callback, *, thread: bool) -> Callback:  # noqa: A002
        if not callable(callback):
            raise TypeError(f"expected a function to call, got {callback!r}")
        self._listeners.add(type, callback, thread=thread)
        return callback

    def off(self, callback: Callback) -> None:
        """Call `callback` no more. Idempotent."""
        self._listeners.remove(callback)

    def observe(self, handler: Callable[[Any], Any], names: Any = traitlets.All, type: Any = "change") -> None:  # noqa: A002
        """As in traitlets. `"event"` fires for every event, in order, exactly once, equal payloads included."""
        self._start_telling()
        super().observe(handler, names, type)
        self._observers_changed()

    def unobserve(self, handler: Callable[[Any], Any], names: Any = traitlets.All, type: Any = "change") -> None:  # noqa: A002
        """As in traitlets."""
        super().unobserve(handler, names, type)
        self._observers_changed()

    def unobserve_all(self, name: Any = traitlets.All) -> None:
        """As in traitlets."""
        super().unobserve_all(name)
        self._observers_changed()

    def _start_telling(self) -> None:
        if "_told" in self.__dict__:  # traitlets calls `observe` before `__init__`
            for name in STATE_TRAITS:
                if not self.observers_of(name):  # what has changed before there was anybody to tell is no news
                    self._told[name] = getattr(self, name)

    def _observers_changed(self) -> None:
        if "_listeners" in self.__dict__:
            self._listeners.observed(any(self.observers_of(name) for name in LIVE_TRAITS))
