"""One number, without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import traitlets

from sse_widget.widget.views.metric import Metric
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from tests.widget.views.conftest import MakeView


@pytest.fixture
def metric(show: MakeView) -> Any:
    return lambda field="", **traits: show(Metric, field, **traits)


def test_its_title_is_the_field_unless_it_has_one(metric: Any) -> None:
    assert metric("quote.price").title == "quote.price"
    assert metric("price", title="Price").title == "Price"
    assert metric().title == "prices"


def test_thresholds_are_a_dict_or_pairs_and_become_pairs_in_order(metric: Any) -> None:
    assert metric(thresholds={"bad": 95, "good": 0, "warning": 80}).thresholds == [
        [0, "good"],
        [80, "warning"],
        [95, "bad"],
    ]
    assert metric(thresholds=[(20, "good"), (0, "bad"), (80, "bad")]).thresholds == [
        [0, "bad"],
        [20, "good"],
        [80, "bad"],
    ]
    assert metric().get_state()["thresholds"] == []


@pytest.mark.parametrize("wrong", [{"awful": 1}, {"bad": "1"}, {"bad": True}, [(float("nan"), "bad")], [1], 5])
def test_wrong_thresholds_are_answered_with_an_example(metric: Any, wrong: Any) -> None:
    with pytest.raises(traitlets.TraitError) as error:
        metric(thresholds=wrong)
    assert str(error.value) == (
        "expected thresholds of Metric such as {'good': 0, 'warning': 80, 'bad': 95}, "
        f"or pairs such as [(0, 'good'), (80, 'warning')], got {wrong!r}"
    )


def test_an_unknown_function_is_refused(metric: Any) -> None:
    with pytest.raises(traitlets.TraitError, match="median"):
        metric(function="median")


@pytest.mark.parametrize(
    ("traits", "shown"),
    [
        ({}, "<big>4.0</big>"),
        ({"digits": 2, "unit": "<USD>"}, "<big>4.00 &lt;USD&gt;</big>"),
        ({"function": "mean"}, "<big>3.0</big>"),
        ({"function": "min"}, "<big>1.5</big>"),
        ({"function": "max"}, "<big>4.0</big>"),
        ({"function": "sum"}, "<big>9.0</big>"),
        ({"function": "count"}, "<big>3.0</big>"),
    ],
)
def test_the_snapshot_shows_the_number_and_its_line(
    metric: Any, prices: Channel, traits: dict[str, Any], shown: str
) -> None:
    made = metric("p", **traits)
    assert snapshot_of(made).startswith("<p><b>p</b>: <big>no number yet")
    assert "<svg" not in snapshot_of(made)
    prices.push_many([{"p": 1.5}, {"p": 3.5}, {"p": "x"}, {"p": 4.0}])
    text = snapshot_of(made)
    assert shown in text
    assert '<path d="M0.0 30.0L80.0 7.6L160.0 2.0"' in text


def test_without_a_field_the_snapshot_of_a_count_counts_events(metric: Any, prices: Channel) -> None:
    made = metric(function="rate", sparkline=False)
    prices.push_many(["a", "b"])
    assert snapshot_of(made) == "<p><b>prices</b>: <big>2 events</big></p>"
