"""Bars."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import traitlets

from sse_widget.widget.path import number_at, value_at
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event

__all__ = ["Progress"]

_SNAPSHOT_BARS: Final = 50
_NAME_CHARS: Final = 80


class Progress(SSEWidget):
    """A bar for each thing that is under way, with its rate, the time left, and how it ended.

    An event such as `{"file": "a.csv", "value": 30, "total": 120}` moves the bar of its key. A bar is done when its
    value reaches the total, or its status says so (`"done"`, `"finished"`, `"success"`, ...); failed when the status is
    `"failed"`, `"error"`, `"cancelled"` or the like. Without a total it moves, and shows what is done.

    Parameters
    ----------
    source : Channel or str
        What to show, as for `SSEWidget`.
    by : str, default ""
        Where an event says which bar it moves, such as `"file"`; `""`: there is one bar.
    value : str, default "value"
        Where it says how far that is; `""`: the data is the number.
    total : str or float, default "total"
        Where it says how far it will go, or a number for all.
    status : str, default "status"
        Where it may say how it is.
    unit : str, optional
        Shown after the numbers.
    max_rows : int, default 50
        How many bars are shown at the most; the newest.
    **traits
        All other parameters of `SSEWidget`.
    """

    _view = traitlets.Unicode("progress").tag(sync=True)
    _snapshot_events = 5_000
    _shows_all = True

    by = traitlets.Unicode(help="Path of the key in an event's data; empty: there is one bar.").tag(sync=True)
    value = traitlets.Unicode("value", help="Path of how far it is; empty: the data itself.").tag(sync=True)
    total = traitlets.Union(
        [traitlets.Float(), traitlets.Unicode()], default_value="total", help="How far it goes, or the path of that."
    ).tag(sync=True)
    status = traitlets.Unicode("status", help="Path of how it is, in a word.").tag(sync=True)
    unit = traitlets.Unicode(help="Shown after the numbers.").tag(sync=True)
    max_rows = traitlets.Int(50, min=1, max=1_000, help="How many bars are shown at the most.").tag(sync=True)

    def _snapshot(self, events: Sequence[Event], count: int) -> str:  # noqa: ARG002 - the base class's signature
        bars: dict[str, dict[str, Any]] = {}
        for event in events:
            key = str(value_at(event, self.by))[:_NAME_CHARS] if self.by else self.title[:_NAME_CHARS]
            bar = bars.setdefault(key, {"value": None, "total": None, "status": ""})
            total = number_at(event, self.total) if isinstance(self.total, str) else self.total
            status = value_at(event, self.status)
            said = {"value": number_at(event, self.value), "total": total, "status": status or None}
            bar.update({name: value for name, value in said.items() if value is not None})
        rows = "".join(_row(key, **bar) for key, bar in list(bars.items())[-_SNAPSHOT_BARS:])
        return f"<p><b>{html.escape(self.title[:200])}</b></p><table>{rows}</table>"


def _row(key: str, value: float | None, total: float | None, status: Any) -> str:
    bar = "" if value is None or not total else f'<progress value="{value:g}" max="{total:g}"></progress>'
    far = "" if value is None else f"{value:g}" if total is None else f"{value:g} of {total:g}"
    said = f"{far} {str(status)[:_NAME_CHARS]}".strip()
    return f"<tr><td>{html.escape(key)}</td><td>{bar}</td><td>{html.escape(said)}</td></tr>"
