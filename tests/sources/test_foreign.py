"""What pages read of other people's streams: once, in order, or its loss is announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.server.batch import check_batch
from sse_widget.sources import foreign as module

if TYPE_CHECKING:
    from sse_widget.session import Session
    from sse_widget.sources.foreign import Foreign

URL = "https://example.org/events"


@pytest.fixture
def source(session: Session) -> Foreign:
    return session.foreign.open(URL, ["tick"], credentials=False)


def said(session: str, n: int, *rows: list[str]) -> dict[str, Any]:
    return {"session": session, "n": n, "events": list(rows)}


def events(*ids: int) -> list[list[str]]:
    return [[str(id_), "message", str(id_)] for id_ in ids]


def bare(*data: str) -> list[list[str]]:
    return [["", "tick", text] for text in data]


def log_of(source: Foreign) -> list[Any]:
    return [
        ("gap", event.data["lost"]) if event.type == "gap" else event.data
        for event in source.channel.log.after(0).items
    ]


def test_a_batch_that_comes_again_is_taken_once(source):
    assert source.take("p", said("s", 0)) == 0
    for _ in range(3):
        assert source.take("p", said("s", 1, ["anew"], *bare("1", "{not json"))) == 1
    assert source.take("p", said("s", 2, *bare("1"))) == 2
    assert source.take("p", said("s", 1, ["anew"], *bare("1"))) == 2
    assert log_of(source) == [1, "{not json", 1]


def test_one_page_leads_until_it_leaves(source):
    assert source.take("p", said("s", 0)) == 0
    assert source.take("q", said("t", 0)) is None
    source.page_left("q")
    assert source.take("q", said("t", 0)) is None
    source.page_left("p")
    assert source.take("q", said("t", 0)) == 0
    assert source.take("p", said("s", 1, ["anew"], *bare("1"))) is None
    assert log_of(source) == []


def test_a_leader_whose_stream_was_cut_goes_on_where_it_was(source):
    source.take("p", said("s", 1, ["anew"], *bare("1")))
    source.page_left("p")
    assert source.take("p", said("s", 2, *bare("2"))) == 2
    assert log_of(source) == [1, 2]


def test_a_leader_that_says_nothing_loses_the_lead(source, monkeypatch):
    source.take("p", said("s", 0))
    monkeypatch.setattr(module, "LEASE_S", -1.0)
    assert source.take("q", said("t", 0)) == 0
    assert source.take("q", said("u", 7)) is None


def test_another_leader_without_ids_announces_a_gap(source):
    source.take("p", said("s", 1, ["anew"], *bare("1")))
    source.page_left("p")
    source.take("q", said("t", 1, ["anew"], *bare("5")))
    assert log_of(source) == [1, ("gap", None), 5]


def test_what_another_leader_has_delivered_is_left_out_and_nothing_was_lost(source):
    source.take("p", said("s", 1, ["anew"], *events(1, 2, 3)))
    source.page_left("p")
    source.take("q", said("t", 1, ["anew"], *events(2, 3, 4)))
    assert log_of(source) == [1, 2, 3, 4]


def test_another_leader_who_begins_later_announces_a_gap(source):
    source.take("p", said("s", 1, ["anew"], *events(1, 2, 3, 4, 5)))
    source.page_left("p")
    source.take("q", said("t", 1, ["anew"], *events(9, 10)))
    assert log_of(source) == [1, 2, 3, 4, 5, ("gap", None), 9, 10]


@pytest.mark.parametrize(("rows", "gaps"), [(events(1), []), (bare("1"), [("gap", None)])])
def test_a_reconnect_of_the_browser_resumes_with_ids_only(source, rows, gaps):
    source.take("p", said("s", 1, ["anew"], *rows, ["again"], ["2", "tick", "2"]))
    assert log_of(source) == [1, *gaps, 2]


def test_what_is_too_large_is_announced(source):
    source.take("p", said("s", 1, ["anew"], ["lost"], ["1", "message", '"' + "x" * (1 << 20) + '"'], *events(2)))
    assert log_of(source) == [("gap", 1), ("gap", 1), 2]


def test_reserved_types_are_renamed_and_a_closed_channel_takes_nothing(session, source):
    source.take("p", said("s", 1, ["anew"], ["", "gap", "1"]))
    assert [event.type for event in source.channel.history] == ["upstream-gap"]
    assert session.channel(source.channel.name) is source.channel
    assert source.channel not in session.channels()
    session.foreign.close(source.channel)
    session.foreign.close(source.channel)
    assert source.take("p", said("s", 2, *bare("1"))) == 2
    assert session.channel(source.channel.name) is None
    assert session.foreign.take(source.channel, "p", {}) == {}


def test_an_address_needs_a_host(session):
    with pytest.raises(ValueError, match="expected the address of a stream"):
        session.foreign.open("https://", [], credentials=False)


@pytest.mark.parametrize(
    "bad",
    [
        7,
        {"n": 1},
        {"session": "", "n": 1},
        {"session": "s", "n": -1},
        {"session": "s", "n": True},
        {"session": "s", "n": 1, "events": {}},
        {"session": "s", "n": 1, "events": [["x"]]},
        {"session": "s", "n": 1, "events": [["1", "message", 2]]},
        {"session": "s", "n": 1, "events": [["", "message", ""]] * 1001},
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(bad):
    with pytest.raises(ValueError, match="foreign"):
        check_batch({"feeds": {"f": {"foreign": bad}}})


def test_a_sound_batch_passes():
    check_batch({"feeds": {"f": {"foreign": said("s", 1, ["anew"], ["1", "message", "x"])}}})
