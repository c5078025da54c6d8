"""What the hosts show."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ECHO = """
import anywidget, traitlets

class Echo(anywidget.AnyWidget):
    _esm = '''
    export default {
        render({ model, el }) {
            const button = document.createElement("button");
            button.className = "echo";
            button.textContent = model.get("text");
            button.onclick = () => model.send({ said: "hello" });
            model.on("msg:custom", (message) => { button.textContent = message.text; });
            model.on("change:text", () => { button.textContent = model.get("text"); });
            el.append(button);
        },
    };
    '''
    text = traitlets.Unicode("waiting").tag(sync=True)

    def __init__(self):
        super().__init__()
        self.heard = []
        self.on_msg(self.hear)

    def hear(self, _widget, content, _buffers):
        self.heard.append(content)
        self.send({"text": f"heard {content['said']} {len(self.heard)}"})

echo = Echo()
"""

CHANNEL = """
import json, os, time
import urllib.parse
import sse_widget as sse

channel = sse.channel("prices")
address = channel.url
"""
SECRETS = """
guard = channel.host.server.guard
with open({file!r}, "w") as out:
    json.dump(dict(port=urllib.parse.urlsplit(address).port, bearer=guard.bearer, key=guard.key), out)
"""
SETUP = """
feed = sse.SSEWidget(channel)
seen, times = [], {{}}

def report():
    facts = dict(times, seen=list(seen), count=feed.count, lost=feed.lost, transport=feed.transport, pid=os.getpid(),
                 state=feed.state, transport_log=str(feed.transport_log), port=urllib.parse.urlsplit(address).port)
    with open({file!r} + ".new", "w") as out:
        json.dump(facts, out)
    os.replace({file!r} + ".new", {file!r})

def take(event):
    seen.append([event.sequence, event.type, event.data])
    if event.type == "end":
        times["heard"] = time.time()
        report()

def cut_streams():
    def cut(state):
        times["cut"] = times.get("cut", 0) + len(state.streams)
        for stream in list(state.streams):
            stream.cut()
    channel.host.server.call(cut)

def burst(events={events}, busy_s={busy_s}):
    times["began"] = time.time()
    for n in range(events):
        channel.push({data})
        if n % (events // {parts}) == events // {parts} - 1 and n + 1 < events:
            cut_streams()
        if n % 200 == 199:
            time.sleep(busy_s * 200 / events)
    channel.push("end", type="end")
    times["ended"] = time.time()

feed.on(None, take)
report()
"""
SHOW = "feed"
BURST = "burst()"
THREADS = """
import json as _json, os as _os, threading as _threading
import marimo as _mo
import sse_widget as _sse

_channel, _said = _sse.channel("prices"), {{}}

def _plain():
    _channel.push("by a plain thread")
    try:
        _sse.channel("prices")
    except RuntimeError as error:
        _said["plain"] = str(error)

def _of_marimo():
    _said["of marimo"] = _sse.channel("prices") is _channel

for _thread in (_threading.Thread(target=_plain), _mo.Thread(target=_of_marimo)):
    _thread.start()
    _thread.join()
_said["pushed"] = [event.data for event in _channel.history]
with open({file!r} + ".new", "w") as _out:
    _json.dump(_said, _out)
_os.replace({file!r} + ".new", {file!r})
"""
"""For marimo, whose cells share no names that begin with an underscore."""


@dataclass
class Plain:
    """Any cells."""

    first: tuple[str, ...]
    then: str


@dataclass
class Echo:
    """A plain anywidget that answers: proves a host without our product."""

    first: tuple[str, ...] = (ECHO, "echo")
    then: str = 'echo.send({"text": "pushed by a cell"})'


class Burst:
    """Pushes `events` events and an end from a busy cell; Python writes down what it received, in `file`.

    Parameters
    ----------
    file : Path
        In a folder that the program can write to.
    events : int
        Before the one with the type "end".
    busy_s : float
        How long the cell sleeps between them, in all.
    before : int
        How many bursts are run at once, before anything is shown.
    cuts : int
        How often the kernel cuts all its connections in the middle of a burst.
    padding : int
        Let every event be a text of so many characters more.
    secrets : bool
        Write the kernel's secrets to `self.secrets`, in the first cell, before there is a widget.
    """

    def __init__(
        self,
        file: Path,
        events: int = 20_000,
        busy_s: float = 2.0,
        *,
        before: int = 0,
        cuts: int = 0,
        padding: int = 0,
        secrets: bool = False,
    ) -> None:
        self.file, self.events, self._padding = file, events, padding
        data = f"str(n) + 'x' * {padding}" if padding else "n"
        setup = SETUP.format(file=str(file), events=events, busy_s=busy_s, data=data, parts=cuts + 1)
        setup += f"{BURST}\n" * before
        self.secrets = file.with_suffix(".secrets")
        channel = CHANNEL + (SECRETS.format(file=str(self.secrets)) if secrets else "")
        self.first = (channel, setup, SHOW)
        self.then = BURST

    @property
    def facts(self) -> dict[str, Any]:
        """What the program last wrote down."""
        return dict(json.loads(self.file.read_text()))

    def wait_for(
        self, condition: Callable[[dict[str, Any]], object], what: str, timeout_s: float = 40
    ) -> dict[str, Any]:
        """Wait until what the program wrote down meets a condition, and return it."""
        deadline = time.monotonic() + timeout_s
        while True:
            facts = self.facts if self.file.exists() else {}
            if facts and condition(facts):
                return facts
            if time.monotonic() > deadline:
                brief = {key: value for key, value in facts.items() if key != "seen"}
                raise TimeoutError(f"waited {timeout_s} s for {what}: {brief}, {len(facts.get('seen', []))} seen")
            time.sleep(0.05)

    def pushed(self, bursts: int = 1) -> list[list[Any]]:
        """Return what so many bursts push, as `facts["seen"]` has it."""
        data = [str(n) + "x" * self._padding if self._padding else n for n in range(self.events)]
        one = [["message", each] for each in data] + [["end", "end"]]
        return [[at + 1, *each] for at, each in enumerate(one * bursts)]
