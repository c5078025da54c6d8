"""The kernel's unix socket: who can connect, and what is let in there."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sse_widget.server import runtime
from sse_widget.server import socket as kernel_socket
from sse_widget.server.answers import NOT_AUTHORISED
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.session import Session

ID = "01234567-89ab-4cde-8f01-23456789abcd"
NONCE = "0123456789abcdef" * 2
HOST = "kernel.sse-widget"
AS_NOBODY = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path) if path.endswith("socket") else open(path)
    except PermissionError:
        print("refused")
    else:
        print("let in")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a runtime folder that everybody may enter: only what the kernel makes protects it."""
    made = Path(tempfile.mkdtemp(prefix="sse-runtime-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def kernel(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(runtime, "connection_file", lambda: folder / f"kernel-{ID}.json")
    session.server.start()
    return session


def file_in(folder: Path) -> Path:
    return folder / f"sse-widget-{ID}.json"


def socket_in(folder: Path) -> Path:
    found = runtime.read(file_in(folder))
    assert found is not None
    return Path(found.socket)


def ask(folder: Path, line: str, headers: dict[str, str], *more: str, body: bytes = b"") -> bytes:
    """Send a request to the socket, and return the whole answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(socket_in(folder)))
        lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *more]
        sock.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def test_the_socket_and_its_folder_are_this_users_alone(kernel: Session, folder: Path) -> None:
    path = socket_in(folder)
    assert kernel.server.running
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert file_in(folder).stat().st_mode & 0o777 == 0o600
    assert path.parent.parent == folder


def test_another_user_of_the_machine_can_neither_connect_nor_read_the_file(kernel: Session, folder: Path) -> None:
    assert kernel.server.running
    path = socket_in(folder)
    if os.geteuid():  # only root can be somebody else: the modes are what keeps others out
        assert path.parent.stat().st_mode & 0o077 == path.stat().st_mode & 0o077 == 0
        assert file_in(folder).stat().st_mode & 0o077 == 0
        return
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", AS_NOBODY, str(path), str(file_in(folder))], capture_output=True, text=True, check=True
    )
    assert told.stdout.split("\n") == ["refused", "refused", ""]


def test_a_program_that_is_let_in_needs_the_bearer_all_the_same(kernel: Session, folder: Path) -> None:
    right = f"Bearer {kernel.server.guard.bearer}"
    for wrong in ({}, {"Authorization": "Bearer "}, {"Authorization": right[:-1]}, {"Authorization": right + "0"}):
        told = ask(folder, "GET /events?channel=c&after=", {"Host": HOST, **wrong})
        assert told.startswith(b"HTTP/1.1 403 ")
        assert told.endswith(NOT_AUTHORISED)
    told = ask(folder, "GET /events?channel=c&after=", {"Host": HOST, "Authorization": right})
    assert told.startswith(b"HTTP/1.1 404 ")  # there is no such channel


def test_the_proof_needs_no_bearer(kernel: Session, folder: Path) -> None:
    told = ask(folder, f"GET /whoami?n={NONCE}", {"Host": HOST})
    assert told.startswith(b"HTTP/1.1 200 ")
    assert str(kernel.server.guard.prove(NONCE)).encode() in told


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "127.0.0.1:{port}",
        "localhost:{port}",
        "kernel.sse-widget:80",
        "kernel.sse-widget.",
        "Kernel.sse-widget",
        "xkernel.sse-widget",
        "kernel.sse-widget.evil.example",
        "kernel.sse-widge",
        "refused.invalid",
    ],
)
def test_no_other_host_is_let_in_by_the_socket(kernel: Session, folder: Path, host: str) -> None:
    headers = {"Authorization": f"Bearer {kernel.server.guard.bearer}"}
    told = ask(folder, f"GET /whoami?n={NONCE}", {"Host": host.format(port=kernel.server.start()), **headers})
    assert told.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))
    assert b"mac" not in told


def test_two_hosts_are_not_let_in(kernel: Session, folder: Path) -> None:
    assert kernel.server.running
    told = ask(folder, f"GET /whoami?n={NONCE}", {"Host": HOST}, "Host: kernel.sse-widget")
    assert told.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize("origin", ["null", "", "https://evil.example", "http://kernel.sse-widget", "{known}"])
def test_no_origin_is_let_in_by_the_socket_not_even_one_that_the_port_knows(
    kernel: Session, folder: Path, origin: str
) -> None:
    known, guard = "http://localhost:8888", kernel.server.guard
    assert guard.admit(known, NONCE, guard._mac(f"page|{known}|{NONCE}"))
    headers = {"Host": HOST, "Authorization": f"Bearer {guard.bearer}", "Origin": origin.format(known=known)}
    for line in (f"GET /whoami?n={NONCE}", "OPTIONS /received"):
        told = ask(folder, line, headers)
        assert told.startswith(b"HTTP/1.1 403 ")
        assert told.endswith(NOT_AUTHORISED)
    body = b'{"n":"%s","mac":"%s"}' % (NONCE.encode(), guard._mac(f"page|null|{NONCE}").encode())
    headers |= {"Content-Type": "text/plain", "Content-Length": str(len(body))}
    assert ask(folder, "POST /whoami", headers, body=body).startswith(b"HTTP/1.1 403 ")


def test_the_sockets_host_is_not_let_in_by_the_port(kernel: Session) -> None:
    answer = Client(kernel).request("GET", f"/whoami?n={NONCE}", headers={"Host": HOST})
    assert (answer.status, answer.body) == (403, NOT_AUTHORISED)


def test_when_the_server_stops_nothing_is_left(kernel: Session, folder: Path) -> None:
    assert len(list(folder.iterdir())) == 2
    kernel.server.stop()
    assert list(folder.iterdir()) == []
    kernel.server.start()
    assert len(list(folder.iterdir())) == 2


def test_starting_takes_away_what_a_killed_kernel_has_left(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = folder / "sse-widget-stale"
    stale.mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    left = runtime.Runtime.of(session.server.guard, socket_path=str(stale / "socket"))._replace(pid=ended.pid)
    runtime.write(folder / f"sse-widget-{ID.replace('0', '9')}.json", left)
    monkeypatch.setattr(runtime, "connection_file", lambda: folder / f"kernel-{ID}.json")
    session.server.start()
    assert sorted(folder.iterdir()) == sorted([file_in(folder), socket_in(folder).parent])


def test_a_runtime_folder_too_deep_for_a_socket_has_it_among_the_temporary_files(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(runtime, "connection_file", lambda: deep / f"kernel-{ID}.json")
    session.server.start()
    path = socket_in(deep)
    assert path.parent.parent == Path(tempfile.gettempdir())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert ask(deep, f"GET /whoami?n={NONCE}", {"Host": HOST}).startswith(b"HTTP/1.1 200 ")
    session.server.stop()
    assert not path.parent.exists()


def test_where_no_socket_can_be_made_the_port_is_named(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(kernel_socket.netutil, "bind_unix_socket", refuse)
    monkeypatch.setattr(runtime, "connection_file", lambda: folder / f"kernel-{ID}.json")
    port = session.server.start()
    found = runtime.read(file_in(folder))
    assert found is not None
    assert (found.socket, found.port) == ("", port)
    assert list(folder.iterdir()) == [file_in(folder)]


def test_where_nothing_can_be_written_the_server_runs_without(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runtime, "connection_file", lambda: tmp_path / "none" / f"kernel-{ID}.json")
    assert session.server.start()
    assert caplog.messages[0].startswith("the Jupyter server will not find this kernel's server: ")


def test_a_process_that_is_no_kernel_of_a_jupyter_server_has_no_socket(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "connection_file", lambda: tmp_path / "kernel-4711.json")
    assert session.server.start()
    assert list(tmp_path.iterdir()) == []
