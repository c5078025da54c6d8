"""A busy cell sees events while it runs, on every ipykernel; callbacks run on the main thread, in order."""

from __future__ import annotations

SETUP = """
import asyncio, itertools, threading, time
import sse_widget as sse
prices = sse.channel("prices")
feed = sse.SSEWidget(prices)

numbers = itertools.count()

class Producer:
    "Pushes the next number every 10 ms until the block is left."
    def __enter__(self):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
    def run(self):
        while not self.stopped.wait(0.01):
            prices.push({"n": next(numbers)})
    def __exit__(self, *_error):
        self.stopped.set()
        self.thread.join()

def consecutive(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))

feed
"""

LOOP = """
got = []
with Producer():
    for event in feed:
        got.append(event.data["n"])
        if len(got) == 50:
            break
assert consecutive(got), got
"""
WAIT = """
with Producer():
    first = feed.wait(lambda event: event.data["n"] % 10 == 7, timeout=20)
    second = feed.wait(timeout=20)
assert second.data["n"] > first.data["n"] and first.data["n"] % 10 == 7
"""
LIVE_VALUES = """
seen = set()
deadline = time.monotonic() + 20
with Producer():
    while len(seen) < 20 and time.monotonic() < deadline:
        if feed.data is not None:
            seen.add(feed.data["n"])
        time.sleep(0.005)
assert len(seen) >= 20 and feed.count >= 20 and feed.state == "open", (seen, feed)
"""
ASYNC_LOOP = """
got = []
with Producer():
    async for event in feed:
        got.append(event.data["n"])
        if len(got) == 50:
            break
assert consecutive(got), got
"""
AWAIT_NEXT = """
with Producer():
    first = await asyncio.wait_for(feed.next(), 20)
    second = await asyncio.wait_for(feed.next(), 20)
assert second.data["n"] > first.data["n"]
"""
AFTER_SETTING_A_TRAIT = """
feed.title = "set by the cell"
got = []
with Producer():
    async for event in feed:
        got.append(event.data["n"])
        feed.title = f"event {len(got)}"
        if len(got) == 30:
            break
    await asyncio.sleep(0.2)
    feed.height = "300px"
    with feed.subscribe() as events:
        for _ in range(5):
            got.append((await asyncio.wait_for(events.anext(), 20)).data["n"])
assert consecutive(got[:30]) and consecutive(got[30:]), got
"""
BUSY_CELLS = [LOOP, WAIT, LIVE_VALUES, ASYNC_LOOP, AWAIT_NEXT, AFTER_SETTING_A_TRAIT, LOOP]


def test_a_busy_cell_sees_events_while_it_runs(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, *BUSY_CELLS, kernel=kernel_name)
    for index in range(1 + len(BUSY_CELLS)):
        notebook.run(index)


def test_so_it_does_when_all_cells_are_run_at_once(open_notebook, kernel_name):
    """The page's messages over the comm wait behind the cells that are queued already; nothing may need them."""
    notebook = open_notebook(SETUP, *BUSY_CELLS, kernel=kernel_name)
    notebook.run_all(timeout_s=60)


CALLBACKS = """
calls, observed, threads, at_once = [], [], set(), []
feed = sse.SSEWidget(prices, after="newest")

@feed.on("trade")
def trade(event):
    calls.append(event.data["n"])
    threads.add(threading.current_thread().name)

@feed.on("trade", thread=True)
def worker(event):
    at_once.append((event.data["n"], threading.current_thread() is not threading.main_thread()))

def observer(change):
    observed.append((change.new.data["n"], feed.event.data["n"], feed.data["n"]))
feed.observe(observer, "event")
feed
"""
BUSY = """
for n in range(500):
    prices.push({"n": n}, type="trade")
prices.drain(timeout=20)
while len(at_once) < 500:
    time.sleep(0.01)
during = len(calls), len(observed)
"""


def test_callbacks_run_on_the_main_thread_after_the_cell_and_those_with_thread_at_once(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, CALLBACKS, BUSY, kernel=kernel_name)
    notebook.run_all()
    notebook.kernel.wait_for("len(calls) == 500 and len(observed) == 500")
    assert notebook.kernel.value("list(during)") == [0, 0]
    assert notebook.kernel.value("calls == list(range(500))")
    assert notebook.kernel.value("observed == [(n, n, n) for n in range(500)]")
    assert notebook.kernel.value("list(threads)") == ["MainThread"]
    assert notebook.kernel.value("at_once == [(n, True) for n in range(500)]")


AWAITING = """
for n in range(500):
    prices.push({"n": n}, type="trade")
for _ in range(2000):
    if len(calls) == 500:
        break
    await asyncio.sleep(0.01)
during = len(calls), len(observed)
"""


def test_callbacks_run_while_a_cell_awaits(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, CALLBACKS, AWAITING, kernel=kernel_name)
    notebook.run_all()
    assert notebook.kernel.value("list(during)") == [500, 500]


WAITING = {
    "for": "print('waiting')\nfor event in feed: pass",
    "wait": "print('waiting')\nfeed.wait(timeout=600)",
    "await": "print('waiting')\nawait feed.next()",
    "async for": "print('waiting')\nasync for event in feed: pass",
}


def test_interrupting_ends_a_wait_at_once_and_the_widget_goes_on(open_notebook, kernel_name):
    notebook = open_notebook(SETUP, *WAITING.values(), LOOP, kernel=kernel_name)
    notebook.run(0)
    for index in range(1, 1 + len(WAITING)):
        run = notebook.run_async(index)
        notebook.wait(f"rig.outputs('{notebook.file.name}', {index}).length > 0", "the cell to wait")
        notebook.interrupt_kernel()
        run.wait(timeout_s=3)
        errors = [each["ename"] for each in notebook.outputs(index) if each["output_type"] == "error"]
        assert errors[0] in {"KeyboardInterrupt", "CancelledError"}
    notebook.run(1 + len(WAITING))
