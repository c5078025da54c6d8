"""What goes through the relay: streams as they come, batches, nothing that does not belong to the other side."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sse_widget.extension import handlers
from sse_widget.extension.handlers import RelayHandler
from sse_widget.server import socket as kernel_socket
from tests.conftest import eventually
from tests.extension.fake import FakeKernel, json_answer, say
from tests.extension.jupyter import TOKEN, Jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.session import Session

NONCE = "0123456789abcdef" * 2
LIMIT = 9 << 20


@pytest.fixture(autouse=True)
def _no_relay_is_left_behind() -> Iterator[None]:
    yield
    eventually(lambda: RelayHandler.n_relays == 0, "no relay left")


def base(kernel_id: str) -> str:
    return f"sse-widget/{kernel_id}"


def batch(n_bytes: int) -> bytes:
    """Return a batch for `/received` of exactly this size."""
    return b'{"page":"p"' + b" " * (n_bytes - 12) + b"}"


# Streams


def test_an_event_passes_before_the_next_one_is_pushed(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c") as stream:
        for i in range(20):
            channel.push({"i": i})
            assert json.loads(stream.take(1, "message")[0].data) == {"i": i}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_no_proxy_keeps_a_connection_for_another_request(
    jupyter: Jupyter, kernel_id: str, method: str, kernel: Session
) -> None:
    """Tornado drops a connection whose request it has not read to the end; the next request would find it dead."""
    kernel.server.start()
    answer = jupyter.request(method, f"{base(kernel_id)}/whoami?n={NONCE}", None if method == "GET" else b"{}")
    assert answer.headers["connection"] == "close"


def test_a_stream_keeps_the_headers_that_proxies_obey_and_is_never_compressed(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c", {"Accept-Encoding": "gzip, br"}) as stream:
        headers = stream.answer.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers.get("content-encoding") is None


def test_a_jupyter_server_that_compresses_everything_does_not_compress_streams(
    jupyter: Jupyter, kernel: Session, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tornado.web import GZipContentEncoding  # noqa: PLC0415

    monkeypatch.setattr(jupyter.app.web_app, "transforms", [GZipContentEncoding])
    monkeypatch.setitem(jupyter.app.web_app.settings, "compress_response", True)
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c", {"Accept-Encoding": "gzip"}) as stream:
        channel.push(1)
        assert stream.take(1, "message")[0].data == "1"


def test_several_channels_come_in_packs_and_with_the_pages_cursors(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    a, b = kernel.hub.channel("Börse/ü & 100 %?"), kernel.hub.channel("b")
    a.push_many(range(5))
    query = f"client=p&channel=B%C3%B6rse%2F%C3%BC+%26+100+%25%3F&after={a.epoch}-2&channel=b&after="
    with jupyter.stream(f"{base(kernel_id)}/events?_xsrf=whatever&{query}") as stream:
        assert json.loads(stream.next().data) == {"channels": {a.name: f"{a.epoch}-2", "b": f"{b.epoch}-0"}}
        (pack,) = stream.packs(5)
        assert [data for _, _, data in pack["events"]] == [2, 3, 4]
        b.push("x")
        assert stream.packs(1)[0]["channel"] == "b"


@pytest.mark.parametrize("good", [True, False])
def test_a_ticket_opens_a_stream_once_on_this_way_too(
    jupyter: Jupyter, kernel: Session, kernel_id: str, good: bool
) -> None:
    kernel.hub.channel("c")
    wanted = {"client": "p", "channels": ["c" if good else "d"]}
    answer = jupyter.request("POST", f"{base(kernel_id)}/tickets", wanted, token=TOKEN)
    assert answer.status == (200 if good else 404)
    path = f"{base(kernel_id)}/events?ticket={answer.json().get('ticket', 'x')}&client=p&channel=c&after="
    if good:
        with jupyter.stream(path) as stream:
            assert stream.next().type == "open"
    assert jupyter.request("GET", path, token=TOKEN).status == 403


def test_a_plain_stream_resumes_with_last_event_id(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("Börse/ü")
    second = channel.push_many(range(4))[1]
    path = f"{base(kernel_id)}/channels/B%C3%B6rse%2F%C3%BC"
    with jupyter.stream(path, {"Last-Event-ID": second.id}) as stream:
        assert [event.data for event in stream.take(2, "message")] == ["2", "3"]


def test_a_megabyte_event_and_many_small_ones_arrive_whole_and_in_order(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c") as stream:
        channel.push("x" * 1_000_000)
        channel.push_many(range(20_000))
        first, *rest = stream.take(20_001, "message")
        assert len(json.loads(first.data)) == 1_000_000
        assert [int(event.data) for event in rest] == list(range(20_000))


def test_the_kernel_proves_itself_through_the_relay(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    answer = jupyter.request("GET", f"{base(kernel_id)}/whoami?n={NONCE}", token=TOKEN)
    guard = kernel.server.guard
    assert (answer.status, answer.json()) == (200, {"server": guard.server_id, "mac": guard.prove(NONCE)})


@pytest.mark.usefixtures("kernel")
def test_a_batch_goes_back_to_python(jupyter: Jupyter, kernel_id: str) -> None:
    body = {"page": "p", "feeds": {"gone": {}}, "wanted": [], "packs": []}
    answer = jupyter.request("POST", f"{base(kernel_id)}/received", body, token=TOKEN)
    assert (answer.status, answer.json()) == (200, {"feeds": {"gone": None}})


# The ends


def test_fifty_readers_that_leave_are_forgotten_by_the_kernel(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    channel = kernel.hub.channel("c")
    for _ in range(50):
        with jupyter.stream(f"{base(kernel_id)}/channels/c") as stream:
            assert stream.last_event_id == ""
            eventually(lambda: len(channel.stats().readers) == 1)
        eventually(lambda: channel.stats().readers == [])


def test_fifty_readers_at_once_that_leave_are_forgotten_by_the_kernel(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    channel = kernel.hub.channel("c")
    streams = [jupyter.stream(f"{base(kernel_id)}/channels/c") for _ in range(50)]
    eventually(lambda: len(channel.stats().readers) == 50)
    for stream in streams:
        stream.close()
    eventually(lambda: channel.stats().readers == [])


def test_a_reader_that_reads_nothing_and_leaves_is_forgotten(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("c")
    sock = jupyter.connect(receive_bytes=4096)
    jupyter.send_head(sock, "GET", f"{base(kernel_id)}/channels/c")
    eventually(lambda: len(channel.stats().readers) == 1)
    for _ in range(30):
        channel.push("x" * 900_000)
    sock.close()
    eventually(lambda: channel.stats().readers == [])


def test_the_browser_is_cut_when_the_kernel_goes(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c") as stream:
        channel.push(1)
        stream.take(1, "message")
        kernel.server.stop()
        with pytest.raises((EOFError, ConnectionError)):
            stream.take(1)
        assert not stream.ended  # cut, not brought to an end: the page must not take it for one
    answer = jupyter.request("GET", f"{base(kernel_id)}/whoami?n={NONCE}", token=TOKEN)
    assert answer.status == 404


def test_the_stream_of_a_page_is_ended_when_the_kernel_cuts_it(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/events?channel=c&after=") as stream:
        channel.push(1)
        stream.take(1, "pack")
        kernel.server.call(lambda state: [each.cut() for each in list(state.streams)] and None)
        with pytest.raises(EOFError):
            stream.take(1, "pack")
        assert stream.ended  # or a proxy that does not pass a cut on would let the page wait


def test_a_stream_that_ends_is_ended(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"{base(kernel_id)}/channels/c") as stream:
        channel.close()
        assert [event.type for event in stream.take(1, "ended")] == ["ended"]
        with pytest.raises(EOFError):
            stream.next()
        assert stream.ended


def test_a_kernel_that_closes_before_it_answers_is_a_bad_gateway(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, lambda connection, _head: connection.shutdown(socket.SHUT_RDWR)):
        answer = jupyter.request("GET", f"{base(kernel_id)}/events", token=TOKEN)
    assert (answer.status, answer.json()) == (502, {"error": "expected an answer of the kernel's server, got none"})


def test_a_socket_that_nobody_listens_on_is_a_bad_gateway(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, say(b"")) as fake:
        fake.path.unlink()
        answer = jupyter.request("GET", f"{base(kernel_id)}/events", token=TOKEN)
    assert answer.status == 502
    assert answer.json() == {"error": "expected the kernel's server to answer, got StreamClosedError"}


def test_a_kernel_that_never_answers_is_given_up(
    jupyter: Jupyter, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "HEADERS_S", 0.2)
    with FakeKernel(jupyter, kernel_id, lambda _connection, _head: None) as fake:
        answer = jupyter.request("GET", f"{base(kernel_id)}/events", token=TOKEN)
        assert answer.status == 502
        assert fake.gone.wait(10)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_nonsense_is_a_bad_gateway(jupyter: Jupyter, kernel_id: str, answer: bytes) -> None:
    with FakeKernel(jupyter, kernel_id, say(answer)):
        assert jupyter.request("GET", f"{base(kernel_id)}/events", token=TOKEN).status == 502


def test_an_answer_that_announces_itself_is_waited_for(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, say(b"HTTP/1.1 100 Continue\r\n\r\n" + json_answer(b'{"a":1}'))):
        answer = jupyter.request("GET", f"{base(kernel_id)}/whoami", token=TOKEN)
    assert (answer.status, answer.json()) == (200, {"a": 1})


def test_more_relays_than_file_descriptors_allow_are_refused(
    jupyter: Jupyter, kernel: Session, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "MAX_RELAYS", 2)
    kernel.hub.channel("c")
    path = f"{base(kernel_id)}/channels/c"
    with jupyter.stream(path), jupyter.stream(path):
        answer = jupyter.request("GET", path, token=TOKEN)
        assert (answer.status, answer.json()) == (503, {"error": "expected at most 2 requests at a time, got one more"})
    eventually(lambda: RelayHandler.n_relays == 0)
    with jupyter.stream(path):
        pass


# What the other side gets to see


def test_the_kernel_sees_nothing_of_the_browsers_login(jupyter: Jupyter, kernel_id: str) -> None:
    cookies = jupyter.log_in()
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-XSRFToken": cookies["_xsrf"],
        "Authorization": f"token {TOKEN}",
        "Referer": f"http://127.0.0.1:{jupyter.port}{jupyter.base_url}lab",
        "Accept": "text/event-stream",
        "Last-Event-ID": "e-1",
        "User-Agent": "browser",
        "X-Forwarded-For": "10.0.0.1",
        "X-Custom": "1",
    }
    query = f"token={TOKEN}&_xsrf={cookies['_xsrf']}&n=1&ticket=t&client=p&channel=c&after=&after=e-2&x=y"
    with FakeKernel(jupyter, kernel_id, say(json_answer(b"{}"))) as fake:
        assert jupyter.request("GET", f"{base(kernel_id)}/events?{query}", headers=headers).status == 200
        (request,) = fake.requests
    line, *fields = request.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert line == "GET /events?ticket=t&client=p&channel=c&after=&after=e-2 HTTP/1.1"
    assert sorted(fields) == [
        "Accept: text/event-stream",
        f"Authorization: Bearer {fake.guard.bearer}",
        "Host: kernel.sse-widget",
        "Last-Event-Id: e-1",
    ]


def test_the_kernel_sees_of_a_batch_its_type_its_length_and_its_bytes(jupyter: Jupyter, kernel_id: str) -> None:
    cookies = jupyter.log_in()
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    headers |= {"X-XSRFToken": cookies["_xsrf"], "Content-Type": "application/json"}
    with FakeKernel(jupyter, kernel_id, say(json_answer(b"{}"))) as fake:
        path = f"{base(kernel_id)}/received?_xsrf={cookies['_xsrf']}"
        assert jupyter.request("POST", path, b'{"page":"p"}', headers=headers).status == 200
        eventually(lambda: fake.requests[0].endswith(b'{"page":"p"}') or fake.gone.is_set())
        head = fake.requests[0].partition(b"\r\n\r\n")[0].decode()
    line, *fields = head.split("\r\n")
    assert line == "POST /received HTTP/1.1"
    assert sorted(fields) == [
        f"Authorization: Bearer {fake.guard.bearer}",
        "Content-Length: 12",
        "Content-Type: application/json",
        "Host: kernel.sse-widget",
    ]


def test_the_browser_sees_nothing_of_the_kernels_headers_but_what_a_stream_needs(
    jupyter: Jupyter, kernel_id: str
) -> None:
    evil = "Set-Cookie: _xsrf=evil\r\nLocation: https://evil.example/\r\nServer: secret/1\r\nX-More: 1\r\n"
    evil += "Access-Control-Allow-Origin: *\r\nContent-Security-Policy: default-src *\r\n"
    extra = f"{evil}Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    with FakeKernel(jupyter, kernel_id, say(json_answer(b'{"a":1}', extra))):
        answer = jupyter.request("GET", f"{base(kernel_id)}/whoami?token={TOKEN}")
    assert (answer.status, answer.json()) == (200, {"a": 1})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "evil" not in str(answer.headers)
    assert {"location", "x-more"} & set(answer.headers) == set()
    assert answer.headers["server"] != "secret/1"
    assert answer.headers["access-control-allow-origin"] != "*"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/javascript", ""])
def test_nothing_that_a_browser_would_show_or_run_comes_back(jupyter: Jupyter, kernel_id: str, kind: str) -> None:
    content = b"<script>alert(1)</script>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    with FakeKernel(jupyter, kernel_id, say(head.encode() + content)):
        answer = jupyter.request("GET", f"{base(kernel_id)}/whoami", token=TOKEN)
    assert answer.status == 502
    assert b"script" not in answer.body


# Bodies


def test_a_batch_of_nine_megabytes_passes_and_one_byte_more_is_refused_unread(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    path = f"{base(kernel_id)}/received"
    assert kernel.server.running
    answer = jupyter.request("POST", path, batch(LIMIT), token=TOKEN)
    assert (answer.status, answer.json()) == (200, {"feeds": {}})
    with jupyter.connect() as sock:
        jupyter.send_head(sock, "POST", path, {"Content-Length": str(LIMIT + 1), "Content-Type": "application/json"})
        told = sock.recv(1 << 16)  # although not a byte of the body has been sent
    assert told.startswith(b"HTTP/1.1 413 ")
    assert f"expected a body of at most {LIMIT} bytes, got {LIMIT + 1}".encode() in told


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Transfer-Encoding": "chunked"}, 411),
        ({}, 411),
        ({"Content-Length": "9" * 30}, 413),
        ({"Content-Length": "-1"}, 413),
        ({"Content-Length": "1e3"}, 413),
    ],
)
def test_a_body_whose_length_is_not_known_is_refused(
    jupyter: Jupyter, kernel: Session, kernel_id: str, headers: dict[str, str], status: int
) -> None:
    assert kernel.server.running
    with jupyter.connect() as sock:
        jupyter.send_head(sock, "POST", f"{base(kernel_id)}/received", headers)
        assert sock.recv(1 << 16).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_get_has_no_body(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, say(json_answer(b"{}"))) as fake:
        answer = jupyter.request("GET", f"{base(kernel_id)}/whoami", b"x", token=TOKEN)
    assert answer.status == 413
    assert fake.requests == []


def test_a_body_that_stops_coming_ends_with_the_kernels_patience(
    jupyter: Jupyter, session: Session, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_socket, "_BODY_S", 0.3)
    pose = jupyter.runtime_dir / f"kernel-{kernel_id}.json"
    monkeypatch.setattr(kernel_socket.runtime, "connection_file", lambda: pose)
    session.server.start()
    with jupyter.connect() as sock:
        headers = {"Content-Length": "1000", "Content-Type": "application/json"}
        jupyter.send_head(sock, "POST", f"{base(kernel_id)}/received", headers)
        sock.sendall(b"{")
        told = b"".join(iter(lambda: sock.recv(1 << 16), b""))  # to the end: the connection is closed too
    assert told.startswith(b"HTTP/1.1 502 ")


def test_a_browser_that_leaves_in_the_middle_of_a_body_closes_the_upstream(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, lambda _connection, _head: None) as fake:
        with jupyter.connect() as sock:
            headers = {"Content-Length": "1000", "Content-Type": "application/json"}
            jupyter.send_head(sock, "POST", f"{base(kernel_id)}/received", headers)
            sock.sendall(b"{")
            eventually(lambda: len(fake.requests) == 1)
        assert fake.gone.wait(10)


def test_a_kernel_that_reads_slowly_holds_the_body_up(jupyter: Jupyter, kernel_id: str) -> None:
    """The Jupyter server keeps none of it: what the kernel has not read stays with the browser."""
    go_on = threading.Event()

    def read_later(connection: socket.socket, head: bytes) -> None:
        assert go_on.wait(10)
        rest = 8 << 20
        rest -= len(head.partition(b"\r\n\r\n")[2])
        while rest:
            rest -= len(connection.recv(min(rest, 1 << 16)))
        connection.sendall(json_answer(b'{"all":true}'))

    with FakeKernel(jupyter, kernel_id, read_later), jupyter.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        headers = {"Content-Length": str(8 << 20), "Content-Type": "application/json"}
        jupyter.send_head(sock, "POST", f"{base(kernel_id)}/received", headers)
        body = memoryview(batch(8 << 20))
        sock.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < len(body):
                sent += sock.send(body[sent : sent + (1 << 16)])
        assert sent < 8 << 20
        go_on.set()
        sock.settimeout(10)
        sock.sendall(body[sent:])
        assert b'{"all":true}' in _until(sock, b"}")


def test_an_answer_that_comes_before_the_body_is_complete_is_passed_on(jupyter: Jupyter, kernel_id: str) -> None:
    with FakeKernel(jupyter, kernel_id, say(json_answer(b'{"error":"no"}').replace(b"200 OK", b"422 No"))) as fake:
        with jupyter.connect() as sock:
            headers = {"Content-Length": "1000", "Content-Type": "application/json"}
            jupyter.send_head(sock, "POST", f"{base(kernel_id)}/received", headers)
            told = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        assert fake.gone.wait(10)
    assert told.startswith(b"HTTP/1.1 422 ")
    assert b'{"error":"no"}' in told


def _until(sock: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        more = sock.recv(1 << 16)
        assert more, received
        received += more
    return received
