"""`sse-widget tail`: what is shown, what is said, and when it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.cli.scripted import STREAM, Scripted, answer
from tests.conftest import eventually
from tests.e2e.rig.cutting_proxy import Cut, CuttingProxy

if TYPE_CHECKING:
    from sse_widget.session import Session
    from tests.cli.conftest import Run

COMMAND = [sys.executable, "-m", "sse_widget.cli"]


# A channel


def test_events_are_lines_of_json_in_a_pipe(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    channel.push_many([1, {"a": "ä\u2028"}, "text"])
    assert run("tail", "c", "--after", "oldest", "-n", "3") == (0, '1\n{"a":"ä\u2028"}\n"text"\n', "")


def test_full_lines_have_type_and_id(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    channel.push({"a": 1}, type="trade")
    told = run("tail", "c", "--after", "oldest", "-n", "1", "--full")
    assert json.loads(told.out) == {"id": channel.newest_id, "type": "trade", "data": {"a": 1}}


def test_it_begins_after_the_event_that_is_named(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    events = channel.push_many(range(10))
    assert run("tail", "c", "--after", events[6].id, "-n", "3").out == "7\n8\n9\n"


def test_other_types_are_left_out(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    for i in range(9):
        channel.push(i, type=f"t{i % 3}")
    told = run("tail", "c", "--after", "oldest", "--type", "t1", "--type", "t2", "-n", "4")
    assert told.out == "1\n2\n4\n5\n"


def test_it_ends_with_the_channel(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    channel.push(1)
    channel.close()
    assert run("tail", "c", "--after", "oldest") == (0, "1\n", "")


def test_gaps_are_said_on_the_standard_error(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c", history=2)
    events = channel.push_many(range(10))
    told = run("tail", "c", "--after", events[0].id, "-n", "2")
    assert told == (0, "8\n9\n", f"gap: 7 events lost, up to {events[7].id}\n")
    told = run("tail", "c", "--after", "elsewhere-3", "-n", "2")
    assert told == (0, "8\n9\n", f"gap: an unknown number of events lost, up to {events[7].id}\n")


def test_the_channels_own_address_is_a_stream_of_ours_too(
    run: Run, kernel: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = kernel.hub.channel("ä b")
    channel.push_many(range(3))
    channel.close()
    monkeypatch.setenv("SSE_WIDGET_BEARER", kernel.server.guard.bearer)
    assert run("tail", channel.url, "--after", "oldest") == (0, "0\n1\n2\n", "")


def test_without_the_bearer_it_says_what_is_missing(run: Run, kernel: Session) -> None:
    url = kernel.hub.channel("c").url
    told = run("tail", url)
    assert told == (
        1,
        "",
        f"Error: {url} does not let us in; is SSE_WIDGET_BEARER the one that channel.curl() shows?\n",
    )


def test_a_head_that_has_enough_ends_it_quietly(kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    channel.push_many(range(100_000))
    command = f"set -o pipefail; {sys.executable} -m sse_widget.cli tail c --after oldest | head -n 3"
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=15, check=False)  # noqa: S603, S607
    assert (told.returncode, told.stdout, told.stderr) == (0, "0\n1\n2\n", "")


def test_a_head_that_has_enough_ends_it_although_no_event_comes_any_more(
    kernel: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(kernel.server.limits), "heartbeat_s", 0.5)
    kernel.server.limits = kernel.server.limits._replace(heartbeat_s=0.5)
    state_set = threading.Event()
    kernel.server.call(lambda state: (setattr(state, "limits", kernel.server.limits), state_set.set())[0])
    assert state_set.wait(5)
    channel = kernel.hub.channel("c")
    channel.push(1)
    command = f"set -o pipefail; {sys.executable} -m sse_widget.cli tail c --after oldest | head -n 1"
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=15, check=False)  # noqa: S603, S607
    assert (told.returncode, told.stdout, told.stderr) == (0, "1\n", "")


@pytest.mark.usefixtures("at_once")
def test_a_cut_connection_loses_and_repeats_nothing(run: Run, kernel: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = kernel.hub.channel("c")
    channel.push_many(range(20_000))
    channel.close()
    monkeypatch.setenv("SSE_WIDGET_BEARER", kernel.server.guard.bearer)
    with CuttingProxy(7, "/channels/") as proxy:
        proxy.target_port = kernel.server.start()
        kernel.server.guard.also_reached_as(f"127.0.0.1:{proxy.port}")
        proxy.cut([Cut("stream", manner) for manner in ("reset", "close") * 3])
        told = run("tail", f"{proxy.url}/channels/c", "--after", "oldest", "--full")
        assert len(proxy.done) == 6
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [line["data"] for line in lines] == list(range(20_000))
    assert [line["id"] for line in lines] == [f"{channel.epoch}-{i + 1}" for i in range(20_000)]
    assert told.code == 0
    assert told.err.count("connected again") == 6


def test_a_kernel_that_begins_again_is_found_again_and_the_loss_is_said(kernel: Session, kernels: object) -> None:
    channel = kernel.hub.channel("c")
    channel.push_many(range(3))
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "tail", "c", "--after", "oldest", "-n", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tailing:
        assert tailing.stdout is not None
        assert [tailing.stdout.readline() for _ in range(3)] == ["0\n", "1\n", "2\n"]
        kernel.close()
        again = kernels.start()  # type: ignore[attr-defined]
        again.hub.channel("c").push("again")
        out, err = tailing.communicate(timeout=15)
    assert (out, tailing.returncode) == ('"again"\n', 0)
    assert "gap: an unknown number of events lost" in err


def test_a_terminal_gets_times_types_and_colours_and_nothing_that_does_something_to_it(kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    channel.push({"price": 191.2, "evil": "\x1b[2J\x9b2J\x7f"})
    channel.push([True, None], type="tr\x1bade")
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "40"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "tail", "c", "--after", "oldest", "-n", "2"],
        stdout=follower,
        stdin=subprocess.DEVNULL,
        env=environment,
    ) as tailing:
        assert tailing.wait(15) == 0
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 1 << 16):
            shown += chunk
    except OSError:  # Linux: the other end is closed
        pass
    os.close(leader)
    text = shown.decode()
    assert text.count("\n") == 2
    assert "\x1b[" in text  # colours
    assert "191.2" in text
    assert "tr\\u001bade" in text
    for sequence in ("\x1b[2J", "\x9b", "\x7f", "\x1bade"):
        assert sequence not in text


def test_an_interrupt_ends_it(kernel: Session) -> None:
    kernel.hub.channel("c").push(1)
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "tail", "c", "--after", "oldest"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as tailing:
        assert tailing.stdout is not None
        assert tailing.stdout.readline() == b"1\n"
        tailing.send_signal(2)
        assert tailing.communicate(timeout=10) == (b"", b"")
        assert tailing.returncode == 130


# Other streams


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again without a pause."""
    monkeypatch.setattr("sse_widget.cli.follow.time.sleep", lambda _seconds: None)


