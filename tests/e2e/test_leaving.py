"""Pages that go, however they go: their streams go from the kernel, on every rung; and reloads leave none behind."""

from __future__ import annotations

import secrets
import signal
import time

import psutil
import pytest
from playwright.sync_api import Error

from tests.e2e.feeds import PAGE, views
from tests.e2e.hosts.chromium import Chromiums
from tests.e2e.rig import Notebook, NotebookFile

LEASE_S = 45
SLACK_S = 5  # the kernel looks once a second, we ask about as often, and the machine may be busy
RUNGS = ("direct", "jupyter", "comm")
CHANNELS = f"""
import sse_widget as sse
channels = {{rung: sse.channel(rung) for rung in {RUNGS}}}
def readers():
    return {{rung: [each["label"] for each in channel.stats().readers if each["label"].startswith("page")]
             for rung, channel in channels.items()}}
"""
SHOW = "feeds = [sse.SSEWidget(channel, transport=rung) for rung, channel in channels.items()]\n"
SHOW += "import ipywidgets\nipywidgets.VBox(feeds)"


def closed(_page, _process):
    _page.close()


def killed(page, _process):
    """As when the system is out of memory: no code of the page runs any more."""
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")


def frozen(_page, process):
    """As a laptop whose lid is shut: its connections stay open, and nothing comes over them."""
    for each in (process, *process.children(recursive=True)):
        each.send_signal(signal.SIGSTOP)


def thawed(process):
    for each in (*process.children(recursive=True), process):
        each.send_signal(signal.SIGCONT)


@pytest.fixture
def frozen_later(browser):
    """A browser of its own, which may be stopped: its context and its process."""
    mark = f"--rig-mark={secrets.token_hex(8)}"
    with Chromiums(browser) as chromiums:
        context = chromiums.context(mark)
        (process,) = [each for each in psutil.process_iter() if _is_browser(each, mark)]
        yield context, process
        thawed(process)


def _is_browser(process, mark):
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    return mark in line and not any(each.startswith("--type=") for each in line)


@pytest.mark.timeout(200)
def test_a_page_that_is_closed_killed_or_frozen_is_gone_within_45_s_on_every_rung(lab, browser, frozen_later):
    context, process = frozen_later
    ways = {closed: browser.context, killed: browser.context, frozen: context}
    notebooks, left = {}, {}
    try:
        for way, person in ways.items():
            notebook = Notebook(NotebookFile.create(lab, [CHANNELS, SHOW]), person).open()
            notebooks[way] = notebook
            notebook.run_all()
            notebook.kernel.wait_for(f"[feed.transport for feed in feeds] == {list(RUNGS)!r}", 20)
            assert {rung: len(found) for rung, found in notebook.kernel.value("readers()").items()} == dict.fromkeys(
                RUNGS, 1
            )
        for way, notebook in notebooks.items():
            way(notebook.page, process)
            left[way] = time.monotonic()
        gone = wait_until_gone(notebooks, left)
    finally:
        thawed(process)
        for notebook in notebooks.values():
            notebook.file.close()
    late = {(way.__name__, rung): s for (way, rung), s in gone.items() if s > LEASE_S + SLACK_S}
    assert late == {}
    # The system tells at once that a process has ended.
    assert all(gone[way, rung] < 10 for way in (closed, killed) for rung in ("direct", "jupyter"))


def wait_until_gone(notebooks, left):
    """Return how long each stream has outlived its page."""
    gone = {}
    while len(gone) < len(notebooks) * len(RUNGS):
        assert time.monotonic() < max(left.values()) + 2 * LEASE_S, f"still there: {gone}"
        for way, notebook in notebooks.items():
            for rung, found in notebook.kernel.value("readers()").items():
                if not found:
                    gone.setdefault((way, rung), time.monotonic() - left[way])
        time.sleep(0.5)
    return gone


@pytest.mark.parametrize(
    ("rung", "times"),
    [("direct", 5), ("jupyter", 5), *(pytest.param(rung, 50, marks=pytest.mark.slow) for rung in RUNGS)],
)
@pytest.mark.timeout(600)
def test_reloads_leave_one_reader(open_notebook, rung, times):
    notebook = open_notebook(
        "import sse_widget as sse\nchannel = sse.channel('c')",
        f"feed = sse.SSEWidget(channel, transport={rung!r})\nfeed",
    )
    notebook.run_all()
    labels = "[each['label'] for each in channel.stats().readers if each['label'].startswith('page')]"
    notebook.save()
    for n in range(times):
        notebook.reload()
        notebook.wait(f"{PAGE}?.feeds.size === 1", "the widget to be there again")
        notebook.kernel.run(f"channel.push({n})")
        notebook.wait(
            f"document.querySelector('[data-count]')?.dataset.count === '{n + 1}'", "the event to be in the page"
        )
        assert views(notebook)[0]["lost"] == "0"
    notebook.kernel.wait_for(f"len({labels}) == 1", LEASE_S + SLACK_S)
    notebook.kernel.wait_for(f"[feed.count, feed.lost] == [{times}, 0]")
