"""What the tests of feeds share: cells, a recorder in the page, and how to compare what came with what was pushed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.rig import Notebook
    from tests.e2e.rig.cutting_proxy import CuttingProxy

PAGE = 'globalThis[Symbol.for("sse_widget")]?.["1"]'
VIEW = ".sse-widget-log"

CHANNEL = """
import sse_widget as sse
prices = sse.channel("prices")
"""
LISTENED = """
feed = sse.SSEWidget(prices)
seen = []
feed.on(None, seen.append)
feed
"""
SHOWN = """
feed = sse.SSEWidget(prices)
feed
"""
BEHIND_A_PROXY = """
feed = sse.SSEWidget(prices, url_template="{url}", transport="direct")
seen = []
feed.on(None, seen.append)
feed
"""
END = 'prices.push("end", type="end")'
"""After it nothing comes: who has it, in order, has everything, and would have shown what came twice."""

# Everything a feed of this page takes from its beginning on: [sequence, type, data], or ["gap", lost].
RECORDER = """
([id, name]) => {
	const feed = globalThis[Symbol.for("sse_widget")]["1"].feeds.get(id);
	const records = [];
	const take = (record) => records.push(
		record.kind === "gap" ? ["gap", record.lost] : [Number(record.id.split("-")[1]), record.type, record.data],
	);
	const { ring } = feed.tally;
	if (ring.start > 0) throw new Error("the beginning is gone already; record earlier");
	for (let at = 0; at < ring.end; at += 1) take(ring.at(at));
	feed.tap(take);
	globalThis[name] = records;
}
"""


class Faults(NamedTuple):
    """How what came differs from what was pushed."""

    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    foreign: int = 0


NO_FAULTS = Faults()


def faults(came: Sequence[Any], pushed: Sequence[Any]) -> Faults:
    """Compare two lists of events, each one unlike all others; a plain `==` of long lists drowns in its own diff."""
    came, pushed = [repr(each) for each in came], [repr(each) for each in pushed]
    place = {event: at for at, event in enumerate(pushed)}
    known = [place[event] for event in came if event in place]
    return Faults(
        lost=len(set(pushed) - set(came)),
        repeated=len(came) - len(set(came)),
        reordered=sum(later < earlier for earlier, later in pairwise(known)),
        foreign=len(came) - len(known),
    )


def in_python(notebook: Notebook, events: str) -> list[Any]:
    """Return events of the kernel as `Recorder.records` returns those of the page."""
    return list(notebook.kernel.value(f"[[each.sequence, each.type, each.data] for each in {events}]"))


class Recorder:
    """Writes down, in the page, what the feed takes. It dies with the page: after a reload, make a new one.

    Parameters
    ----------
    notebook : Notebook
        The tab.
    feed : str
        Id of the feed, `feed.model_id` in Python.
    """

    def __init__(self, notebook: Notebook, feed: str) -> None:
        self._notebook, self._name = notebook, f"recorded_{feed}"
        notebook.page.evaluate(RECORDER, [feed, self._name])

    @property
    def records(self) -> list[Any]:
        """All so far."""
        return list(json.loads(self._notebook.page.evaluate(f"JSON.stringify(globalThis.{self._name})")))

    def wait_for(self, count: int, timeout_s: float = 20) -> None:
        """Wait until there are so many records."""
        self._notebook.wait(f"globalThis.{self._name}.length >= {count}", f"{count} records", timeout_s)

    def wait_for_end(self, timeout_s: float = 20) -> None:
        """Wait for the event that `END` pushes."""
        self._notebook.wait(f"globalThis.{self._name}.at(-1)?.[1] === 'end'", "the last event in the page", timeout_s)


def record(notebook: Notebook, feed: str = "feed") -> Recorder:
    """Record a feed of the kernel in this tab, as soon as the tab has it."""
    model = notebook.kernel.value(f"{feed}.model_id")
    notebook.wait(f"{PAGE}?.feeds.has('{model}')", "the page to know the feed")
    return Recorder(notebook, model)


def aim(proxy: CuttingProxy, notebook: Notebook) -> None:
    """Let the proxy lead to the kernel's server; the kernel has the channel `prices`."""
    proxy.target_port = notebook.kernel.value("__import__('urllib.parse').parse.urlsplit(prices.url).port")


def wait_for_views(notebook: Notebook, count: int = 1, state: str = "open", timeout_s: float = 20) -> None:
    """Wait until the tab has so many views, and all of them are in this state."""
    states = f"[...document.querySelectorAll('{VIEW}')].map((view) => view.dataset.state)"
    wanted = [state] * count
    notebook.wait(f"String({states}) === '{','.join(wanted)}'", f"{count} views that are {state}", timeout_s)


def views(notebook: Notebook) -> list[dict[str, str]]:
    """Return what the tab's views say about themselves: `count`, `lost`, `state`, `transport`."""
    return list(
        notebook.page.evaluate(f"[...document.querySelectorAll('{VIEW}')].map((view) => ({{...view.dataset}}))")
    )


def page_stats(notebook: Notebook) -> dict[str, Any]:
    """Return what the page says about its connections and feeds."""
    return dict(notebook.page.evaluate(f"{PAGE}.stats()"))


STREAMS = "[reader['label'] for reader in prices.stats().readers if reader['label'].startswith('page ')]"
"""The streams of `prices` that the kernel's server has open."""
