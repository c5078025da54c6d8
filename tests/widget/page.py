"""Plays the browser and the kernel's main thread, so that a widget can be tested without either."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

import comm
import orjson

from sse_widget.server.frames import PACK_HEAD, PACK_TAIL, Frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.core.event import Event
    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session
    from sse_widget.widget.widget import SSEWidget

__all__ = ["MainThread", "Page", "RecordingComm", "elsewhere", "packs_of", "sent"]

T = TypeVar("T")

ELSEWHERE_S = 10.0


class RecordingComm(comm.DummyComm):
    """A comm that leads nowhere, and keeps what was sent."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        super().__init__(*arguments, **named)

    def publish_msg(self, msg_type: str, data: Any = None, *_arguments: Any, **_named: Any) -> None:
        self.messages.append((msg_type, data or {}))


def sent(widget: SSEWidget, kind: str) -> list[dict[str, Any]]:
    """Return the custom messages of one kind that went to the page."""
    custom = [data["content"] for _, data in widget.comm.messages if data.get("method") == "custom"]
    return [content for content in custom if content["kind"] == kind]


class MainThread:
    """The kernel's main thread, busy until the test says that it is free. It stands in for the kernel's `io_loop`."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], None]] = deque()

    def add_callback(self, function: Callable[[], None]) -> None:
        self.calls.append(function)

    def is_free(self) -> None:
        """Do everything that is due, and what that makes due."""
        while self.calls:
            self.calls.popleft()()


def elsewhere(function: Callable[[], T]) -> T:
    """Call a function on another thread, as the server does, and return what it returns."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append((function(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            results.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(ELSEWHERE_S)
    assert results, "the other thread hangs"
    result, error = results[0]
    if error is not None:
        raise error
    return result


def packs_of(channel: Channel, after: str = "oldest", max_packs: int = 1000) -> list[dict[str, Any]]:
    """Return the packs that a stream of the channel sends after a cursor."""
    position, lost = channel.resolve(after)
    frames = Frames(channel, packed=True)
    packs: list[dict[str, Any]] = []
    while len(packs) < max_packs and (frame := frames.after(position, unknown_gap=lost is None)) is not None:
        packs.append(orjson.loads(frame.content[len(PACK_HEAD) : -len(PACK_TAIL)]))
        position, lost = frame.last, 0
    return packs


class Page:
    """A page that shows widgets on one channel, and reads it from where the first one's `welcome` says."""

    def __init__(self, session: Session, *widgets: SSEWidget, name: str = "page") -> None:
        self.session = session
        self.widgets = widgets
        self.name = name
        self.channel = widgets[0]._feed.channel
        self.cursor: str = sent(widgets[0], "welcome")[-1]["start"]
        self.n = 0

    def post(self, packs: list[dict[str, Any]] | None = None, state: str = "open", **status: Any) -> dict[str, Any]:
        """Send a batch to the kernel as over HTTP, and return the answer by feed."""
        packs = packs or []
        ids = [widget.model_id for widget in self.widgets]
        report = {"state": state, "transport": "direct", "latency_ms": 3, **status}
        body = {"feeds": dict.fromkeys(ids, report), "packs": packs, "wanted": [ids] * len(packs)}
        text = orjson.dumps(body).decode()
        answer = elsewhere(lambda: self.session.received_over_comm(self.name, text))  # which only checks it first
        return dict(answer["feeds"])

    def reads(self, max_packs: int = 1000) -> list[dict[str, Any]]:
        """Take what the channel has, and return it unsent."""
        packs = packs_of(self.channel, self.cursor, max_packs)
        if packs:
            self.cursor = f"{self.channel.epoch}-{packs[-1]['first'] + len(packs[-1]['events']) - 1}"
        return packs

    def catches_up(self) -> dict[str, Any]:
        """Read and send everything; go back where Python says so."""
        answer = self.post(self.reads())
        first = answer[self.widgets[0].model_id]
        if first is not None and first["resume"]:
            self.cursor = first["cursor"]
            return self.catches_up()
        return answer

    def gets(self, *data: object, type: str = "message") -> list[Event]:  # noqa: A002 - SSE's own word
        """Push data to the channel, read it, and send it to Python."""
        events = self.channel.push_many(data, type=type)
        self.catches_up()
        return events

    def says(self, state: str, **status: Any) -> None:
        """Tell the first widget about the connection over the comm."""
        self.n += 1
        content = {"kind": "status", "page": self.name, "n": self.n, "state": state, "transport": "direct", **status}
        self.widgets[0]._take_message(self.widgets[0], content, [])

    def leaves(self) -> None:
        """Be gone for so long that the server says so."""
        elsewhere(lambda: self.session.page_left(self.name))
