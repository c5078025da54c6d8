"""Six notebooks with live feeds in one JupyterLab, on Jupyter's own connections: JupyterLab itself must not starve."""

from __future__ import annotations

import copy
import json
import statistics
import time

import pytest

from tests.e2e.hosts.jupyter_server import KERNEL
from tests.e2e.hosts.programs import Plain
from tests.e2e.rig import NotebookFile

NOTEBOOKS = 6
CONTENTS_S = 0.2
LOADED = 4  # what the feeds themselves may cost where the machine is busy already
STARVED_S = 5
FEED = """
import threading
import sse_widget as sse
channel = sse.channel("ticks")
feed = sse.SSEWidget(channel)
stop = threading.Event()
def push():
    while not stop.wait(0.2):
        channel.push(channel.stats().pushed)
threading.Thread(target=push, daemon=True).start()
"""
NOW = "[feed.state, feed.count, feed.lost, channel.stats().pushed]"
# One after the other, as the file browser does; and eight at once, more than a browser has connections.
CONTENTS = """
async ([base, times, at_once]) => {
    const ask = async (number) => {
        const began = performance.now();
        const answer = await fetch(`${base}api/contents?content=1&at=${number}`, { cache: "no-store" });
        await answer.text();
        if (!answer.ok) throw new Error(`${answer.status}`);
        return (performance.now() - began) / 1000;
    };
    const took = [];
    for (let at = 0; at < times; at += at_once) {
        took.push(...(await Promise.all(Array.from({ length: at_once }, (_, more) => ask(at + more)))));
    }
    return took;
}
"""


def beside(tab, file):
    """Open one more notebook in a tab of JupyterLab."""
    other = copy.copy(tab)
    other.file = file
    other.page.evaluate(f"void jupyterapp.commands.execute('docmanager:open', {json.dumps({'path': file.name})})")
    other.wait_ready()
    return other


def value(notebook, expression):
    """Evaluate in a cell: the kernel may be in another network."""
    return json.loads(notebook.execute(f"print(__import__('json').dumps({expression}))"))


def wait_for(notebook, expression, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not value(notebook, expression):
        assert time.monotonic() < deadline, f"{expression}: {value(notebook, NOW)}"
        notebook.page.wait_for_timeout(200)


def contents(tab, times=24, at_once=1):
    """Return how long answers of `/api/contents` take, in seconds."""
    base = tab.page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).baseUrl")
    return tab.page.evaluate(CONTENTS, [base, times, at_once])


@pytest.fixture
def six(stage):
    """Six notebooks in one tab; and how long the server's answers take before anything runs."""
    shown = stage.show(Plain((FEED, "feed"), "feed"), cells=0)
    tab, server = shown.notebook, shown.notebook.file.lab
    files = [NotebookFile.create(server, [FEED, "feed"], KERNEL) for _ in range(NOTEBOOKS - 1)]
    notebooks = [tab, *(beside(tab, file) for file in files)]
    yield notebooks, contents(tab)
    for file in files:
        file.close()


@pytest.mark.parametrize("host", ["isolated", "remote"], indirect=True)
def test_six_notebooks_are_live_and_jupyters_own_requests_do_not_wait_for_them(stage, six):
    notebooks, before = six
    for notebook in notebooks:
        notebook.run(0)
        notebook.run(1)
    for notebook in notebooks:
        wait_for(notebook, "feed.state == 'open' and feed.count > 5", 40)
    took = contents(notebooks[0])
    at_once = contents(notebooks[0], at_once=8)
    transports = [value(notebook, "feed.transport") for notebook in notebooks]
    starts = [value(notebook, NOW) for notebook in notebooks]
    for notebook, (_, count, _, _) in zip(notebooks, starts, strict=True):  # all six at the same time
        wait_for(notebook, f"feed.count > {count + 5}", 20)
    for notebook in notebooks:
        notebook.execute("stop.set()")
        wait_for(notebook, "feed.count == channel.stats().pushed", 20)
        assert value(notebook, NOW)[:3:2] == ["open", 0]
    assert set(transports) <= {"jupyter", "comm"}
    assert "jupyter" in transports
    assert stage.host.name != "remote" or transports.count("jupyter") <= 2  # of six connections, over HTTP/1.1

    # A request that waits for a stream waits for minutes, whatever else the machine does.
    assert min(took) < CONTENTS_S
    assert min(at_once) < CONTENTS_S
    assert max(took + at_once) < STARVED_S
    assert statistics.median(took) < max(CONTENTS_S, LOADED * statistics.median(before)), (before, took)
