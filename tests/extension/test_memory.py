"""What a stream costs the Jupyter server: a Jupyter server in a process of its own, and its memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from tests.conftest import eventually
from tests.extension.jupyter import Reached, pose_as_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.session import Session

ROOT = Path(__file__).parent.parent.parent
MB = 1_000_000
EVENT = "x" * (MB - 100)


class Measured(NamedTuple):
    jupyter: Reached
    kernel_id: str
    process: psutil.Process

    def rss(self) -> int:
        return int(self.process.memory_info().rss)


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    command = [sys.executable, "-m", "tests.extension.serve", str(tmp_path)]
    pipe = subprocess.PIPE
    options = {"stdin": pipe, "stdout": pipe, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **options) as process:  # noqa: S603
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        jupyter = Reached(tmp_path, port=told["port"])
        pose_as_kernel(monkeypatch, jupyter, told["kernel_id"])
        yield Measured(jupyter, told["kernel_id"], psutil.Process(process.pid))
        process.communicate()  # closes its stdin, which ends it


@pytest.mark.timeout(60)
def test_a_reader_of_20_kb_a_second_of_a_stream_of_50_mb_does_not_grow_the_server(
    measured: Measured, session: Session
) -> None:
    channel = session.hub.channel("c", history_bytes=80 * MB)
    session.server.start()
    path = f"sse-widget/{measured.kernel_id}/channels/c?after="
    for _ in range(2):  # the first one warms up what is made once
        with measured.jupyter.stream(path) as stream:
            channel.push(EVENT)
            stream.take(1, "message")
    before = measured.rss()
    channel.push_many([EVENT] * 48)
    sock = measured.jupyter.connect(receive_bytes=20_000)
    with sock:
        measured.jupyter.send_head(sock, "GET", path)
        most, read, start = 0, 0, time.monotonic()
        while (elapsed := time.monotonic() - start) < 4:
            if read < 20_000 * elapsed:
                read += len(sock.recv(2000))
            else:
                threading.Event().wait(0.02)  # the reader's own slowness
            most = max(most, measured.rss() - before)
        (reader,) = channel.stats().readers
        assert reader["behind"] > 40  # all the rest waits in the kernel's log
    assert most < 4 * MB
    eventually(lambda: channel.stats().readers == [])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_gibibyte_passes_whole_in_order_and_the_server_does_not_grow(measured: Measured, session: Session) -> None:
    channel = session.hub.channel("c", history_bytes=64 * MB)
    session.server.start()
    n_events = (1 << 30) // len(EVENT) + 1
    with measured.jupyter.stream(f"sse-widget/{measured.kernel_id}/channels/c") as stream:

        def push() -> None:
            for i in range(n_events):
                channel.push({"i": i, "pad": EVENT})
                if i % 16 == 15:
                    channel.drain(60)

        pusher = threading.Thread(target=push, name="sse_widget pusher")
        pusher.start()
        total, most, before = 0, 0, 0
        for i in range(n_events):
            data = stream.take(1, "message")[0].data
            assert data.startswith(f'{{"i":{i},')
            total += len(data)
            stream.raw = b""  # what the test's own client keeps
            if i == 50:
                before = measured.rss()
            most = max(most, measured.rss())
        pusher.join()
    assert total > 1 << 30
    assert most - before < 4 * MB
