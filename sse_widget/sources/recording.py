"""`Channel.record`: a channel into a file, one JSON object a line.

Theory of operation
-------------------
A thread of its own reads the channel as any reader does, so a slow disk costs the others nothing; falling behind the
history costs the recording a gap, which it writes down like the channel's own. What there is goes into one write to the
operating system, without a buffer of ours: what ends the process in the middle of it loses no line but the last one.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from sse_widget.core.json import to_json
from sse_widget.sources.ending import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel

__all__ = ["Recording", "RecordingStats"]

logger = logging.getLogger(__name__)

_LOOK_AGAIN_S: Final = 1.0
_STOP_S: Final = 10.0
_MAX_WRITE_EVENTS: Final = 1000


class RecordingStats(NamedTuple):
    """What a recording has done so far."""

    state: str
    events: int  # written; gaps are not counted
    lost: int  # written as lost, where their number is known
    n_bytes: int  # of the file


class Recording(Ending):
    """What `Channel.record` returns; `with` stops it at the end.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    state : str
        `"running"`; `"done"` when the channel was closed, `"stopped"` by `stop`, `"full"` at `max_bytes`, `"failed"`
        when the file could not be written.
    error : OSError or None
        Why it has failed.
    """

    def __init__(self, channel: Channel, file: FileIO, after: str, max_bytes: int) -> None:
        super().__init__()
        self.channel = channel
        self.path = Path(str(file.name))
        self.state = "running"
        self.error: OSError | None = None
        self._file = file
        self._max_bytes = max_bytes
        self._events = self._lost = self._n_bytes = 0
        self._source = channel.subscribe(after=after)
        self._until: int | None = None  # read up to here, and stop
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sse_widget recording", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what was pushed up to now, and close the file. Idempotent."""
        if self._until is None:
            self._until = self.channel.log.newest
        self._awake.set()
        self._ended.wait(_STOP_S)

    def result(self, timeout: float | None = None) -> int:
        """Block until it has ended; return how many events it has written, or raise why it has failed."""
        self._wait_well(timeout)
        return self._events

    def stats(self) -> RecordingStats:
        """Return what it has done so far."""
        return RecordingStats(self.state, self._events, self._lost, self._n_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        why = f": {self.error}" if self.error is not None else ""
        return f"<Recording of {self.channel.name!r} into {self.path.name!r}: {self.state}, {self._events} events{why}>"

    def _run(self) -> None:
        state = "failed"
        try:
            state = self._record()
        except OSError as error:
            self.error = error
        finally:
            self._source.close()
            self._file.close()
            self.state = state
            self._ended.set()
        if state in {"failed", "full"}:
            logger.error("%r has ended", self)

    def _record(self) -> str:
        while True:
            closed, until = self.channel.closed, self._until  # before looking: what came before is still written
            batch = self._source.take_all()
            for start in range(0, len(batch), _MAX_WRITE_EVENTS):
                if not self._write(batch[start : start + _MAX_WRITE_EVENTS]):
                    return "full"
            if until is not None and self._source.position >= until:
                return "stopped"
            if closed:
                return "done"
            self._awake.clear()
            if self._until is None and self._source.sleep(self._awake.set):
                self._awake.wait(_LOOK_AGAIN_S)

    def _write(self, events: Iterable[Event]) -> bool:
        lines: list[bytes] = []
        room = self._max_bytes - self._n_bytes
        fits, n_events, lost = True, 0, 0
        for event in events:
            line = _line(event)
            fits = len(line) <= room
            if not fits:
                break
            room -= len(line)
            lines.append(line)
            if event.type == "gap":
                lost += event.data["lost"] or 0
            else:
                n_events += 1
        content = memoryview(b"".join(lines))
        while content:
            written = self._file.write(content)
            self._n_bytes += written
            content = content[written:]
        self._events += n_events  # only now: who reads it may take the file for as long
        self._lost += lost
        return fits


def _line(event: Event) -> bytes:
    # A gap that this reader alone has met has no time.
    head = b'{"id":%b,"time":%.6f,"type":%b' % (to_json(event.id), event.time or time.time(), to_json(event.type))
    return b'%b,"data":%b}\n' % (head, event.json)


def start(channel: Channel, path: object, after: str, max_bytes: int, *, overwrite: bool) -> Recording:
    """Start a recording; see `Channel.record`."""
    if max_bytes < 1:
        raise ValueError(f"expected max_bytes of at least 1, got {max_bytes!r}")
    try:
        file = open(Path(str(path)), "wb" if overwrite else "xb", buffering=0)  # noqa: PTH123, SIM115 - closed by `_run`
    except FileExistsError:
        message = f"expected no file {str(path)!r}, got one; pass overwrite=True to lose what it holds"
        raise FileExistsError(message) from None
    try:
        return Recording(channel, file, after, max_bytes)
    except BaseException:
        file.close()
        raise
