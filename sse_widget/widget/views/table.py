"""Events as a table."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
import traitlets

from sse_widget.widget.path import value_at
from sse_widget.widget.widget import SSEWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["Table"]

_FORMAT: Final = re.compile(r"time|datetime|,?(\.\d{1,2})?[fg%]")
_SNAPSHOT_ROWS: Final = 25
_SNAPSHOT_COLUMNS: Final = 10
_CELL_CHARS: Final = 24


class Table(SSEWidget):
    """A table of events, newest first; or of things, one row for each, which their events change in place.

    The reader sorts by a click on a column's head, filters, copies and downloads; cells that change light up.

    Parameters
    ----------
    source : Channel or str
        What to show, as for `SSEWidget`.
    columns : list of str, optional
        Which fields to show: keys, or paths such as `"quote.price"`; default: those that the events have.
    key : str, default ""
        What an event is about, such as `"symbol"`: one row for each, changed in place. A field that an update lacks
        stays as it was. `""`: one row per event.
    formats : dict, optional
        How to write columns: `{"price": ",.2f", "share": ".1%", "at": "time"}`, as Python's format specifications with
        `f`, `g` or `%`, or `"time"`, or `"datetime"`. Default: numbers with as many digits as the column has.
    sort : str, default ""
        Sort by this column; `"-price"`: largest first.
    max_rows : int, default 500
        How many events are held, where there is no key; with one, the newest 10,000 keys are.
    height : str, default "320px"
        Height of the table, in CSS.
    **traits
        All other parameters of `SSEWidget`.
    """

    _view = traitlets.Unicode("table").tag(sync=True)
    _snapshot_events = 2_000
    _shows_all = True

    columns = traitlets.List(
        traitlets.Unicode(), help="Paths of what is shown of an event's data; empty: all that is found."
    ).tag(sync=True)
    key = traitlets.Unicode(help="Path of what an event is about; empty: a row per event.").tag(sync=True)
    formats = traitlets.Dict(
        key_trait=traitlets.Unicode(), value_trait=traitlets.Unicode(), help="How columns are written, by path."
    ).tag(sync=True)
    sort = traitlets.Unicode(help="Path of the column to sort by, with a minus for the largest first.").tag(sync=True)

    def __init__(self, source: Channel | str, columns: Sequence[str] = (), **traits: Any) -> None:
        if isinstance(columns, str):
            raise TypeError(f"expected columns to be a list of paths, got {columns!r}; write columns=[{columns!r}]")
        super().__init__(source, columns=list(columns), **traits)

    @traitlets.validate("formats")
    def _check_formats(self, proposal: Any) -> Any:
        for path, text in proposal.value.items():
            if not _FORMAT.fullmatch(text):
                raise traitlets.TraitError(
                    f"expected a format such as '.2f', ',.0f', '.1%', '.3g', 'time' or 'datetime' for {path!r}, "
                    f"got {text!r}"
                )
        return proposal.value

    def _snapshot(self, events: Sequence[Event], count: int) -> str:
        if self.key:
            kept = list({str(value_at(event, self.key)): event for event in events}.values())[:_SNAPSHOT_ROWS]
        else:
            kept = list(reversed(events[-_SNAPSHOT_ROWS:]))
        columns = (self.columns or _columns_of(kept))[:_SNAPSHOT_COLUMNS]
        head = "".join(f"<th>{html.escape(_cut(path or 'value'))}</th>" for path in columns)
        rows = "".join(f"<tr>{''.join(_cell(self._value(event, path)) for path in columns)}</tr>" for event in kept)
        caption = f"<p><b>{html.escape(self.title[:200])}</b>: {len(kept)} rows of {count} events</p>"
        return f"{caption}<table><tr>{head}</tr>{rows}</table>"

    def _value(self, event: Event, path: str) -> Any:
        # A column that was found for data without keys is no place for data with keys.
        return None if not self.columns and path == "" and isinstance(event.data, dict) else value_at(event, path)


def _columns_of(events: Sequence[Event]) -> list[str]:
    keys = dict.fromkeys(key for event in events if isinstance(event.data, dict) for key in event.data)
    return [*keys, *([""] if any(not isinstance(event.data, dict) for event in events) else [])]


def _cell(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"<td>{html.escape(_cut(text))}</td>"


def _cut(text: str) -> str:
    return text if len(text) <= _CELL_CHARS else text[: _CELL_CHARS - 1] + "…"
