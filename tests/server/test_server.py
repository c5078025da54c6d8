"""The server's thread: when it starts, where it listens, how it ends."""

from __future__ import annotations

import errno
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import Any

import psutil
import pytest

from sse_widget.errors import ServerStartError
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Client


def server_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sse_widget server"]


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


# Start and stop


def test_the_server_starts_with_the_first_need_and_not_before(session: Session) -> None:
    channel = session.hub.channel("c")
    channel.push(1)
    assert not session.server.running
    assert server_threads() == []
    assert channel.url == f"{session.server.url}/channels/c"
    assert session.server.running
    assert len(server_threads()) == 1


def test_starting_again_changes_nothing(session: Session) -> None:
    ports = {session.server.start() for _ in range(5)} | {session.server.start(port=1)}
    assert len(ports) == 1
    assert len(server_threads()) == 1


def test_many_threads_start_one_server(session: Session) -> None:
    barrier = threading.Barrier(20)
    ports: list[int] = []

    def start() -> None:
        barrier.wait()
        ports.append(session.server.start())

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ports) == 20
    assert len(set(ports)) == 1
    assert len(server_threads()) == 1


def test_stopping_closes_the_port_and_may_be_repeated(session: Session) -> None:
    session.server.stop()
    port = session.server.start()
    assert not refuses(port)
    for _ in range(3):
        session.server.stop()
        assert not session.server.running
        assert refuses(port)
        assert server_threads() == []


def test_a_stopped_server_starts_again_with_the_same_secrets(session: Session) -> None:
    session.hub.channel("c").push(1)
    before = Client(session)
    session.server.stop()
    client = Client(session)
    with client.stream("/channels/c?after=", bearer=before.guard.bearer) as stream:
        assert stream.next().data == "1"
    assert client.request("GET", "/healthz", headers={"Host": f"127.0.0.1:{client.port}"}).status == 200


def test_stopping_leaves_no_file_open(session: Session) -> None:
    session.hub.channel("c").push(1)
    session.server.start()
    session.server.stop()
    process = psutil.Process()
    before = process.num_fds()
    client = Client(session)
    streams = [client.stream("/channels/c") for _ in range(10)]
    idle = [client.connect() for _ in range(10)]
    session.server.stop()
    for each in (*streams, *idle):
        each.close()
    assert process.num_fds() == before


def test_a_loop_that_does_not_turn_is_not_waited_for(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.server.start()
    loop, held = session.server._loop, threading.Event()
    assert loop is not None
    loop.call_soon_threadsafe(held.wait)
    begin = time.monotonic()
    session.server.stop(timeout_s=0.05)
    assert time.monotonic() - begin < 1
    held.set()
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "the server thread did not end within 0.05 s"
    ]
    eventually(lambda: server_threads() == [], "the end of the thread")


def test_closing_a_session_stops_its_server_and_channels() -> None:
    session = Session()
    channel = session.hub.channel("c")
    port = session.server.start()
    session.close()
    session.close()
    assert refuses(port)
    assert channel.closed


def test_the_server_answers_while_this_thread_computes(session: Session) -> None:
    client = Client(session)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(client.request("GET", "/healthz", bearer=None).status))
    asking.start()
    end = time.monotonic() + 10
    while not answers and time.monotonic() < end:
        sum(range(1000))
    asking.join()
    assert answers == [200]


# The port


def test_a_port_that_is_taken_is_an_error_that_names_it(session: Session) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError) as raised:
            session.server.start(port)
    reason = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    assert str(raised.value) == f"expected to listen on 127.0.0.1:{port}, got {reason!r}"
    assert not session.server.running
    eventually(lambda: server_threads() == [], "the end of the thread")
    assert session.server.start() != port


def test_a_port_can_be_chosen_and_used_again_at_once(session: Session) -> None:
    port = session.server.start()
    session.server.stop()
    assert session.server.start(port) == port
    assert Client(session).request("GET", "/healthz", bearer=None).status == 200


