"""Where there are no unix sockets: the kernel's port, and its proof before the bearer."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
from typing import TYPE_CHECKING

import pytest
from tornado import netutil

from sse_widget.server import runtime
from tests.conftest import eventually
from tests.extension.fake import FakeKernel, json_answer
from tests.extension.jupyter import TOKEN, Jupyter, pose_as_kernel

if TYPE_CHECKING:
    from sse_widget.session import Session


@pytest.fixture
def windows(session: Session, jupyter: Jupyter, kernel_id: str, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Return a session that poses as the kernel, on a system without unix sockets."""
    pose_as_kernel(monkeypatch, jupyter, kernel_id)
    with monkeypatch.context() as patch:
        patch.delattr(netutil, "bind_unix_socket")
        session.server.start()
    return session


def test_the_runtime_file_names_the_port_and_the_key(windows: Session, jupyter: Jupyter, kernel_id: str) -> None:
    guard, port = windows.server.guard, windows.server.start()
    found = json.loads(jupyter.runtime_file(kernel_id).read_bytes())
    assert found.pop("pid")
    assert found.pop("node")
    assert found == {
        "url": f"http://127.0.0.1:{port}",
        "key": str(guard.key),
        "bearer": str(guard.bearer),
        "server": guard.server_id,
    }
    windows.server.stop()
    assert runtime.read(jupyter.runtime_file(kernel_id)) is None
    assert not jupyter.runtime_file(kernel_id).exists()


def test_everything_goes_by_the_port(windows: Session, jupyter: Jupyter, kernel_id: str) -> None:
    channel = windows.hub.channel("c")
    with jupyter.stream(f"sse-widget/{kernel_id}/channels/c") as stream:
        channel.push(1)
        assert stream.take(1, "message")[0].data == "1"
    eventually(lambda: channel.stats().readers == [])
    answer = jupyter.request("POST", f"sse-widget/{kernel_id}/received", {"page": "p"}, token=TOKEN)
    assert (answer.status, answer.json()) == (200, {"feeds": {}})


OTHER_KEY = bytes(32)
ANSWERS = {
    "nothing": b"",
    "no proof": json_answer(b"{}"),
    "a proof that is none": json_answer(b'{"mac":"%s"}' % (b"0" * 64)),
    "a proof in no text": json_answer(b'{"mac":1}'),
    "a proof in strange letters": json_answer('{"mac":"ü"}'.encode()),
    "a list": json_answer(b"[]"),
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "far too much": json_answer(b" " * 100_000),
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "an error": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n",
    "no http": b"220 smtp.example ESMTP\r\n\r\n",
}


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("path", ["events", "whoami", "received"])
def test_a_stranger_on_the_port_never_sees_the_bearer(jupyter: Jupyter, kernel_id: str, what: str, path: str) -> None:
    def answer_and_close(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(ANSWERS[what])
        connection.shutdown(socket.SHUT_WR)

    body, method = (b"{}", "POST") if path == "received" else (None, "GET")
    with FakeKernel(jupyter, kernel_id, answer_and_close, by_port=True) as stranger:
        answer = jupyter.request(method, f"sse-widget/{kernel_id}/{path}", body, token=TOKEN)
        assert answer.status == 502
        assert answer.json() == {"error": "expected the kernel's server to answer, got NoAnswer"}
        seen = b"".join(stranger.requests)
    assert re.fullmatch(rb"GET /whoami\?n=[0-9a-f]{32} HTTP/1\.1\r\nHost: 127\.0\.0\.1:[0-9]+\r\n\r\n", seen)


def test_a_proof_under_another_key_is_none(jupyter: Jupyter, kernel_id: str) -> None:
    def prove(connection: socket.socket, head: bytes) -> None:
        nonce = head.split(b"n=")[1][:32]
        mac = hmac.new(OTHER_KEY, b"server|" + nonce, hashlib.sha256).hexdigest()
        connection.sendall(json_answer(json.dumps({"mac": mac}).encode()))

    with FakeKernel(jupyter, kernel_id, prove, by_port=True) as stranger:
        assert jupyter.request("GET", f"sse-widget/{kernel_id}/events", token=TOKEN).status == 502
        assert stranger.guard.bearer.encode() not in b"".join(stranger.requests)
