"""`seq 1 100000 | sse-widget push n`: complete and in order in an open notebook, and `/metrics` is right about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.feeds import SHOWN, record, views, wait_for_views

COUNT = 100_000
CHANNEL = """
import sse_widget as sse
prices = sse.channel("n")
"""
COMMAND = f"seq 1 {COUNT} | {sys.executable} -m sse_widget.cli push n"
IN_ORDER = f"[event.data for event in feed.events] == list(range(1, {COUNT} + 1))"
BEARER = "__import__('sse_widget.session').session.current().server.guard.bearer"


def metrics(notebook) -> dict[str, float]:
    url, bearer = notebook.kernel.value(f"[prices.url.rpartition('/channels/')[0], str({BEARER})]")
    with urlopen(Request(f"{url}/metrics", headers={"Authorization": f"Bearer {bearer}"}), timeout=20) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
    return {
        f"{sample.name}{json.dumps(sample.labels) if sample.labels else ''}": sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.timeout(240)
def test_a_hundred_thousand_lines_of_a_pipe_arrive_complete_and_in_order(lab, open_notebook):
    notebook = open_notebook(CHANNEL, SHOWN)
    notebook.run(0)
    notebook.run(1)
    wait_for_views(notebook)
    recorder = record(notebook)
    told = subprocess.run(  # noqa: S602 - a pipe, as its user writes it
        COMMAND,
        shell=True,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(lab.runtime)},
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    recorder.wait_for(COUNT, 60)
    notebook.kernel.wait_for(f"feed.count == {COUNT}", 60)
    # In the page, and in Python.
    assert [each[2] for each in recorder.records] == list(range(1, COUNT + 1))
    assert notebook.kernel.value(IN_ORDER)
    assert notebook.kernel.value("[feed.lost, prices.stats().pushed]") == [0, COUNT]
    (view,) = views(notebook)
    assert (view["count"], view["lost"]) == (str(COUNT), "0")
    # And so say the metrics.
    found = metrics(notebook)
    assert found["sse_widget_pushed_events_total"] == COUNT
    assert found['sse_widget_channel_pushed_events_total{"channel": "n"}'] == COUNT
    assert found['sse_widget_lost_events_total{"reason": "history"}'] == 0
    assert found["sse_widget_lag_events"] == 0
    assert found["sse_widget_pages"] == 1
    # What the comm had carried before the page moved to its stream comes on top.
    assert found["sse_widget_delivered_events_total"] >= COUNT
