"""Anything a notebook holds, as JSON; and what is not possible, by type and path."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sse_widget.core.json import from_json, to_json


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Side(enum.Enum):
    BUY = "buy"


UUID = uuid.UUID(int=7)
DAY = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": [1, 2.5, "ä", None, True]}, {"a": [1, 2.5, "ä", None, True]}),
        (np.float64(1.5), 1.5),
        (np.int32(7), 7),
        (np.bool_(1), True),
        (np.arange(3), [0, 1, 2]),
        (np.arange(6).reshape(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
        (Point(1.0, 2.0), {"x": 1.0, "y": 2.0}),
        (Side.BUY, "buy"),
        (UUID, str(UUID)),
        (DAY, "2026-11-22T00:00:00+00:00"),
        (pd.Timestamp("2026-11-22T00:00:00Z"), "2026-11-22T00:00:00+00:00"),
        (dt.date(2026, 11, 22), "2026-11-22"),
        ((1, 2), [1, 2]),
        ({1: "a", None: 2}, {"1": "a", "null": 2}),
        ([float("nan"), float("inf"), -float("inf")], [None, None, None]),
        ("line\r\n\u2028\0end", "line\r\n\u2028\0end"),
    ],
)
def test_what_a_notebook_holds_can_be_pushed(data: Any, expected: object) -> None:
    text = to_json(data)
    assert from_json(text) == expected
    assert b"\n" not in text
    assert b"\r" not in text


HINT = "; push numbers, strings, lists, dicts, None, bool, NumPy values, datetimes, dataclasses or UUIDs"
LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (len, f"got builtin_function_or_method at data{HINT}"),
        ({"a": [1, {"b": object()}]}, f"got object at data['a'][1]['b']{HINT}"),
        ({"a": {1, 2}}, f"got set at data['a']{HINT}"),
        ([2**64], "got an int of 65 bits (at most 64) at data[0]"),
        ({"a": "\ud800"}, "got a str with a lone surrogate at data['a']"),
        ({(1, 2): 3}, "got a key of type tuple at data[(1, 2)]"),
        ([np.array([object()])], f"got numpy.ndarray at data[0]{HINT}"),
    ],
)
def test_what_cannot_is_named_with_its_path(data: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        to_json(data)
    assert str(caught.value) == f"expected data that JSON can hold, {message}"


def test_data_inside_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="data nested more than 250 levels deep"):
        to_json(LOOP)
