"""A table, without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import traitlets

from sse_widget.widget.views.table import Table
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from tests.widget.views.conftest import MakeView


def test_columns_are_a_list_of_paths(show: MakeView) -> None:
    assert show(Table, ["a", "b.c"]).get_state()["columns"] == ["a", "b.c"]
    assert show(Table, ("a",)).columns == ["a"]
    with pytest.raises(TypeError) as error:
        show(Table, "price")
    assert str(error.value) == "expected columns to be a list of paths, got 'price'; write columns=['price']"


@pytest.mark.parametrize("text", [".2f", ",.0f", "f", ".1%", ".3g", "time", "datetime"])
def test_formats_are_those_the_page_knows(show: MakeView, text: str) -> None:
    assert show(Table, formats={"a": text}).formats == {"a": text}


@pytest.mark.parametrize("text", ["", "2f", "d", ".200f", "times", ".2f "])
def test_a_format_that_the_page_does_not_know_is_refused(show: MakeView, text: str) -> None:
    with pytest.raises(traitlets.TraitError) as error:
        show(Table, formats={"a": text})
    assert str(error.value) == (
        f"expected a format such as '.2f', ',.0f', '.1%', '.3g', 'time' or 'datetime' for 'a', got {text!r}"
    )


def test_the_snapshot_is_newest_first_with_the_columns_found(show: MakeView, prices: Channel) -> None:
    table = show(Table)
    prices.push_many([{"a": 1}, {"a": "<b>", "c": [1]}, 7])
    assert snapshot_of(table) == (
        "<p><b>prices</b>: 3 rows of 3 events</p><table><tr><th>a</th><th>c</th><th>value</th></tr>"
        "<tr><td>–</td><td>–</td><td>7</td></tr>"
        "<tr><td>&lt;b&gt;</td><td>[1]</td><td>–</td></tr>"
        "<tr><td>1</td><td>–</td><td>–</td></tr></table>"
    )


def test_the_snapshot_has_a_row_for_each_key(show: MakeView, prices: Channel) -> None:
    table = show(Table, ["s", "n"], key="s")
    prices.push_many([{"s": "A", "n": 1}, {"s": "B", "n": 2}, {"s": "A", "n": 3}])
    assert snapshot_of(table).endswith(
        "<table><tr><th>s</th><th>n</th></tr><tr><td>A</td><td>3</td></tr><tr><td>B</td><td>2</td></tr></table>"
    )
