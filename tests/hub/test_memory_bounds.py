"""What a channel costs in memory, measured from outside the interpreter, and that many threads lose nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.event import Gap
from sse_widget.hub.memory import DEFAULT_LIMITS

if TYPE_CHECKING:
    from sse_widget.session import Session

pytestmark = pytest.mark.timeout(120)  # on a machine that does something else as well

MIB = 1 << 20

MEASURE = """
import gc, json, socket, sys, time
import psutil
import sse_widget
from sse_widget.session import current

count, kind, options = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
pad = "x" * 1000
make = {
    "of 1 KB": lambda i: {"i": i, "pad": pad},
    "of all sizes": lambda i: {"i": i, "pad": pad[: i * 7919 % 1000]},
    "that are a number": lambda i: i,
    "of 100 KB": lambda i: [i, pad * 100],
}[kind]
channel = sse_widget.channel("c", **options)
channel.push(make(0))
readers = []
if len(sys.argv) > 4:  # somebody on the network who never reads, and somebody in the kernel who never asks
    readers = [channel.subscribe(), socket.create_connection(("127.0.0.1", current().server.start()))]
    bearer = current().server.guard.bearer
    host = f"Host: 127.0.0.1:{current().server.start()}"
    readers[1].sendall(f"GET /channels/c HTTP/1.1\\r\\n{host}\\r\\nAuthorization: Bearer {bearer}\\r\\n\\r\\n".encode())
    while len(channel.stats().readers) < 2:
        time.sleep(0.001)
gc.collect()
process = psutil.Process()
before = most = process.memory_info().rss
for i in range(1, count):
    channel.push(make(i))
    if i % 4000 == 0:
        most = max(most, process.memory_info().rss)
most = max(most, process.memory_info().rss)
stats = channel.stats()
print(json.dumps({
    "grown": most - before, "pushed": stats.pushed, "held": stats.held, "held_bytes": stats.held_bytes,
    "first": channel.history[0].sequence, "readers": len(stats.readers),
}))
"""


def measure(count: int, kind: str, *more: str, **options: int) -> dict[str, Any]:
    """Push that many events in a process of their own; return by how much it has grown at the most, and the stats."""
    command = [sys.executable, "-c", MEASURE, str(count), kind, json.dumps(options), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_million_events_of_1_kb_grow_the_process_by_the_history_and_no_more() -> None:
    found = measure(1_000_000, "of 1 KB")
    assert found["pushed"] == 1_000_000
    assert found["held_bytes"] <= DEFAULT_LIMITS.max_bytes
    assert found["grown"] <= 1.2 * DEFAULT_LIMITS.max_bytes
    assert found["held"] > 25_000  # the history is full: it is the bound that holds, not a lack of events
    assert found["first"] == 1_000_000 - found["held"] + 1


@pytest.mark.parametrize("kind", ["of all sizes", "that are a number", "of 100 KB"])
def test_the_bound_in_bytes_is_what_the_process_grows_by_whatever_the_events_are(kind: str) -> None:
    found = measure(5_000 if kind == "of 100 KB" else 120_000, kind)
    assert found["held_bytes"] <= DEFAULT_LIMITS.max_bytes
    assert found["held"] <= DEFAULT_LIMITS.max_items
    assert found["grown"] <= 1.2 * max(found["held_bytes"], 0.5 * DEFAULT_LIMITS.max_bytes)


def test_a_smaller_history_grows_the_process_less() -> None:
    found = measure(50_000, "of 1 KB", history_bytes=4 * MIB)
    assert found["held_bytes"] <= 4 * MIB
    assert found["grown"] <= 1.2 * 4 * MIB + MIB  # and what 50,000 pushes leave behind anyway


def test_readers_that_do_not_read_cost_a_few_frames() -> None:
    """A reader is a place in the history: what waits for it is not kept a second time."""
    found = measure(100_000, "of 1 KB", "with readers")
    assert found["readers"] == 2
    assert found["grown"] <= 1.2 * DEFAULT_LIMITS.max_bytes + 8 * MIB


N_THREADS, N_EACH = 8, 10_000


def test_eight_threads_push_ten_thousand_each_and_all_are_stored_in_each_threads_order(session: Session) -> None:
    channel = session.hub.channel("c", history=N_THREADS * N_EACH)
    barrier = threading.Barrier(N_THREADS + 1)
    given: dict[int, list[str]] = {}

    def push(number: int) -> None:
        barrier.wait()
        given[number] = [channel.push([number, i]).id for i in range(N_EACH)]

    threads = [threading.Thread(target=push, args=(number,)) for number in range(N_THREADS)]
    reader = channel.subscribe()
    for thread in threads:
        thread.start()
    barrier.wait()
    seen = [reader.next(10) for _ in range(N_THREADS * N_EACH)]  # while they push
    for thread in threads:
        thread.join()

    stored = channel.history
    assert channel.stats().pushed == len(stored) == N_THREADS * N_EACH
    assert [event.sequence for event in stored] == list(range(1, N_THREADS * N_EACH + 1))
    by_thread: dict[int, list[Any]] = {number: [] for number in range(N_THREADS)}
    for event in stored:
        by_thread[event.data[0]].append(event)
    for number, events in by_thread.items():
        assert [event.data[1] for event in events] == list(range(N_EACH))
        assert [event.id for event in events] == given[number]  # what `push` returned is what was stored
    assert seen == stored
    assert reader.lost == 0


def test_what_is_pushed_together_stays_together(session: Session) -> None:
    channel = session.hub.channel("c")

    def push(number: int) -> None:
        for _ in range(200):
            channel.push_many([number] * 20)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = [event.data for event in channel.history]
    assert len(data) == 4 * 200 * 20
    assert all(len(set(data[start : start + 20])) == 1 for start in range(0, len(data), 20))


def test_a_reader_that_falls_behind_a_full_history_is_told_how_far(session: Session) -> None:
    channel = session.hub.channel("c", history_bytes=MIB)
    reader = channel.subscribe()
    channel.push_many({"pad": "x" * 1000} for _ in range(5000))
    stats = channel.stats()
    assert stats.held_bytes <= MIB
    first, second = reader.next(0), reader.next(0)
    assert isinstance(first, Gap)
    assert first.lost == stats.dropped == 5000 - stats.held
    assert second.sequence == stats.dropped + 1
