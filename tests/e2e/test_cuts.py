"""Connections that are cut while events flow: nothing is lost, repeated or reordered, in the page and in Python."""

from __future__ import annotations

import random
from collections import Counter

from tests.e2e.feeds import (
    BEHIND_A_PROXY,
    CHANNEL,
    END,
    NO_FAULTS,
    aim,
    faults,
    in_python,
    record,
    views,
    wait_for_views,
)
from tests.e2e.rig.cutting_proxy import CUTS, CuttingProxy

N_CUTS = 50
EVENTS_PER_CUT = 1000
SEED = 35
"""Of a shuffle in which at most four POSTs are cut in a row: with each the page waits longer."""

PUSH = f"""
def push(part):
    for n in range(part * {EVENTS_PER_CUT}, (part + 1) * {EVENTS_PER_CUT}):
        prices.push(n)
"""


def test_50_cuts_during_50_000_events_lose_repeat_and_reorder_nothing(open_notebook):
    cuts = [CUTS[number % len(CUTS)] for number in range(N_CUTS)]
    random.Random(SEED).shuffle(cuts)
    with CuttingProxy(SEED) as proxy:
        notebook = open_notebook(CHANNEL, BEHIND_A_PROXY.format(url=proxy.url), PUSH)
        notebook.run(0)
        aim(proxy, notebook)
        notebook.run(1)
        notebook.run(2)
        wait_for_views(notebook)
        recorder = record(notebook)
        proxy.cut(cuts)
        # Each cut waits for events to flow, and the next events for the cut.
        for part in range(N_CUTS):
            notebook.kernel.run(f"push({part})")
            proxy.wait_for_cuts(part + 1)
        notebook.kernel.run(END)
        recorder.wait_for_end()
        notebook.kernel.wait_for("seen[-1].type == 'end'", 20)

        assert Counter(proxy.done) == Counter(cuts)
        assert set(proxy.done) == set(CUTS)
        places = Counter(cut.place for cut in cuts)
        assert proxy.requests["/events"] > places["stream"]
        assert proxy.requests["/received"] > places["request"] + places["answer"]
        n_events = N_CUTS * EVENTS_PER_CUT
        pushed = [[n + 1, "message", n] for n in range(n_events)] + [[n_events + 1, "end", "end"]]
        assert faults(recorder.records, pushed) == NO_FAULTS
        assert faults(in_python(notebook, "seen"), pushed) == NO_FAULTS
        assert notebook.kernel.value("[feed.count, feed.lost]") == [n_events + 1, 0]
        assert [view["lost"] for view in views(notebook)] == ["0"]
