"""A recording, as a channel."""

from __future__ import annotations

import json
import math
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

import sse_widget
from sse_widget import session as session_module
from sse_widget.core.event import Gap
from sse_widget.outside import replay
from sse_widget.sources.replay import MAX_LINE_BYTES
from tests.conftest import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


@pytest.fixture(autouse=True)
def here(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "current", lambda: session)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def line(data: Any, seconds: float = 0.0, type_: str = "message") -> bytes:
    return json.dumps({"id": "e-1", "time": seconds, "type": type_, "data": data}).encode() + b"\n"


def read(channel: Channel) -> list[Any]:
    return [f"gap {item.lost}" if isinstance(item, Gap) else item.data for item in channel.since(f"{channel.epoch}-0")]


def result(channel: Channel) -> int:
    assert channel.source is not None
    return channel.source.result(10)


def test_what_was_recorded_comes_again_gaps_and_types_included(session: Session, path: Path) -> None:
    channel = session.hub.channel("c")
    with channel.record(path):
        channel.push({"a": 1}, type="trade")
        channel.announce(7)
        channel.announce(None)
        channel.push("é\u2028")
    again = replay(path, speed=math.inf)
    assert result(again) == 2
    assert read(again) == [{"a": 1}, "gap 7", "gap None", "é\u2028"]
    assert [event.type for event in again.history] == ["trade", "message"]
    assert (again.name, again.closed) == ("session.jsonl", True)
    assert repr(again.source) == "<Replay of 'session.jsonl' into 'session.jsonl': done, 2 events>"


def test_ten_thousand_events_come_again_in_order(session: Session, path: Path) -> None:
    channel = session.hub.channel("c")
    with channel.record(path):
        channel.push_many(range(10_000))
    assert result(replay(str(path), math.inf)) == 10_000
    again = replay(path, math.inf)
    result(again)
    assert read(again) == list(range(10_000))


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_it_takes_the_time_it_took(path: Path, speed: float) -> None:
    # What goes back in time does not wait, and is not left out.
    path.write_bytes(line(1, 100.0) + line(2, 100.2) + line(3, 99.0) + line(4, 100.4))
    begin = time.monotonic()
    assert result(replay(path, speed)) == 4
    assert time.monotonic() - begin >= 0.4 / speed


def test_a_replay_that_waits_can_be_stopped(path: Path) -> None:
    path.write_bytes(line(1, 0) + line(2, 3600))
    channel = replay(path)
    assert channel.source is not None
    eventually(lambda: read(channel) == [1])
    channel.source.stop()
    assert (channel.source.state, result(channel), channel.closed) == ("stopped", 1, False)


def test_running_the_cell_again_begins_anew(path: Path) -> None:
    path.write_bytes(line(1, 0) + line(2, 3600))
    first = replay(path)
    eventually(lambda: read(first) == [1])
    second = replay(path)
    assert (first.closed, second.closed, second is first) == (True, False, False)
    eventually(lambda: read(second) == [1])
    second.close()  # ends the replay, too
    assert second.source is not None
    assert second.source.state == "stopped"


def test_a_channel_that_is_not_its_own_stays_open(session: Session, path: Path) -> None:
    path.write_bytes(line(1))
    mine = session.hub.channel("mine")
    assert replay(path, into=mine) is mine
    result(mine)
    assert (read(mine), mine.closed) == ([1], False)
    assert replay(path, into="mine") is mine
    result(mine)


def test_a_last_line_that_was_cut_off_is_left_out_with_a_warning(path: Path) -> None:
    whole = line(1) + line(2)
    for end in range(len(line(1)) + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        size = end - len(line(1))
        message = f"the last line of 'session.jsonl' was cut off after {size} bytes; all before it is replayed"
        with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
            channel = replay(path, math.inf)
        assert caught[0].filename == __file__
        assert result(channel) == 1
        assert read(channel) == [1]


def test_a_last_line_without_its_end_that_is_whole_is_a_line(path: Path) -> None:
    path.write_bytes(line(1) + line(2).rstrip())
    assert result(replay(path, math.inf)) == 2


def test_an_empty_file_is_a_recording_of_nothing(path: Path) -> None:
    path.write_bytes(b"")
    assert result(replay(path)) == 0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{\n", "unexpected end of data"),
        (b"\n", "input data is empty"),
        (b"[]\n", "it is no object with 'time', 'type' and 'data'"),
        (b'{"time": 1, "data": 1}\n', "it is no object with 'time', 'type' and 'data'"),
        (line(1, -1), "its time is -1"),
        (line(1, 1e15), "its time is 1000000000000000.0"),
        (b'{"time": true, "type": "a", "data": 1}\n', "its time is True"),
        (line(1, type_=""), "expected an event type of 1 to 100 characters, got 0"),
        (b'{"time": 1, "type": 5, "data": 1}\n', "expected an event type as str, got 5"),
        (line(1, type_="ended"), "its type is 'ended'"),
        (line({"lost": 0}, type_="gap"), "its gap is {'lost': 0}"),
        (line(1, type_="gap"), "its gap is 1"),
    ],
    ids=[f"case {number}" for number in range(12)],
)
def test_any_other_bad_line_is_an_error_that_names_it(path: Path, bad: bytes, why: str) -> None:
    path.write_bytes(line(1) + bad + line(3))
    channel = replay(path, math.inf)
    with pytest.raises(ValueError, match=f"^expected a record in line 2 of 'session.jsonl': .*{re.escape(why)}"):
        result(channel)
    assert (read(channel), channel.closed) == ([1], False)
    assert "line 2" in channel.trouble


def test_a_last_line_that_is_json_but_no_record_is_an_error_though_it_has_no_end(path: Path) -> None:
    path.write_bytes(line(1) + b"5")
    with pytest.raises(ValueError, match="line 2"):
        result(replay(path, math.inf))


def test_a_line_that_does_not_end_is_not_read_into_memory(path: Path) -> None:
    path.write_bytes(line(1) + b'"' + b"x" * (MAX_LINE_BYTES + 10) + b'"\n')
    with pytest.raises(ValueError, match=f"^expected at most {MAX_LINE_BYTES} bytes in line 2 of 'session.jsonl'"):
        result(replay(path, math.inf))


def test_arguments_are_checked_at_once(session: Session, path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replay(path)
    path.write_bytes(line(1))
    for speed in (0, -1, math.nan):
        with pytest.raises(ValueError, match=r"^expected speed to be positive, got"):
            replay(path, speed)
    assert session.hub.channels() == []


def test_a_channel_can_be_pumped_into_another_with_its_losses(session: Session) -> None:
    one, two = session.hub.channel("one"), session.hub.channel("two")
    one.push(1)
    one.announce(3)
    one.push(2)
    pump = two.pump(one.subscribe(after="oldest"))
    one.close()
    assert pump.result(5) == 2
    assert read(two) == [1, "gap 3", 2]


def test_it_is_public() -> None:
    assert sse_widget.replay is replay
