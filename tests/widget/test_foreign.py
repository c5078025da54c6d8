"""`SSEWidget("https://…")`: what pages are told, and what comes of what they have read."""

from __future__ import annotations

import pytest

from sse_widget.widget import foreign as module
from tests.widget.page import sent

URL = "https://example.org/events"


@pytest.fixture(autouse=True)
def _here(session, monkeypatch):
    monkeypatch.setattr(module, "current", lambda: session)


def test_pages_are_told_what_to_read(make, session):
    widget = make(URL, types=["tick"], credentials=True)
    welcome = sent(widget, "welcome")[-1]
    assert welcome["foreign"] == {"url": URL, "types": ["tick"], "credentials": True}
    assert widget.title == URL
    status = {"n": 1, "state": "open", "foreign": {"session": "s", "n": 1, "events": [["anew"], ["", "tick", "7"]]}}
    answer = session.received("p", {"feeds": {widget.model_id: status}})
    assert answer["feeds"][widget.model_id]["foreign"] == 1
    channel = session.channel(welcome["channel"])
    assert [event.data for event in channel.history] == [7]
    session.page_left("p")
    widget.close()
    assert channel.closed
    assert session.channel(welcome["channel"]) is None


def test_mistakes_are_told(make):
    with pytest.raises(TypeError, match="only with an address"):
        make(types=["tick"])
    with pytest.raises(TypeError, match="one or several event types"):
        make(URL, types=[1])
    assert sent(make(URL, types="tick"), "welcome")[-1]["foreign"]["types"] == ["tick"]
