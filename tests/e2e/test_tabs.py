"""Several tabs and views of one feed: the kernel has each event once, in order, whoever comes and goes."""

from __future__ import annotations

import pytest

from tests.e2e.feeds import (
    CHANNEL,
    END,
    LISTENED,
    NO_FAULTS,
    STREAMS,
    VIEW,
    faults,
    in_python,
    record,
    views,
    wait_for_views,
)

PUSH_1000 = f"""
import time
for n in range(1000):
    prices.push(n)
    time.sleep(0.001)
{END}
"""
ALL_COUNTED = f"[...document.querySelectorAll('{VIEW}')].every((view) => view.dataset.count === '1001')"
PUSHED = [[n + 1, "message", n] for n in range(1000)] + [[1001, "end", "end"]]


def open_two_tabs(open_notebook, *cells):
    """Return two tabs on one notebook, each with two views of the feed, all of them live."""
    first = open_notebook(CHANNEL, LISTENED, "feed", *cells)
    for cell in range(3):
        first.run(cell)
    first.save()
    second = first.second_tab()
    for tab in (first, second):
        wait_for_views(tab, 2)
    return first, second


def wait_for_the_end(notebook):
    notebook.kernel.wait_for("seen and seen[-1].type == 'end'", 20)


def test_two_tabs_with_two_views_each_give_python_each_event_once(open_notebook):
    first, second = open_two_tabs(open_notebook, PUSH_1000)
    recorders = [record(tab) for tab in (first, second)]
    assert len(first.kernel.value(STREAMS)) == 2
    first.run(3)
    wait_for_the_end(first)
    for recorder in recorders:
        recorder.wait_for_end()
        assert faults(recorder.records, PUSHED) == NO_FAULTS
    assert faults(in_python(first, "seen"), PUSHED) == NO_FAULTS
    assert first.kernel.value("[feed.count, feed.lost]") == [1001, 0]
    for tab in (first, second):
        tab.wait(ALL_COUNTED, "both views to count all events")
        assert [view["lost"] for view in views(tab)] == ["0", "0"]


# The producer pushes 1,000 events in three parts: while both tabs are there; while none is, since one is closed and the
# other reloads; and the rest. It notes where in the events that was.
PRODUCER = f"""
import threading, time

def streams():
    return len({STREAMS})

def push(numbers, until=lambda: False):
    for n in numbers:
        if until():
            break
        prices.push(n)
        time.sleep(0.002)
    return n

def produce(come_back):
    global gone_at, back_at
    push(range(300))
    gone_at = push(range(300, 600), until=lambda: streams() == 0)
    push(range(gone_at, 700))
    while come_back and streams() == 0:
        time.sleep(0.002)
    back_at = 700 if streams() else None
    push(range(700, 1000))
    {END}

gone_at = None
"""
IN_A_CELL = "produce(come_back=False)"
IN_A_THREAD = "threading.Thread(target=produce, args=[True], daemon=True).start()"


@pytest.mark.parametrize("producer", [IN_A_CELL, IN_A_THREAD], ids=["cell", "thread"])
def test_while_one_tab_is_closed_and_the_other_reloaded_python_gets_each_event_once(open_notebook, producer):
    first, second = open_two_tabs(open_notebook, PRODUCER, producer)
    first.run(3)
    first.save()
    recorder = record(first)
    first.run_async(4)
    recorder.wait_for(100)
    second.close()
    first.reload(idle=False)
    first.wait_idle()
    wait_for_the_end(first)
    assert faults(in_python(first, "seen"), PUSHED) == NO_FAULTS
    assert first.kernel.value("[feed.count, feed.lost]") == [1001, 0]
    gone_at, back_at = first.kernel.value("[gone_at, back_at]")
    assert 300 <= gone_at < 600, "the tabs did not go while events were pushed"
    assert back_at == (700 if producer == IN_A_THREAD else None)

    wait_for_views(first, 2)
    recorder = record(first)
    recorder.wait_for_end()
    shown = recorder.records  # from the last rows that Python had, when this page came back
    assert faults(shown, PUSHED[-len(shown) :]) == NO_FAULTS
    first.wait(ALL_COUNTED, "both views to count all events")
    assert [view["lost"] for view in views(first)] == ["0", "0"]
