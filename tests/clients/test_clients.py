"""Other people's clients, as they are, against our server: the same events, the same ids, and on after a cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import eventually
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.session import Session

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
NODE = [str(ROOT / "tools" / "with_node"), "node"]
CLIENTS = {
    "curl": [str(FOLDER / "curl.sh")],
    "httpx-sse": [sys.executable, str(FOLDER / "python_httpx_sse.py")],
    "sseclient-py": [sys.executable, str(FOLDER / "python_sseclient.py")],
    "eventsource": [*NODE, str(FOLDER / "eventsource.mjs")],
    "eventsource-client": [*NODE, str(FOLDER / "eventsource-client.mjs")],
    "fetch-event-source": [*NODE, str(FOLDER / "fetch-event-source.mjs")],
}
COUNT = 3000
TEXTS = ["", "plain", "ä 🎈 \u2028\u2029\u0085", "a\r\nb\rc\n\nd", ': data: x\nid: y"\\', "\x00\x1b\x7f", "x" * 300]

each_client = pytest.mark.parametrize("command", CLIENTS.values(), ids=CLIENTS.keys())


@pytest.fixture(autouse=True, scope="module")
def _everything_is_installed() -> None:
    assert shutil.which("curl"), "curl is missing; apt-get install curl"
    assert (FOLDER / "node_modules").exists(), "the npm clients are missing; make clients"


@pytest.fixture
def proxy(session: Session) -> Iterator[CuttingProxy]:
    with CuttingProxy(4, "/channels/") as made:
        made.target_port = session.server.start()
        session.server.guard.also_reached_as(f"127.0.0.1:{made.port}")
        yield made


@each_client
@pytest.mark.parametrize("cuts", [[], ["reset", "close", "reset"]], ids=["whole", "cut"])
@pytest.mark.timeout(90)
def test_a_client_of_other_people_gets_the_same_events_with_the_same_ids(
    session: Session, proxy: CuttingProxy, command: list[str], cuts: list[str]
) -> None:
    channel = session.hub.channel("c")
    for i in range(COUNT // 2):
        channel.push({"i": i, "text": TEXTS[i % len(TEXTS)]}, type=("message", "trade")[i % 2])
    proxy.cut([Cut("stream", manner) for manner in cuts])  # type: ignore[arg-type]
    url = f"{proxy.url}/channels/c?after="
    with subprocess.Popen(  # noqa: S603
        [*command, url, str(session.server.guard.bearer)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as client:
        told: list[str] = []
        assert client.stdout is not None
        reading = threading.Thread(target=told.extend, args=(client.stdout,))
        reading.start()
        eventually(lambda: proxy.accepted > 0, "a connection", 30)
        for i in range(COUNT // 2, COUNT):  # live
            channel.push({"i": i, "text": TEXTS[i % len(TEXTS)]}, type=("message", "trade")[i % 2])
        proxy.wait_for_cuts(len(cuts), 30)
        channel.close()
        assert client.wait(40) == 0
        reading.join()
    expected = [{"type": event.type, "data": event.data, "id": event.id} for event in channel.history]
    assert len(expected) == COUNT
    assert [json.loads(line) for line in told] == expected
    assert proxy.requests["/channels/c"] == len(cuts) + 1
