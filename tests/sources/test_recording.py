"""A channel into a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.errors import ChannelClosed, WaitTimeout
from tests.conftest import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_what_is_pushed_is_written_one_object_a_line_until_the_stop(channel: Channel, path: Path) -> None:
    channel.push("before")
    recording = channel.record(path)
    events = [channel.push({"a": [1, "é\u2028"]}), channel.push(2, type="trade")]
    gap = channel.announce(5)
    recording.stop()
    recording.stop()
    channel.push("after")
    assert lines(path) == [
        {"id": events[0].id, "time": events[0].time, "type": "message", "data": {"a": [1, "é\u2028"]}},
        {"id": events[1].id, "time": events[1].time, "type": "trade", "data": 2},
        {"id": gap.id, "time": gap.time, "type": "gap", "data": {"lost": 5}},
    ]
    assert (recording.state, recording.error, recording.path, recording.result(0)) == ("stopped", None, path, 2)
    assert recording.stats() == ("stopped", 2, 5, path.stat().st_size)
    assert repr(recording) == "<Recording of 'c' into 'session.jsonl': stopped, 2 events>"
    assert channel.stats().readers == []


def test_the_history_can_be_the_beginning(channel: Channel, path: Path) -> None:
    channel.push_many(range(5))
    with channel.record(str(path), after="oldest"):
        channel.push(5)
    assert [line["data"] for line in lines(path)] == list(range(6))


def test_it_is_there_as_soon_as_the_reader_has_it(channel: Channel, path: Path) -> None:
    with channel.record(path):
        channel.push(1)
        channel.drain(5)
        eventually(lambda: len(lines(path)) == 1)


def test_many_events_are_all_written_in_order(channel: Channel, path: Path) -> None:
    with channel.record(path):
        for number in range(30_000):
            channel.push(number)
    assert [line["data"] for line in lines(path)] == list(range(30_000))


def test_the_end_of_the_channel_or_the_session_is_its_end_and_nothing_is_missing(
    session: Session, channel: Channel, path: Path
) -> None:
    recording = channel.record(path)
    other = session.hub.channel("other").record(path.with_name("other"))
    channel.push_many(range(1000))
    channel.close()
    assert recording.result(5) == 1000
    assert recording.state == "done"
    session.hub.channel("other").push(1)
    session.close()
    assert (other.state, len(lines(other.path))) == ("stopped", 1)


def test_a_recorder_that_falls_behind_writes_its_gap(session: Session, path: Path) -> None:
    channel = session.hub.channel("c", history=10)
    first = channel.push(0)
    channel.push_many(range(1, 100))
    with channel.record(path, after=first.id) as recording:
        pass
    assert lines(path)[0]["data"] == {"lost": 89}
    assert lines(path)[0]["time"] > first.time
    assert recording.stats()[1:3] == (10, 89)


def test_a_file_that_is_there_is_not_overwritten_unawares(channel: Channel, path: Path) -> None:
    path.write_text("precious")
    message = f"expected no file {str(path)!r}, got one; pass overwrite=True to lose what it holds"
    with pytest.raises(FileExistsError, match=f"^{re.escape(message)}$"):
        channel.record(path)
    assert path.read_text() == "precious"
    with channel.record(path, overwrite=True):
        channel.push(1)
    assert len(lines(path)) == 1


def test_the_file_is_bounded_and_holds_whole_lines(channel: Channel, path: Path) -> None:
    recording = channel.record(path, max_bytes=1000)
    channel.push_many({"pad": "x" * 50} for _ in range(20))
    recording.wait(5)
    assert recording.state == "full"
    assert 800 < path.stat().st_size <= 1000
    assert len(lines(path)) == recording.result(0)


def test_a_disk_that_does_not_take_it_is_an_error_that_is_kept(channel: Channel) -> None:
    recording = channel.record("/dev/full", overwrite=True)
    channel.push(1)
    with pytest.raises(OSError, match="No space left"):
        recording.result(5)
    assert recording.state == "failed"
    assert "No space left" in repr(recording)


def test_arguments_are_checked_before_anything_is_made(channel: Channel, path: Path) -> None:
    with pytest.raises(ValueError, match=r"^expected max_bytes of at least 1, got 0$"):
        channel.record(path, max_bytes=0)
    with pytest.raises(ValueError, match=r"^expected an event, an event id, 'oldest' or 'newest', got 'x'$"):
        channel.record(path.with_name("other"), after="x")
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.record(path.with_name("third"))
    assert not path.exists()


def test_a_wait_that_takes_too_long_says_what_ends_it(channel: Channel, path: Path) -> None:
    with channel.record(path) as recording, pytest.raises(WaitTimeout, match=r"stop\(\) ends it$"):
        recording.wait(0.01)


CRASH = """
import os, sys, sse_widget
channel = sse_widget.channel("c")
recording = channel.record(sys.argv[1])
for number in range(5000):
    channel.push(number)
channel.drain(10)
while recording.stats().events < 5000:
    pass
os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_has_written_what_the_recording_says(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], timeout=20, check=False)  # noqa: S603 - ours
    assert done.returncode == -9
    assert [line["data"] for line in lines(path)] == list(range(5000))
