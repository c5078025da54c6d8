"""What is true of every view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sse_widget as sse
from sse_widget.widget.views import VIEWS
from tests.widget.page import Page, sent
from tests.widget.views.conftest import snapshot_of

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session
    from sse_widget.widget.widget import SSEWidget
    from tests.widget.conftest import MakeWidget
    from tests.widget.views.conftest import MakeView

EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(params=VIEWS, ids=lambda view: view.__name__)
def view(request: pytest.FixtureRequest, show: MakeView) -> SSEWidget:
    return show(request.param)


def test_every_view_has_a_name_of_its_own_and_is_public() -> None:
    names = [view._view.default_value for view in VIEWS]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    assert all(getattr(sse, view.__name__) is view for view in VIEWS)


def test_a_view_tells_the_page_which_it_is(view: SSEWidget) -> None:
    assert view.get_state()["_view"] == type(view)._view.default_value  # type: ignore[attr-defined]


def test_a_view_receives_as_any_widget_does(view: SSEWidget, session: Session) -> None:
    seen: list[Any] = []
    view.on(callback=lambda event: seen.append(event.data), thread=True)
    page = Page(session, view)
    page.gets({"price": 1}, {"price": 2})
    assert view.count == 2
    assert view.data == {"price": 2}
    assert [event.data for event in view.events] == [{"price": 1}, {"price": 2}]
    assert repr(view) == f"<{type(view).__name__} on 'prices': open, 2 events, 0 lost>"


def test_an_unknown_keyword_names_the_nearest_one(prices: Channel, make: MakeWidget) -> None:  # noqa: ARG001
    for view in VIEWS:
        with pytest.raises(TypeError) as error:
            view(prices, titel="x")
        assert str(error.value) == f"{view.__name__} got an unexpected keyword 'titel'; did you mean 'title'?"


def test_a_snapshot_of_any_data_is_small_and_has_no_markup_of_others(view: SSEWidget, prices: Channel) -> None:
    view.title = EVIL
    assert len(snapshot_of(view).encode()) < 50_000
    assert "<img" not in snapshot_of(view)
    for data in (EVIL, {EVIL: EVIL}, {"price": EVIL}, None, True, [1], {"price": float("inf")}, 1e308, -1e308):
        prices.push_many([data] * 3, type=EVIL)
        assert "<img" not in snapshot_of(view)
        assert "<script" not in snapshot_of(view)
    prices.push_many([{EVIL * 50: EVIL * 200}] * 2000)
    assert len(snapshot_of(view).encode()) < 50_000
    assert "bearer" not in snapshot_of(view)


def test_a_late_page_gets_every_event_if_the_view_shows_all(view: SSEWidget, session: Session) -> None:
    page = Page(session, view)
    page.gets(*range(2_000))
    view._take_message(view, {"kind": "hello", "page": "late"}, [])
    start = sent(view, "welcome")[-1]
    expected = 0 if view._shows_all else 1_500
    assert start["start"] == f"{page.channel.epoch}-{expected}"
    assert start["count"] == expected
