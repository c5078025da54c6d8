"""Events as a table."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.hub.table import to_pandas


def event(data: object, sequence: int = 1, type_: str = "message") -> Event:
    return Event(data, type_, f"e-{sequence}", 1_700_000_000.25)


def test_the_keys_of_dicts_are_columns_beside_the_events_own() -> None:
    frame = to_pandas([event({"a": 1, "b": "x"}), event({"a": 2, "c": None}, 2, "trade")])
    assert list(frame.columns) == ["id", "time", "type", "a", "b", "c"]
    assert list(frame["id"]) == ["e-1", "e-2"]
    assert list(frame["type"]) == ["message", "trade"]
    assert list(frame["a"]) == [1, 2]
    assert frame["time"].iloc[0] == pd.Timestamp("2023-11-14T22:13:20.25Z")


def test_what_is_no_dict_is_a_column_of_its_own() -> None:
    frame = to_pandas([event(1), event([2, 3], 2), event(None, 3)])
    assert list(frame.columns) == ["id", "time", "type", "data"]
    assert frame["data"].iloc[1] == [2, 3]


def test_a_key_that_is_called_like_a_column_does_not_hide_it() -> None:
    frame = to_pandas([event({"id": 7, "time": 8, "type": 9, "other": 10})])
    assert frame.iloc[0][["data.id", "data.time", "data.type", "other"]].tolist() == [7, 8, 9, 10]
    assert frame["id"].iloc[0] == "e-1"


def test_gaps_are_left_out() -> None:
    assert len(to_pandas([event(1), Gap.between(5, "c", Cursor("e", 6)), event(2, 7)])) == 2


def test_without_events_the_columns_are_there() -> None:
    frame = to_pandas([])
    assert list(frame.columns) == ["id", "time", "type"]
    assert str(frame["time"].dt.tz) == "UTC"


def test_without_pandas_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError) as error:
        to_pandas([event(1)])
    assert str(error.value) == "to_pandas needs pandas; install it with: pip install pandas"
