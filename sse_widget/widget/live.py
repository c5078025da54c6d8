"""Traits that always show the newest value, on every thread, and tell their observers later, on the main one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EVENT_TRAITS", "LIVE_TRAITS", "Live", "LiveTraits"]

EVENT_TRAITS: Final = ("event", "data", "type", "event_id")
"""Told to observers once per event."""

STATE_TRAITS: Final = ("count", "lost", "latency_ms", "state", "transport", "transport_log", "error")
"""Told to observers when they have changed, once per turn."""

LIVE_TRAITS: Final = EVENT_TRAITS + STATE_TRAITS


class Live(traitlets.TraitType[Any, Any]):
    """A read-only trait whose value is looked up when it is read."""

    def __init__(self, look_up: Callable[[Any], Any], help: str) -> None:  # noqa: A002 - traitlets' own word
        super().__init__(None, allow_none=True, read_only=True, help=help)
        self._look_up = look_up

    def get(self, obj: traitlets.HasTraits, cls: type[Any] | None = None) -> Any:  # noqa: ARG002 - traitlets' signature
        """Return the value of this moment."""
        return self._look_up(obj)


class LiveTraits(traitlets.HasTraits):
    """Tells observers of `Live` traits, each on its own: one that raises does not keep the others from being called.

    `notify_change` is not used: ipywidgets replaces it on the instance while it takes a message, and a notification
    of another thread that falls in between would be lost.
    """

    def tell(self, name: str, old: object, new: object, failed: Callable[[BaseException], None]) -> None:
        """Call the observers of `name`; what one raises goes to `failed`."""
        change = traitlets.Bunch(name=name, old=old, new=new, owner=self, type="change")
        for observer in self.observers_of(name):
            try:
                observer(change)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a user's callback may raise anything; it is shown and logged
                failed(error)

    def observers_of(self, name: str) -> list[Callable[[Any], Any]]:
        """Return the callables that observe `name`, in the order traitlets calls them."""
        found: list[Callable[[Any], Any]] = []
        for key in (name, traitlets.All):
            for kind in ("change", traitlets.All):
                found += self._trait_notifiers.get(key, {}).get(kind, [])
        return [getattr(self, str(each.name)) if isinstance(each, traitlets.ObserveHandler) else each for each in found]