@pytest.mark.usefixtures("at_once")
def test_any_stream_is_followed_and_text_becomes_json(run: Run) -> None:
    events = b'id: 1\ndata: {"a":\ndata:  1}\n\n: comment\n\nevent: gap\ndata: plain text\nid: 2\n\ndata: cut'
    with Scripted(STREAM + events, answer(204)) as server:
        told = run("tail", f"{server.url}/a/stream/?x=1&y=%20")
    assert (told.code, told.out) == (0, '{"a":1}\n"plain text"\n')
    assert server.requests[0].startswith(b"GET /a/stream/?x=1&y=%20 HTTP/1.1\r\n")
    assert b"Last-Event-ID" not in server.requests[0]
    assert b"\r\nLast-Event-ID: 2\r\n" in server.requests[1]


@pytest.mark.usefixtures("at_once")
def test_a_server_in_trouble_is_waited_for_and_one_that_refuses_is_not(run: Run) -> None:
    one = STREAM + b"id: 1\ndata: 1\n\n"
    with Scripted(
        one, answer(503, "Retry-After: 1"), b"", answer(429), one.replace(b"1\n\n", b"2\n\n"), answer(404)
    ) as server:
        told = run("tail", server.url)
    assert (told.code, told.out) == (1, "1\n2\n")
    assert told.err.splitlines()[-1] == f"Error: expected a stream from {server.url}, got the status 404"
    assert "answered with the status 503; connecting again in 1.0 s" in told.err


