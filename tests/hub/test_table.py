"""Events as a table."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.hub.table import TableMixin, to_arrow, to_pandas, to_polars

if TYPE_CHECKING:
    from sse_widget.session import Session


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


# Polars and Arrow


def test_all_three_tables_have_the_same_columns_and_values() -> None:
    events = [event({"a": 1, "b": "x"}), event({"a": 2.5, "c": True}, 2, "trade"), Gap.between(5, "c", Cursor("e", 6))]
    polars, arrow = to_polars(events), to_arrow(events)
    assert (
        polars.columns == arrow.column_names == list(to_pandas(events).columns) == ["id", "time", "type", "a", "b", "c"]
    )
    rows = polars.to_dicts()
    assert rows == arrow.to_pylist()
    assert rows[1] == {
        "id": "e-2",
        "time": datetime(2023, 11, 14, 22, 13, 20, 250_000, UTC),
        "type": "trade",
        "a": 2.5,
        "b": None,
        "c": True,
    }


@pytest.mark.parametrize("make", [to_polars, to_arrow])
def test_values_without_a_type_in_common_are_json(make: Any) -> None:
    table = make(
        [event({"v": 1}), event({"v": "x"}, 2), event({"v": {"k": [1]}}, 3), event({"v": None}, 4), event({}, 5)]
    )
    assert list(table["v"].to_pylist() if make is to_arrow else table["v"]) == ["1", '"x"', '{"k":[1]}', None, None]


@pytest.mark.parametrize("make", [to_polars, to_arrow])
def test_huge_integers_are_not_lost(make: Any) -> None:
    table = make([event({"v": 2**63}), event({"v": -1}, 2)])
    values = table["v"].to_pylist() if make is to_arrow else list(table["v"])
    assert [int(value) for value in values] == [2**63, -1]


@pytest.mark.parametrize("make", [to_polars, to_arrow])
def test_other_tables_without_events_have_typed_columns(make: Any) -> None:
    table = make([])
    assert [str(name) for name in (table.columns if make is to_polars else table.column_names)] == [
        "id",
        "time",
        "type",
    ]
    kind = str(table["time"].dtype if make is to_polars else table["time"].type)
    assert "UTC" in kind


@pytest.mark.parametrize(
    ("module", "make", "said"),
    [
        ("polars", to_polars, "to_polars needs Polars; install it with: pip install polars"),
        ("pyarrow", to_arrow, "to_arrow needs PyArrow; install it with: pip install pyarrow"),
    ],
)
def test_without_the_library_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, module: str, make: Any, said: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError) as error:
        make([event(1)])
    assert str(error.value) == said
    assert make is to_arrow or to_pandas([event(1)]) is not None


def test_a_channel_and_a_widget_give_all_of_them(session: Session) -> None:
    channel = session.hub.channel("tables")
    channel.push({"a": 1})
    assert (
        channel.to_polars()["a"].to_list()
        == channel.to_arrow()["a"].to_pylist()
        == list(channel.to_pandas()["a"])
        == [1]
    )


def test_what_has_events_says_which() -> None:
    with pytest.raises(NotImplementedError):
        TableMixin().to_pandas()
