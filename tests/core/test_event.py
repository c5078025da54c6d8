"""Events and gaps: frozen, and impossible to build invalid."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap


def test_an_event_holds_what_it_was_given() -> None:
    event = Event({"a": [1, None]}, type="trade", id="e-7", time=1.5, channel="c")
    assert (event.data, event.type, event.id, event.time, event.channel) == ({"a": [1, None]}, "trade", "e-7", 1.5, "c")
    assert (event.epoch, event.sequence, event.json) == ("e", 7, b'{"a":[1,null]}')


def test_an_event_without_an_id_has_the_empty_one() -> None:
    assert Event(1).id == ""


def test_an_id_of_somebody_elses_is_kept_as_it_is() -> None:
    assert Event(1, id="whatever 17").id == "whatever 17"


def test_data_is_a_copy_of_what_was_given() -> None:
    data = {"a": [1]}
    event = Event(data)
    data["a"].append(2)
    assert event.data == {"a": [1]}


def test_an_event_is_frozen() -> None:
    event = Event(1)
    with pytest.raises(
        AttributeError,
        match=r"^an event is frozen: 'data' cannot be set; build a new one with sse_widget\.Event\(\.\.\.\)$",
    ):
        event.data = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"^an event is frozen: 'type' cannot be deleted$"):
        del event.type


@pytest.mark.parametrize(
    "bad",
    [{"type": "a\nb"}, {"type": "a\rb"}, {"type": "a\0b"}, {"id": "a\nb"}, {"id": "a\rb"}, {"id": "a\0b"}, {"id": "ä"}],
)
def test_characters_without_a_place_in_the_stream_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^expected an "):
        Event(1, **bad)


def test_events_compare_by_value() -> None:
    assert Event({"a": 1}, id="e-1") == Event({"a": 1}, id="e-1")
    assert Event({"a": 1}, id="e-1") != Event({"a": 1}, id="e-2")
    assert Event(1) != 1
    assert len({Event(1), Event(1), Event(2)}) == 2


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])  # noqa: S301
def test_an_event_can_be_copied_and_pickled(again: Any) -> None:
    event = Event({"a": 1}, type="t", id="e-4", time=3.0, channel="c")
    assert again(event) == event


def test_matching_gives_data_and_type() -> None:
    match Event({"a": 1}, type="trade"):
        case Event({"a": value}, "trade"):
            assert value == 1
        case _:
            pytest.fail("no match")


def test_repr_is_one_short_line() -> None:
    assert repr(Event({"a": 1}, id="e-1")) == """Event({"a":1}, type='message', id='e-1')"""
    assert len(repr(Event("x" * 10_000))) < 150


def test_size_grows_with_the_json() -> None:
    assert Event("x" * 100).size - Event("").size == 100


def test_a_gap_is_an_event_of_type_gap() -> None:
    gap = Gap.between(900, "c", Cursor("e", 901))
    assert (gap.lost, gap.type, gap.data, gap.id, gap.channel) == (900, "gap", {"lost": 900}, "e-901", "c")
    assert Gap.between(None, "c", Cursor("e", 0)).lost is None


def test_readers_cannot_change_an_event_for_each_other() -> None:
    event = Event({"a": [1]})
    event.data["a"].append(2)
    assert event.data == {"a": [1]}