def test_the_pause_is_what_the_stream_asks_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("sse_widget.cli.follow.time.sleep", pauses.append)
    with Scripted(STREAM + b"retry: 12345\nid: 1\n\n", STREAM + b"retry: 99999999\n\n", answer(204)) as server:
        assert run("tail", server.url).code == 0
    assert [round(pause, 3) for pause in pauses] == [12.345, 60]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answer(404), "expected a stream from URL, got the status 404"),
        (answer(503), "expected a stream from URL, got the status 503"),
        (answer(200, "Content-Type: text/html", body=b"<p>"), "expected text/event-stream from URL, got text/html"),
        (answer(403), "URL does not let us in; is SSE_WIDGET_BEARER the one that channel.curl() shows?"),
        (b"nonsense\r\n\r\n", "no answer from nonsense"),
        (STREAM + b"data: " + b"x" * (9 << 20), "the stream cannot be read: expected a line of at most 8388608 bytes"),
    ],
)
def test_what_is_no_stream_is_told_at_once(run: Run, script: bytes, expected: str) -> None:
    with Scripted(script) as server:
        told = run("tail", server.url)
    assert told.code == 1
    assert told.err.startswith(f"Error: {expected.replace('URL', server.url)}")


def test_a_redirect_is_followed_and_takes_no_secret_to_another_origin(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSE_WIDGET_BEARER", "secret")
    with (
        Scripted(answer(204)) as other,
        Scripted(answer(302, "Location: ../b?x"), answer(307, f"Location: {other.url}/c")) as server,
    ):
        headers = ("-H", "Cookie: secret=1", "-H", "X-Kind: a")
        assert run("tail", f"{server.url}/a/stream", *headers).code == 0
    assert [request.split(b"\r\n")[0] for request in server.requests] == [
        b"GET /a/stream HTTP/1.1",
        b"GET /b?x HTTP/1.1",
    ]
    for request in server.requests:
        assert b"\r\nAuthorization: Bearer secret\r\n" in request
        assert b"\r\nCookie: secret=1\r\n" in request
    (asked,) = other.requests
    assert b"secret" not in asked
    assert b"\r\nX-Kind: a\r\n" in asked


def test_redirects_have_an_end(run: Run) -> None:
    with Scripted(*[answer(302, "Location: /again")] * 6) as server:
        told = run("tail", server.url)
    assert told.err == f"Error: expected at most 5 redirects, got more, lastly to {server.url}/again\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["http://a/b", "--url", "http://c"], "expected either --url or the stream's own URL, got both"),
        (["http://u:p@a/b"], "expected an address such as http://127.0.0.1:8000, got 'http://u:p@a/b'"),
        (["http://[/b"], "expected an address such as http://127.0.0.1:8000, got 'http://[/b'"),
        (["http://a/b", "-H", "no header"], "expected a header as 'Name: value', got 'no header'"),
        (["http://a/b", "-H", "a: b\r\nc: d"], "expected a header as 'Name: value', got 'a: b\\r\\nc: d'"),
        (["http://a/b", "--after", "a\nb"], "expected an event id after --after, got 'a\\nb'"),
    ],
)
def test_arguments_that_cannot_be_are_a_mistake_of_usage(run: Run, arguments: list[str], expected: str) -> None:
    told = run("tail", *arguments)
    assert told.code == 2
    assert told.err.splitlines()[-1] == f"Error: {expected}"


def test_an_address_of_another_machine_gets_no_bearer_from_the_environment(kernel: Session) -> None:
    from sse_widget.cli.where import Where  # noqa: PLC0415

    given = Where(bearer="secret")
    assert given.door_of("https://example.org/x").bearer == "secret"
    environment = given.with_bearer_from_environment()
    assert environment.door_of("https://example.org/x").bearer == ""
    assert environment.door_of("http://127.0.0.1.example.org/x").bearer == ""
    assert environment.door_of("http://localhost:8000/x").bearer == "secret"
    eventually(lambda: kernel.server.running)


def test_a_terminal_is_recognised(run: Run, kernel: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as in a terminal of its own, in this process."""
    channel = kernel.hub.channel("c")
    channel.push({"a": "\x9b"}, type="trade")
    channel.push(2)
    monkeypatch.setattr("sse_widget.cli.tail._is_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    told = run("tail", "c", "--after", "oldest", "-n", "2")
    times = [line[:8] for line in told.out.splitlines()]
    assert [line[9:] for line in told.out.splitlines()] == ['trade {"a":"\\u009b"}', "2"]
    assert all(len(time.split(":")) == 3 for time in times)
    assert run("tail", "c", "--after", "oldest", "-n", "2", "--raw").out == '{"a":"\x9b"}\n2\n'
