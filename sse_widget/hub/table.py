"""Events as a table, for those who have pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sse_widget.core.event import Event

__all__ = ["to_pandas"]

_OWN = ("id", "time", "type")


def to_pandas(events: Iterable[Event]) -> pd.DataFrame:
    """Return one row per event: `id`, `time` (UTC), `type`, and the keys of `data`, or `data` where it is no dict.

    A key that is called like one of the event's own columns becomes `data.<key>`.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        message = "to_pandas needs pandas; install it with: pip install pandas"
        raise ImportError(message) from error
    rows = [_row(event) for event in events if event.type != "gap"]
    frame = pd.DataFrame.from_records(rows) if rows else pd.DataFrame(columns=list(_OWN))
    frame["time"] = pd.to_datetime(frame["time"], unit="us", utc=True)
    return frame


def _row(event: Event) -> dict[str, object]:
    row: dict[str, object] = {"id": event.id, "time": event.time_us, "type": event.type}
    if isinstance(event.data, dict):
        row.update({f"data.{key}" if key in _OWN else key: value for key, value in event.data.items()})
    else:
        row["data"] = event.data
    return row
