"""`replay`: a recording, as a channel.

It is a pump whose source is the file, and waits before each event until it is due; `stop` ends such a wait. A recording
that was cut off ends in half a line: that alone is left out, with a warning. All else that is no record is an error
that names its line, and nothing behind it is pushed.
"""

from __future__ import annotations

import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, Final

import orjson

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import MAX_LOST, RESERVED_TYPES, Event, Gap
from sse_widget.core.wire import check_type
from sse_widget.sources.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sse_widget.hub.channel import Channel

__all__ = ["Replay"]

MAX_LINE_BYTES: Final = 4 << 20
_MAX_TIME_S: Final = 253_402_300_800.0  # the year 10000


class Replay(Pump):
    """What `replay` leaves as `Channel.source`.

    Parameters
    ----------
    own_channel : bool
        The channel ends with the recording.
    """

    def __init__(self, channel: Channel, path: Path, speed: float, *, own_channel: bool) -> None:
        super().__init__(channel, "message")
        self.path = path
        self.speed = speed
        self._own_channel = own_channel
        self._stopped = threading.Event()
        self._interrupt = self._stopped.set

    def read(self) -> Iterator[Event]:
        """Give each record when it is due."""
        begin = time.monotonic()
        first_s: float | None = None
        for seconds, event in records(self.path):
            if first_s is None:
                first_s = seconds
            due_s = (seconds - first_s) / self.speed
            left_s = begin + due_s - time.monotonic()
            if left_s > 0 and self._stopped.wait(left_s):
                return
            yield event

    def _has_ended(self) -> None:
        if self.state == "done" and self._own_channel:
            self.channel.close()

    def __repr__(self) -> str:
        return super().__repr__().replace("<Pump into", f"<Replay of {self.path.name!r} into", 1)


def records(path: Path) -> Iterator[tuple[float, Event]]:
    """Read a recording: the time of each record [s since 1970], and the event or gap.

    Raises
    ------
    ValueError
        If a line is no record; the last one may be cut off.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise ValueError(f"expected at most {MAX_LINE_BYTES} bytes in line {number} of {path.name!r}, got more")
            try:
                record = _record(orjson.loads(line))
            except (ValueError, TypeError) as error:
                if not line.endswith(b"\n") and isinstance(error, orjson.JSONDecodeError):
                    return  # cut off: `warn_of_a_cut` has said so
                raise ValueError(f"expected a record in line {number} of {path.name!r}: {error}") from None
            yield record


def _record(content: Any) -> tuple[float, Event]:
    if not isinstance(content, dict) or not {"time", "type", "data"} <= set(content):
        raise ValueError("it is no object with 'time', 'type' and 'data'")
    seconds, type_, data = content["time"], content["type"], content["data"]
    if type(seconds) not in {int, float} or not 0 <= seconds < _MAX_TIME_S:
        raise ValueError(f"its time is {seconds!r}")
    if type_ == "gap":
        lost = data.get("lost") if isinstance(data, dict) else 0
        if lost is not None and not (type(lost) is int and 1 <= lost <= MAX_LOST):
            raise ValueError(f"its gap is {data!r}")
        return float(seconds), Gap.between(lost, "", Cursor("", 0))
    check_type(type_)
    if type_ in RESERVED_TYPES:
        raise ValueError(f"its type is {type_!r}")
    return float(seconds), Event(data, type_)


def warn_of_a_cut(path: Path, stacklevel: int) -> None:
    """Warn if the file ends in half a record."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_LINE_BYTES))
        last = file.read().rpartition(b"\n")[2]
    if not last:
        return
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        message = f"the last line of {path.name!r} was cut off after {len(last)} bytes; all before it is replayed"
        warnings.warn(message, stacklevel=stacklevel + 1)


def start(channel: Channel, path: Path, speed: float, *, own_channel: bool) -> Replay:
    """Start to replay a file."""
    replay = channel.source = Replay(channel, path, speed, own_channel=own_channel)
    replay.start_thread(replay.read())
    return replay
