"""Text, without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sse_widget.widget.views.text import Text
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from tests.widget.views.conftest import MakeView

PRE = '<p><b>prices</b></p><pre style="white-space:pre-wrap">{}</pre>'


def test_the_snapshot_is_the_text(show: MakeView, prices: Channel) -> None:
    text = show(Text, "delta")
    assert snapshot_of(text) == PRE.format("")
    prices.push_many([{"delta": "<b>Hel"}, {"delta": "lo"}, {}, {"delta": None}, {"delta": [1]}, {"delta": 5}])
    assert snapshot_of(text) == PRE.format("&lt;b&gt;Hello5")
    text.separator = "\n"
    assert snapshot_of(text) == PRE.format("&lt;b&gt;Hel\nlo\n5")


def test_a_long_text_ends_with_its_end(show: MakeView, prices: Channel) -> None:
    text = show(Text)
    prices.push_many(["x" * 10_000, "the end"])
    assert snapshot_of(text) == PRE.format("…" + "x" * (6_000 - 7) + "the end")