def test_a_server_that_does_not_come_up_is_an_error(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.server.server._START_S", 0.0)
    release = threading.Event()
    monkeypatch.setattr("sse_widget.server.server._listen", lambda _port: _fail_after(release))
    with pytest.raises(ServerStartError, match=r"^expected to listen on 127\.0\.0\.1:\(any port\), got 'no answer'$"):
        session.server.start()
    release.set()
    eventually(lambda: server_threads() == [], "the end of the thread")


def _fail_after(release: threading.Event) -> socket.socket:
    release.wait()
    raise OSError(errno.EADDRINUSE, "too late")


# One for each session


def test_widgets_and_channels_of_a_session_share_one_server(session: Session) -> None:
    urls = {session.hub.channel(name).url.rpartition("/channels/")[0] for name in ("a", "b")}
    urls |= {session.welcome("http://127.0.0.1:{port}")["url"] for _ in range(3)}  # what a widget asks for
    assert urls == {session.server.url}
    assert len(server_threads()) == 1


def test_sessions_have_servers_of_their_own(session: Session) -> None:
    with closing(Session()) as other:
        assert session.server.start() != other.server.start()
        assert len(server_threads()) == 2
        guards = session.server.guard, other.server.guard
        assert len({secret for guard in guards for secret in (guard.bearer, guard.key, guard.server_id)}) == 6


@pytest.mark.parametrize(
    ("name", "path"), [("a b", "a%20b"), ("a/b", "a%2Fb"), ("ü", "%C3%BC"), ("?#%", "%3F%23%25"), ("..", "..")]
)
def test_a_channels_address_holds_no_secret_and_one_segment(session: Session, name: str, path: str) -> None:
    url = session.hub.channel(name).url
    assert url == f"{session.server.url}/channels/{path}"
    assert session.server.guard.bearer not in url


# Another address


@pytest.mark.parametrize(
    ("template", "url", "host"),
    [
        ("http://127.0.0.1:{port}", "http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("http://localhost:{port}/", "http://localhost:{port}", "localhost:{port}"),
        ("http://localhost:9000", "http://localhost:9000", "localhost:9000"),
        ("https://hub.example", "https://hub.example", "hub.example"),
        ("https://hub.example:443", "https://hub.example:443", "hub.example"),
        ("http://hub.example:443", "http://hub.example:443", "hub.example:443"),
        ("http://Hub.Example:80", "http://Hub.Example:80", "hub.example"),
        ("https://p{port}.hub.example", "https://p{port}.hub.example", "p{port}.hub.example"),
        ("http://[::1]:{port}", "http://[::1]:{port}", "[::1]:{port}"),
    ],
)
def test_an_address_that_the_user_names_is_let_in_as_a_browser_writes_it(
    session: Session, template: str, url: str, host: str
) -> None:
    port = str(session.server.start())
    assert session.server.reached_as(template) == url.replace("{port}", port)
    client = Client(session)
    host = host.replace("{port}", port)
    assert client.request("GET", "/healthz", headers={"Host": host}).status == 200
    assert client.request("GET", "/healthz", headers={"Host": f"x{host}"}).status == 403


@pytest.mark.parametrize(
    "template",
    [
        "",
        "localhost:{port}",
        "//localhost:{port}",
        "ftp://localhost:{port}",
        "http://",
        "http://:{port}",
        "http://localhost:{port}/path",
        "http://localhost:{port}?query",
        "http://localhost:{port}#part",
        "http://user:password@localhost:{port}",
        "http://localhost:{port}0000",
        "http://localhost:port",
        "http://[::1",
        "http://localhost:{ports}",
        "http://localhost:{}",
        "http://localhost:{port",
        "http://localhost:{port.real.no}",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_is_refused_before_anything_starts(session: Session, template: str) -> None:
    with pytest.raises(ValueError, match=r"^expected url_template to be an address") as raised:
        session.server.reached_as(template)
    assert str(raised.value) == (
        f"expected url_template to be an address without a path, such as 'http://localhost:{{port}}', got {template!r}"
    )
    assert not session.server.running


@pytest.mark.parametrize("template", [8888, None, b"http://localhost", ["http://localhost"]])
def test_an_address_is_text(session: Session, template: Any) -> None:
    with pytest.raises(TypeError, match=rf"^expected url_template as a str, got {type(template).__name__}$"):
        session.server.reached_as(template)
    assert not session.server.running


# Processes that come of this one

FORK = """
import os, sys, urllib.request
from sse_widget.session import Session

def health(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).read() == b'{"status":"ok"}'

session = Session()
port = session.server.start()
child = os.fork()
if child == 0:
    ok = not session.server.running          # the thread stayed with the parent
    session.server.stop()                    # and is not ours to stop
    own = session.server.start()
    ok = ok and own != port and session.server.running and health(own) and health(port)
    session.close()
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, "the child"
assert session.server.running and session.server.start() == port and health(port), "the parent"
session.close()
"""


def test_a_forked_process_leaves_its_parents_server_alone_and_has_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=19, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


EXIT = """
import sse_widget, threading, time
channel = sse_widget.channel("c")
channel.push(1)
print(channel.url, flush=True)
"""


def test_a_program_that_ends_takes_its_server_with_it() -> None:
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=19, check=True)  # noqa: S603
    assert time.monotonic() - begin < 10
    assert done.stderr == ""
    assert refuses(int(done.stdout.strip().split("/")[2].partition(":")[2]))
