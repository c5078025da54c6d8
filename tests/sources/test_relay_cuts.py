"""Many events through a proxy that cuts the connection again and again; and more than anybody can read."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.event import Gap
from sse_widget.outside import relay
from tests.conftest import eventually
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy
from tests.sources.upstream import OK, Upstream

if TYPE_CHECKING:
    import socket

    from sse_widget.session import Session

MIB = 1 << 20
BLOCK = 500
MANNERS = ("reset", "close")

CHILD = """
import gc, json, sys
import psutil, sse_widget
from sse_widget.core.event import Gap

url, total = sys.argv[1], int(sys.argv[2])
channel = sse_widget.channel("c", history=10**6, history_bytes=32 << 20)
reader = channel.subscribe()
gc.collect()
process = psutil.Process()
before = most = process.memory_info().rss
sse_widget.relay(url, into=channel)
expected, lost, wrong = 1, 0, []
while expected <= total:
    event = reader.next(60)
    if isinstance(event, Gap):
        lost += 1
        wrong.append([expected, event.lost, event.in_band])
        expected += event.lost or 0
        continue
    if event.data != {"n": expected}:
        wrong.append([expected, event.data])
        break
    expected += 1
    if expected % 20_000 == 0:
        most = max(most, process.memory_info().rss)
source = channel.source
stats = source.stats()
source.stop()
print(json.dumps({
    "expected": expected, "wrong": wrong, "grown": most - before, "events": stats.events, "lost": stats.lost,
    "connections": stats.connections, "faults": stats.faults, "last": stats.last_event_id,
}))
"""


class Numbers(Upstream):
    """Sends `total` numbered events, from behind `Last-Event-ID`, as fast as they are taken."""

    def __init__(self, total: int) -> None:
        super().__init__(self._send)
        self.total = total
        self.sent = 0  # the highest number so far

    def _send(self, sock: socket.socket) -> None:
        number = int(self.asked[-1].headers.get("last-event-id", "0"))
        if number >= self.total:
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        sock.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while number < self.total:
            until = min(number + BLOCK, self.total)
            block = b"".join(
                b'data: {"n":%d}\nretry: 1\nid: %d\n\n' % (each, each) for each in range(number + 1, until + 1)
            )
            sock.sendall(b"%x\r\n%b\r\n" % (len(block), block))
            number = until
            self.sent = max(self.sent, number)
        sock.sendall(b"0\r\n\r\n")


def relayed(total: int, n_cuts: int, timeout_s: float) -> dict[str, Any]:
    """Relay that many events in a process of its own, through so many cuts; return what it says of them."""
    with Numbers(total) as upstream, CuttingProxy(seed=4) as proxy:
        proxy.target_port = upstream.port
        command = [sys.executable, "-c", CHILD, f"{proxy.url}/events", str(total)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - ours
            manners = itertools.cycle(MANNERS)
            for number in range(0, n_cuts, 12):  # a dozen at once, and all of them in the first half of the stream
                begin = total * number // (2 * n_cuts)
                eventually(lambda begin=begin: upstream.sent >= begin, f"{begin} events", timeout_s)  # type: ignore[misc]
                proxy.cut([Cut("stream", next(manners)) for _ in range(12)])  # type: ignore[arg-type]  # one of two
                proxy.wait_for_cuts(number + 12, timeout_s)
            answer, _ = child.communicate(timeout=timeout_s)
    found: dict[str, Any] = json.loads(answer)
    return found


def check(found: dict[str, Any], total: int, n_cuts: int) -> None:
    assert found["wrong"] == []
    assert (found["expected"], found["events"], found["last"]) == (total + 1, total, str(total))
    assert (found["lost"], found["connections"] >= n_cuts) == (0, True)
    assert found["grown"] < 96 * MIB  # the history of 32 MiB, and what a kernel needs anyway


@pytest.mark.timeout(90)
def test_fifty_thousand_events_through_a_dozen_cuts_arrive_once_and_in_order() -> None:
    check(relayed(50_000, 12, 60), 50_000, 12)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_events_through_sixty_cuts_arrive_once_and_in_order_in_bounded_memory() -> None:
    check(relayed(1_000_000, 60, 600), 1_000_000, 60)


@pytest.mark.timeout(60)
def test_an_upstream_faster_than_every_reader_costs_them_a_gap_and_nobody_memory(session: Session) -> None:
    channel = session.hub.channel("c", history=2000)
    slow = channel.subscribe()
    with Numbers(100_000) as upstream:
        relay(upstream.url, into=channel)
        assert channel.source is not None
        assert channel.source.result(50) == 100_000
        expected, gaps = 1, 0
        for event in slow.take_all():
            if isinstance(event, Gap):
                assert event.lost is not None
                expected, gaps = expected + event.lost, gaps + 1
            else:
                assert event.data == {"n": expected}
                expected += 1
    assert (expected, gaps) == (100_001, 1)
    stats = channel.stats()
    assert (stats.pushed, stats.held) == (100_000, 2000)
