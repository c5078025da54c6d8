"""Lines over time."""

from __future__ import annotations

import html
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import traitlets

from sse_widget.widget.path import number_at, value_at
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["LineChart"]

_WIDTH: Final = 640
_HEIGHT: Final = 240
_SNAPSHOT_LINES: Final = 8
_SNAPSHOT_POINTS: Final = 250
_NAME_CHARS: Final = 40
_COLORS: Final = ("#0969da", "#c2510c", "#00775a", "#a8427f", "#8a6500", "#2b8fc7", "#57606a", "#7a4fd0")

Point = tuple[float, float | None]


class LineChart(SSEWidget):
    """Lines that grow with every event; zoom by dragging, read values by pointing, pause, hide lines.

    Parameters
    ----------
    source : Channel or str
        What to show, as for `SSEWidget`.
    x : str, default ""
        Where an event says its place on the x axis: a number, or a time (a datetime, or seconds or milliseconds since
        1970); `""`: the time when it was pushed.
    y : str or list of str, default ""
        Where it has the numbers, one line for each; `""`: the data is the number. What is no number breaks its line.
    by : str, default ""
        One line for each value of this field, such as `"symbol"`; at most 24.
    points : int, default 10_000
        How many places on the x axis are kept, at most 100,000; the newest.
    seconds : float [s], optional
        Keep the last seconds instead.
    height : str, default "320px"
        Height of the chart, in CSS.
    **traits
        All other parameters of `SSEWidget`.
    """

    _view = traitlets.Unicode("chart").tag(sync=True)
    _snapshot_events = 10_000
    _shows_all = True

    x = traitlets.Unicode(help="Path of the place on the x axis; empty: when the event was pushed.").tag(sync=True)
    y = traitlets.List(traitlets.Unicode(), [""], minlen=1, maxlen=24, help="Paths of the numbers.").tag(sync=True)
    by = traitlets.Unicode(help="Path of the name of the line; empty: one line for each path in y.").tag(sync=True)
    points = traitlets.Int(10_000, min=2, max=100_000, help="How many places on the x axis are kept.").tag(sync=True)
    seconds = traitlets.Float(
        None, min=0.1, allow_none=True, help="How many seconds are kept instead; null: as many as points says."
    ).tag(sync=True)

    def __init__(
        self, source: Channel | str, x: str = "", y: str | Sequence[str] = "", by: str = "", **traits: Any
    ) -> None:
        super().__init__(source, x=x, y=[y] if isinstance(y, str) else list(y), by=by, **traits)

    def _snapshot(self, events: Sequence[Event], count: int) -> str:
        lines: dict[str, list[Point]] = {}
        for event in events[-self.points :]:
            place = _place(event, self.x)
            key = str(value_at(event, self.by))[:_NAME_CHARS] if self.by else ""
            for path in self.y if place is not None else ():
                name = (key if len(self.y) == 1 else f"{key} {path}") if self.by else path or "value"
                lines.setdefault(name[: 2 * _NAME_CHARS], []).append((place or 0.0, number_at(event, path)))
        caption = f"<p><b>{html.escape(self.title[:200])}</b>: {count} events</p>"
        return caption + _svg(dict(list(lines.items())[:_SNAPSHOT_LINES]))


def _place(event: Event, path: str) -> float | None:
    if path == "":
        return event.time
    value = value_at(event, path)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return None
    return number_at(event, path)


def _svg(lines: dict[str, list[Point]]) -> str:
    kept = {name: _thinned(points) for name, points in lines.items()}
    known = [(x, y) for points in kept.values() for x, y in points if y is not None]
    if not known:
        return "<p>no numbers yet</p>"
    (left, right), (low, high) = ((min(of), max(of)) for of in zip(*known, strict=True))
    across, up = _WIDTH / ((right - left) or 1), (_HEIGHT - 8) / ((high - low) or 1)
    paths, names = "", ""
    for (name, points), color in zip(kept.items(), _COLORS, strict=False):
        drawn = "".join(
            f"{'L' if before is not None else 'M'}{(x - left) * across:.1f} {_HEIGHT - 4 - (y - low) * up:.1f}"
            for (_, before), (x, y) in pairwise([(0.0, None), *points])
            if y is not None
        )
        paths += f'<path d="{drawn}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        names += f' <span style="color:{color}">&#9632;</span> {html.escape(name)}'
    frame = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#8884"/>'
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f"<p>{names}, from {low:g} to {high:g}</p><svg {size}>{frame}{paths}</svg>"


def _thinned(points: list[Point]) -> list[Point]:
    """Take so many that the picture is small; always the last."""
    step = -(-len(points) // _SNAPSHOT_POINTS)
    return points[::-1][::step][::-1] if step > 1 else points
