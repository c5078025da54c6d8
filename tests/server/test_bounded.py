"""How many connections are taken, and that processes which the kernel starts hold none of them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.server import runtime
from sse_widget.server.bounded import at_most
from sse_widget.server.state import Limits
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "01234567-89ab-4cde-8f01-23456789abcd"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: kernel.sse-widget\r\n\r\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="sse-runtime-"))
    yield made
    shutil.rmtree(made)


def socket_in(folder: Path) -> str:
    found = runtime.read(folder / f"sse-widget-{ID}.json")
    assert found is not None
    return found.socket


def answers(sock: socket.socket) -> bool:
    with sock, suppress(ConnectionError):
        sock.sendall(HEALTH)
        return sock.recv(100).startswith(b"HTTP/1.1 200 ")
    return False


def at_socket(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)  # blocking: with a time limit, Linux refuses where many are waiting
    except OSError:
        sock.close()
        raise
    sock.settimeout(10)
    return sock


def test_connections_of_the_socket_are_bounded_and_those_that_leave_make_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "connection_file", lambda: folder / f"kernel-{ID}.json")
    session = Session(Limits(max_socket_connections=5))
    try:
        client = Client(session)
        path = socket_in(folder)
        idle = [at_socket(path) for _ in range(5)]
        eventually(lambda: not answers(at_socket(path)), "the sixth connection to be closed")
        assert client.request("GET", "/healthz", bearer=None).status == 200  # the port has its own
        for sock in idle:
            sock.close()
        eventually(lambda: answers(at_socket(path)), "room for a new connection")
    finally:
        session.close()


def test_1000_idle_connections_at_each_door_hold_nobody_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))  # both ends are in this process
    monkeypatch.setattr(runtime, "connection_file", lambda: folder / f"kernel-{ID}.json")
    session = Session()
    try:
        client = Client(session)
        path = socket_in(folder)
        with ExitStack() as stack:
            for _ in range(1000):
                stack.enter_context(client.connect())
            for _ in range(999):
                stack.enter_context(at_socket(path))
            channel = session.hub.channel("c")
            stream = stack.enter_context(client.stream("/channels/c"))
            channel.push("through")
            assert json.loads(stream.take(1, "message")[0].data) == "through"
            assert answers(at_socket(path))
    finally:
        session.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_more_connections_are_taken_than_a_share_of_what_the_process_may_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, 4096))
    assert (at_most(4000, 2), at_most(1000, 4), at_most(5, 2)) == (512, 256, 5)
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert at_most(4000, 2) == 4000
    monkeypatch.setattr(sys, "platform", "win32")
    assert at_most(4000, 2) == 4000


# A kernel that starts processes

KERNEL = """
import json, multiprocessing, os, subprocess, sys, time, warnings
from pathlib import Path
from sse_widget.server import runtime
from sse_widget.session import Session

warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads; users fork all the same
runtime.connection_file = lambda: Path(sys.argv[1]) / "kernel-01234567-89ab-4cde-8f01-23456789abcd.json"
session = Session()
session.hub.channel("c")
port = session.server.start()
print(json.dumps({"port": port, "bearer": str(session.server.guard.bearer)}), flush=True)
sys.stdin.readline()
if sys.argv[2] == "fork":
    worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    worker.start()
else:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
print(json.dumps({"worker": worker.pid}), flush=True)
sys.stdin.readline()
session.server.stop()
print(json.dumps({"stopped": True}), flush=True)
sys.stdin.readline()
"""


class Kernel:
    """A process with a server, and one that it has started."""

    def __init__(self, folder: Path, how: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", KERNEL, str(folder), how]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603
        told = self.told()
        self.port, self.bearer, self.worker = told["port"], told["bearer"], 0

    def told(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def go_on(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.told()

    def stream(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        head = f"GET /channels/c HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.bearer}\r\n\r\n"
        sock.sendall(head.encode())
        assert b" 200 " in sock.recv(1 << 16)
        return sock

    def end(self) -> None:
        if self.worker:
            os.kill(self.worker, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["fork", "exec"])
def kernel(request: pytest.FixtureRequest, folder: Path) -> Iterator[Kernel]:
    made = Kernel(folder, request.param)
    yield made
    made.end()


def ends(sock: socket.socket) -> None:
    """Fail unless the other side closes; what was on its way still comes."""
    with sock, suppress(ConnectionResetError):
        while sock.recv(1 << 16):
            pass


@pytest.mark.parametrize("killed", [True, False])
def test_what_a_kernel_starts_holds_neither_its_doors_nor_its_streams_open(
    kernel: Kernel, folder: Path, killed: bool
) -> None:
    path = socket_in(folder)
    stream, idle = kernel.stream(), at_socket(path)
    assert answers(at_socket(path))
    kernel.worker = kernel.go_on()["worker"]
    if killed:
        kernel.process.kill()
        kernel.process.wait()
    else:
        assert kernel.go_on()["stopped"]
    ends(stream)
    ends(idle)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", kernel.port), timeout=10)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        at_socket(path)
    os.kill(kernel.worker, 0)  # it is still there


def test_a_kernel_that_has_forked_goes_on_serving(folder: Path) -> None:
    kernel = Kernel(folder, "fork")
    try:
        with kernel.stream():
            kernel.worker = kernel.go_on()["worker"]
            assert answers(at_socket(socket_in(folder)))
            kernel.stream().close()
    finally:
        kernel.end()
