"""Lines, without a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import traitlets

from sse_widget.widget.views.line_chart import LineChart
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from tests.widget.views.conftest import MakeView


def paths(text: str) -> list[str]:
    return re.findall(r'<path d="([^"]*)"', text)


def test_y_is_a_path_or_several(show: MakeView) -> None:
    assert show(LineChart).get_state()["y"] == [""]
    assert show(LineChart, "time", "price", "symbol").y == ["price"]
    made = show(LineChart, x="time", y=["bid", "ask"], by="symbol")
    assert (made.x, made.y, made.by) == ("time", ["bid", "ask"], "symbol")


@pytest.mark.parametrize("wrong", [{"points": 1}, {"points": 100_001}, {"seconds": 0}, {"y": []}, {"y": [1]}])
def test_a_window_without_end_or_beginning_is_refused(show: MakeView, wrong: dict[str, Any]) -> None:
    with pytest.raises(traitlets.TraitError, match=next(iter(wrong))):
        show(LineChart, **wrong)


def test_the_snapshot_draws_each_line(show: MakeView, prices: Channel) -> None:
    chart = show(LineChart, "x", ["a", "b"])
    assert snapshot_of(chart) == "<p><b>prices</b>: 0 events</p><p>no numbers yet</p>"
    prices.push_many([{"x": 0, "a": 1, "b": 3}, {"x": 1, "a": 2, "b": 2}, {"x": 4, "a": 3, "b": 1}, {"x": "?", "a": 9}])
    text = snapshot_of(chart)
    assert paths(text) == ["M0.0 236.0L160.0 120.0L640.0 4.0", "M0.0 4.0L160.0 120.0L640.0 236.0"]
    assert "</span> a <span" in text
    assert "from 1 to 3" in text


def test_the_snapshot_has_a_line_for_each_key_and_breaks_at_what_is_no_number(show: MakeView, prices: Channel) -> None:
    chart = show(LineChart, "x", "y", "s")
    prices.push_many([{"x": at, "y": None if at == 2 else at, "s": "A<"} for at in range(5)])
    prices.push({"x": 0, "y": 0, "s": "B"})
    text = snapshot_of(chart)
    assert paths(text) == ["M0.0 236.0L160.0 178.0M480.0 62.0L640.0 4.0", "M0.0 236.0"]
    assert "A&lt;" in text
    chart.y = ["y", "z"]
    assert "A&lt; z" in snapshot_of(chart)


def test_x_may_be_a_time(show: MakeView, prices: Channel) -> None:
    chart = show(LineChart, "at", "y")
    prices.push_many([{"at": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), "y": second} for second in (0, 5, 10)])
    assert paths(snapshot_of(chart)) == ["M0.0 236.0L320.0 120.0L640.0 4.0"]


def test_without_x_it_is_when_the_event_was_pushed(show: MakeView, prices: Channel) -> None:
    chart = show(LineChart)
    prices.push_many([1, 2])
    assert len(paths(snapshot_of(chart))) == 1
    assert "value" in snapshot_of(chart)


def test_many_points_and_lines_make_a_small_picture(show: MakeView, prices: Channel) -> None:
    chart = show(LineChart, "x", "y", "s")
    prices.push_many([{"x": at, "y": at % 97 + 0.123456, "s": f"{at % 20}" + "&" * 200} for at in range(10_000)])
    text = snapshot_of(chart)
    assert len(paths(text)) == 8
    assert len(text.encode()) < 50_000
    assert all(path.count("L") >= 200 for path in paths(text))
