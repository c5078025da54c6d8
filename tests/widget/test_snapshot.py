"""What a saved notebook shows where no kernel runs."""

from __future__ import annotations

import pytest

from sse_widget.core.event import Event
from sse_widget.widget.snapshot import snapshot


def event(data: object, type_: str = "message") -> Event:
    return Event(data, type_, "e-1", 1_700_000_000.25, "c")


def test_without_events_it_says_so() -> None:
    assert snapshot("prices", [], 0) == "<p><b>prices</b>: no events yet. The live log needs a running kernel.</p>"


def test_each_event_is_a_row_with_its_time_type_and_json() -> None:
    text = snapshot("prices", [event({"a": 1}, "trade")], 7)
    assert text.startswith("<p><b>prices</b>: the last 1 of 7 events</p><table><tr><td style=")
    assert ">2023-11-14 22:13:20.250 UTC</td>" in text
    assert ">trade</td>" in text
    assert ">{&quot;a&quot;:1}</td></tr></table>" in text


def test_only_the_last_twenty_are_shown() -> None:
    text = snapshot("prices", [event(number) for number in range(100)], 500)
    assert text.startswith("<p><b>prices</b>: the last 20 of 500 events</p>")
    assert text.count("<tr>") == 20
    assert ">80</td>" in text
    assert ">79</td>" not in text


def test_long_data_is_cut() -> None:
    text = snapshot("prices", [event("x" * 1000)], 1)
    assert "x" * 198 + "…" in text
    assert "x" * 199 not in text


def test_data_type_and_title_are_text_and_nothing_else() -> None:
    evil = "<img src=x onerror=alert(1)>\"'&"
    text = snapshot(evil, [event(evil, evil)], 1)
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 3


@pytest.mark.parametrize("character", ["'", '"', "&", "<", "\x01", "🙂", "é"])
def test_it_is_never_larger_than_50_kb(character: str) -> None:
    long = character * 100_000
    type_ = character * 100
    text = snapshot(long, [event(long, type_)] * 100, 10**15)
    assert len(text.encode()) < 50_000
