"""Bars, without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import traitlets

from sse_widget.widget.views.progress import Progress
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from tests.widget.views.conftest import MakeView


def test_the_total_is_a_path_or_a_number(show: MakeView) -> None:
    assert show(Progress).get_state()["total"] == "total"
    assert show(Progress, total=100).get_state()["total"] == 100.0
    with pytest.raises(traitlets.TraitError, match="total"):
        show(Progress, total=[1])


def test_the_snapshot_shows_each_bar_as_it_is(show: MakeView, prices: Channel) -> None:
    progress = show(Progress, by="file")
    assert snapshot_of(progress) == "<p><b>prices</b></p><table></table>"
    prices.push_many(
        [
            {"file": "a<b", "value": 1, "total": 4},
            {"file": "c", "value": 2},
            {"file": "a<b", "value": 3, "status": "failed"},
            {"file": "d"},
        ]
    )
    assert snapshot_of(progress) == (
        "<p><b>prices</b></p><table>"
        '<tr><td>a&lt;b</td><td><progress value="3" max="4"></progress></td><td>3 of 4 failed</td></tr>'
        "<tr><td>c</td><td></td><td>2</td></tr>"
        "<tr><td>d</td><td></td><td></td></tr>"
        "</table>"
    )


def test_without_a_key_there_is_one_bar(show: MakeView, prices: Channel) -> None:
    progress = show(Progress, value="", total=10)
    prices.push_many([1, 5])
    assert '<tr><td>prices</td><td><progress value="5" max="10"></progress></td><td>5 of 10</td></tr>' in snapshot_of(
        progress
    )
