"""From a channel's log to the bytes of a stream, made once for all readers.

Readers that are awake together stand at the same place, so the frame that the first one needs is the frame that all
need: the last few are kept by the position they start after. A kept frame stays right for ever (it says what followed
a position), whatever has been pushed or dropped since.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from sse_widget.core.cursor import Cursor
from sse_widget.core.wire import encode_event, encode_named, encode_pack, encode_record

if TYPE_CHECKING:
    from sse_widget.core.event import Event
    from sse_widget.core.log import Slice
    from sse_widget.hub.channel import Channel

__all__ = ["PACK_HEAD", "PACK_TAIL", "Frame", "Frames"]

MAX_FRAME_EVENTS: Final = 1000
MAX_FRAME_BYTES: Final = 512 << 10
MAX_KEPT_FRAMES: Final = 8
PACK_HEAD: Final = b"event: pack\ndata: "
PACK_TAIL: Final = b"\n\n"


class Frame(NamedTuple):
    """Bytes to send, and where they take the reader."""

    content: bytes
    last: int
    n_events: int
    lost: int | None  # before them; None: nobody knows how many


class Frames:
    """The frames of one channel, packed or plain."""

    def __init__(self, channel: Channel, *, packed: bool) -> None:
        self.channel = channel
        self._build = self._pack if packed else self._plain
        self._name = orjson.dumps(channel.name)
        self._kept: OrderedDict[int, Frame] = OrderedDict()

    def after(self, position: int, *, unknown_gap: bool = False) -> Frame | None:
        """Return the frame that follows `position`; None if nothing does.

        With `unknown_gap` it begins with the announcement that nobody knows how much was lost before it.
        """
        if unknown_gap:
            return self._build(self._slice(position), unknown_gap=True)
        kept = self._kept.get(position)
        if kept is not None:
            return kept
        piece = self._slice(position)
        if not piece.items and not piece.lost:
            return None
        frame = self._kept[position] = self._build(piece, unknown_gap=False)
        if len(self._kept) > MAX_KEPT_FRAMES:
            self._kept.popitem(last=False)
        return frame

    def _slice(self, position: int) -> Slice[Event]:
        return self.channel.log.after(position, MAX_FRAME_EVENTS, MAX_FRAME_BYTES)

    def _pack(self, piece: Slice[Event], *, unknown_gap: bool) -> Frame:
        first = piece.last - len(piece.items) + 1
        records = [encode_record(event.time_us, event.type, event.json) for event in piece.items]
        lost = self.channel.lost_before(piece)
        gap = None if lost is None else unknown_gap or lost > 0
        content = encode_pack(self._name, self.channel.epoch, first, records, gap)
        return Frame(content, piece.last, len(piece.items), None if unknown_gap else lost)

    def _plain(self, piece: Slice[Event], *, unknown_gap: bool) -> Frame:
        parts = [encode_event(event.json, event.type, event.id) for event in piece.items]
        lost = None if unknown_gap else self.channel.lost_before(piece)
        if lost != 0:
            end = Cursor(self.channel.epoch, piece.last - len(piece.items))
            parts.insert(0, encode_named("gap", orjson.dumps({"lost": lost}), str(end)))
        return Frame(b"".join(parts), piece.last, len(piece.items), lost)
