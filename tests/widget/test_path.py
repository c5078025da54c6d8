"""Where a view finds its values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.event import Event
from sse_widget.widget.path import number_at, value_at


@pytest.mark.parametrize(
    ("data", "path", "value"),
    [
        ({"price": 1}, "price", 1),
        ({"quote": {"price": 2}}, "quote.price", 2),
        ({"quote.price": 3, "quote": {"price": 2}}, "quote.price", 3),
        ({"bids": [{"p": 4}]}, "bids.0.p", 4),
        ([5, 6], "1", 6),
        ([5, 6], "2", None),
        ([5, 6], "²", None),
        (7, "", 7),
        ({"price": 1}, "price.cents", None),
        (None, "price", None),
        ({}, "time", 1.5),
        ({"time": 8}, "time", 8),
        (9, "type", "trade"),
        ({}, "id", "e-1"),
    ],
)
def test_a_path_leads_to_a_value(data: Any, path: str, value: Any) -> None:
    assert value_at(Event(data, "trade", "e-1", 1.5), path) == value


@pytest.mark.parametrize(("data", "number"), [(1, 1), (2.5, 2.5), (True, None), ("1", None), (None, None), ([1], None)])
def test_only_a_number_is_a_number(data: Any, number: float | None) -> None:
    assert number_at(Event(data), "") == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON, st.text(max_size=6))
def test_whatever_comes_and_wherever_one_looks_nothing_is_raised(data: Any, path: str) -> None:
    value_at(Event(data), path)
    number_at(Event(data), path)
