"""Events as a table, for those who have pandas, Polars or Arrow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from sse_widget.core.event import Event

__all__ = ["TableMixin", "to_arrow", "to_pandas", "to_polars"]

_OWN = ("id", "time", "type")


class TableMixin:
    """The ways to get a table of what is held: `id`, `time` (UTC), `type`, and one column per key of `data`.

    Where `data` is no dict, it is a column of its own. A key that is called like one of the event's own columns becomes
    `data.<key>`.
    """

    @property
    def _tabled(self) -> list[Event]:
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas DataFrame: `id`, `time` (UTC), `type`, and one column per key of `data`.

        Where `data` is no dict, it is a column of its own.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return to_pandas(self._tabled)

    def to_polars(self) -> pl.DataFrame:
        """Return a Polars DataFrame with the columns of `to_pandas`.

        A column whose values have no type in common is text, as JSON.

        Raises
        ------
        ImportError
            If Polars is not installed.
        """
        return to_polars(self._tabled)

    def to_arrow(self) -> pa.Table:
        """Return a PyArrow table with the columns of `to_pandas`.

        A column whose values have no type in common is text, as JSON.

        Raises
        ------
        ImportError
            If PyArrow is not installed.
        """
        return to_arrow(self._tabled)


def to_pandas(events: Iterable[Event]) -> pd.DataFrame:
    """Return a pandas DataFrame with one row per event; see `TableMixin`.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    pandas = _optional("pandas", "to_pandas", "pandas")
    rows = [_row(event) for event in events if event.type != "gap"]
    frame = pandas.DataFrame.from_records(rows) if rows else pandas.DataFrame(columns=list(_OWN))
    frame["time"] = pandas.to_datetime(frame["time"], unit="us", utc=True)
    return frame


def to_polars(events: Iterable[Event]) -> pl.DataFrame:
    """Return a Polars DataFrame with one row per event; see `TableMixin`.

    Raises
    ------
    ImportError
        If Polars is not installed.
    """
    polars = _optional("polars", "to_polars", "Polars")
    columns = _columns(events)
    times = polars.Series("time", columns.pop("time"), dtype=polars.Int64).cast(polars.Datetime("us", "UTC"))
    made = {name: _typed(lambda items: polars.Series(items, strict=True), values) for name, values in columns.items()}
    ids, types = (made.pop(name).cast(polars.String) for name in ("id", "type"))
    frame: pl.DataFrame = polars.DataFrame({"id": ids, "time": times, "type": types, **made})
    return frame


def to_arrow(events: Iterable[Event]) -> pa.Table:
    """Return a PyArrow table with one row per event; see `TableMixin`.

    Raises
    ------
    ImportError
        If PyArrow is not installed.
    """
    arrow = _optional("pyarrow", "to_arrow", "PyArrow")
    columns = _columns(events)
    own = {
        "id": arrow.array(columns.pop("id"), arrow.string()),
        "time": arrow.array(columns.pop("time"), arrow.timestamp("us", "UTC")),
        "type": arrow.array(columns.pop("type"), arrow.string()),
    }
    table: pa.Table = arrow.table({**own, **{name: _typed(arrow.array, values) for name, values in columns.items()}})
    return table


def _optional(module: str, function: str, title: str) -> ModuleType:
    try:
        return importlib.import_module(module)  # late: optional, and slow to import
    except ImportError as error:
        message = f"{function} needs {title}; install it with: pip install {module}"
        raise ImportError(message) from error


def _typed(make: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    """Make a column; where the values have no type in common, of numbers as floats, else of their JSON."""
    if {type(value) for value in values} - {type(None)} == {int, float}:
        return make([None if value is None else float(value) for value in values])
    try:
        return make(values)
    except (TypeError, ValueError, OverflowError):  # PyArrow's own are subclasses of these
        return make([None if value is None else orjson.dumps(value).decode() for value in values])


def _columns(events: Iterable[Event]) -> dict[str, list[Any]]:
    rows = [_row(event) for event in events if event.type != "gap"]
    names = dict.fromkeys([*_OWN, *(name for row in rows for name in row)])
    return {name: [row.get(name) for row in rows] for name in names}


def _row(event: Event) -> dict[str, object]:
    row: dict[str, object] = {"id": event.id, "time": event.time_us, "type": event.type}
    if isinstance(event.data, dict):
        row.update({f"data.{key}" if key in _OWN else key: value for key, value in event.data.items()})
    else:
        row["data"] = event.data
    return row
