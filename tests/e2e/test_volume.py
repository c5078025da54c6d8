"""Much through the `jupyter` rung: nothing is lost, and the Jupyter server does not grow."""

from __future__ import annotations

import threading
import time

import psutil
import pytest

from tests.e2e.feeds import PAGE, wait_for_views

MB = 1_000_000
EVENT_BYTES = 1 << 16
CELLS = (
    """
import threading, time
import sse_widget as sse
channel = sse.channel("much", history_bytes=80_000_000)
feed = sse.SSEWidget(channel, transport="jupyter", history=100)
came, problems = 0, []
def take(event):
    global came
    if event.data["i"] != came:
        problems.append((came, event.data["i"]))
    came += 1
feed.on(None, take, thread=True)
feed
""",
    """
def push(events, pause_every):
    for i in range(events):
        channel.push({{"i": i, "pad": "x" * {bytes}}})
        if i % pause_every == pause_every - 1:
            channel.drain(timeout=60)
pusher = threading.Thread(target=push, args=({events}, {pause_every}), daemon=True)
pusher.start()
""",
)
# The page's own count: every event's number is the one before and one.
WATCH = f"""
() => {{
    const [feed] = {PAGE}.feeds.values();
    globalThis.much = {{ came: 0, problems: [] }};
    feed.tap((event) => {{
        if (event.data?.i !== much.came) much.problems.push([much.came, event.data?.i ?? event.lost]);
        much.came += 1;
    }});
}}
"""


class Memory:
    """The most that a process has had while somebody was watching [bytes]."""

    def __init__(self, pid):
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self.most = 0

    def now(self):
        return self._process.memory_info().rss

    def __enter__(self):
        self.before = self.most = self.now()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        while not self._stop.wait(0.02):
            self.most = max(self.most, self.now())

    @property
    def growth(self):
        return self.most - self.before


def open_much(open_notebook):
    notebook = open_notebook(*CELLS)
    notebook.run(0)
    wait_for_views(notebook)
    assert notebook.kernel.value("feed.transport") == "jupyter"
    notebook.page.evaluate(WATCH)
    return notebook


def push(notebook, events, pause_every=64, n_bytes=EVENT_BYTES):
    notebook.kernel.run(CELLS[1].format(events=events, pause_every=pause_every, bytes=n_bytes))


def wait_for_all(notebook, count, timeout_s):
    """Everything is in the page and in Python, once and in order."""
    notebook.wait(f"much.came >= {count}", f"{count} events in the page", timeout_s)
    notebook.kernel.wait_for(f"came >= {count}", timeout_s, every_s=0.2)
    assert notebook.page.evaluate("[much.came, much.problems]") == [count, []]
    assert notebook.kernel.value("[came, problems, feed.count, feed.lost]") == [count, [], count, 0]


def warm_up(notebook, events=512):
    """Let the server make what it makes once, and begin to count."""
    push(notebook, events)
    wait_for_all(notebook, events, 60)
    notebook.page.evaluate("(much.came = 0, much.problems.length = 0)")
    notebook.kernel.run("came = 0; problems.clear()")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mib", [128, pytest.param(1024, marks=pytest.mark.slow)])
def test_a_stream_through_jupyter_is_whole_and_its_server_does_not_grow(open_notebook, lab, mib):
    notebook = open_much(open_notebook)
    warm_up(notebook)
    events = (mib << 20) // EVENT_BYTES
    with Memory(lab.pids()[0]) as memory:
        push(notebook, events)
        notebook.wait(f"much.came >= {events}", f"{mib} MiB in the page", 800)
    assert notebook.page.evaluate("[much.came, much.problems]") == [events, []]
    notebook.kernel.wait_for(f"came >= {events}", 60, every_s=0.2)
    assert notebook.kernel.value("[came, problems, feed.lost]") == [events, [], 0]
    assert notebook.kernel.value("feed.transport") == "jupyter"
    assert memory.growth < 24 * MB, f"the Jupyter server grew by {memory.growth} bytes"


def test_a_reader_of_20_kb_a_second_does_not_grow_the_server_and_has_everything_in_the_end(open_notebook, lab):
    notebook = open_much(open_notebook)
    warm_up(notebook)
    network = notebook.context.new_cdp_session(notebook.page)
    network.send("Network.enable")
    throttle = {"offline": False, "latency": 0, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", throttle | {"downloadThroughput": 20_000})
    # Chromium slows down what is asked for from now on: so the page has to open its stream again.
    opened = "[each.client for each in channel.host.server._state.streams if each not in old]"
    notebook.kernel.run("old = list(channel.host.server._state.streams)")
    notebook.kernel.run("channel.host.server.call(lambda state: [each.cut() for each in list(state.streams)])")
    notebook.kernel.wait_for(opened)
    events = 1000  # 64 MB
    with Memory(lab.pids()[0]) as memory:
        push(notebook, events, pause_every=events + 1)
        notebook.kernel.wait_for("not pusher.is_alive()")
        end = time.monotonic() + 8
        while time.monotonic() < end:
            notebook.page.wait_for_timeout(200)
        behind = "[reader['behind'] for reader in channel.stats().readers if reader['label'].startswith('page ')]"
        (left,) = notebook.kernel.value(behind)
        assert left > events * 0.7, "it has read nearly all, so this would prove nothing"
    network.send("Network.emulateNetworkConditions", throttle | {"downloadThroughput": -1})
    assert memory.growth < 8 * MB, f"the Jupyter server grew by {memory.growth} bytes"
    notebook.wait(f"much.came >= {events}", "all events in the page", 60)
    assert notebook.page.evaluate("[much.came, much.problems]") == [events, []]
    notebook.kernel.wait_for(f"came >= {events}", 30)
    assert notebook.kernel.value("[came, problems, feed.lost]") == [events, [], 0]
