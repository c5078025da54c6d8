"""`sse-widget push`: each line an event, once, in order, whatever breaks on the way."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sse_widget.cli import push as push_module
from sse_widget.core.event import Gap
from sse_widget.server.ledger import Ledger
from tests.conftest import eventually

if TYPE_CHECKING:
    from sse_widget.session import Session
    from tests.cli.conftest import Kernels, Run

COMMAND = [sys.executable, "-m", "sse_widget.cli"]


def test_an_argument_is_one_event_and_its_id_is_told(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    told = run("push", "c", '{"a":\n [1]}', "--type", "trade")
    assert told == (0, f"{channel.newest_id}\n", "")
    (event,) = channel.history
    assert (event.json, event.type) == (b'{"a":[1]}', "trade")


def test_lines_of_a_pipe_are_events_in_order(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    lines = b"".join(b"%d\n" % i for i in range(30_000))
    assert run("push", "c", stdin=lines + b'{"last":1}') == (0, "", "")
    assert [event.data for event in channel.history] == [*range(30_000), {"last": 1}]


def test_empty_lines_are_nothing_and_ends_of_lines_may_be_those_of_windows(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    assert run("push", "c", stdin=b"1\r\n\r\n\n  \n2\r\n").code == 0
    assert [event.data for event in channel.history] == [1, 2]
    assert run("push", "c", stdin=b"") == (0, "", "")


def test_text_becomes_strings_line_by_line(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    assert run("push", "c", "--text", stdin="a b\r\n\n{x\u2028y\n".encode() + b"\xff").code == 0
    assert [event.data for event in channel.history] == ["a b", "", "{x\u2028y", "\ufffd"]
    run("push", "c", "--text", "not JSON")
    assert channel.history[-1].data == "not JSON"


def test_a_broken_line_is_named_and_all_before_it_is_pushed(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    told = run("push", "c", stdin=b"1\n\n2\n{oops\n4\n")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("Error: expected JSON in line 4, got '{oops' (")
    assert told.err.endswith("; for text say --text; 2 events were pushed\n")
    assert [event.data for event in channel.history] == [1, 2]
    told = run("push", "c", "oops")
    assert (told.code, told.err[:48]) == (1, "Error: expected JSON in the argument, got 'oops'")


def test_what_the_server_refuses_is_said_in_its_words(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    told = run("push", "c", "1", "--type", "gap")
    expected = "expected a type other than the stream's own ['ended', 'gap', 'heartbeat'], got 'gap'"
    assert told == (1, "", f"Error: {expected}; 0 events were pushed\n")
    told = run("push", "c", stdin=b"1\n" + b'"%b"\n' % (b"x" * channel.max_event_bytes) + b"3\n")
    assert "expected an event of at most 1048576 bytes, got 1048578" in told.err
    assert told.err.endswith("1 events were pushed\n")
    assert [event.data for event in channel.history] == [1]


def test_a_line_without_end_is_refused(run: Run, kernel: Session) -> None:
    kernel.hub.channel("c")
    told = run("push", "c", stdin=b"1\n" + b"x" * (9 << 20))
    assert (told.code, told.err) == (1, "Error: expected lines of at most 8388608 bytes, got a longer one\n")


def test_large_events_go_in_batches_that_fit(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c", history_bytes=64 << 20)
    lines = b"".join(b'"%d%b"\n' % (i, b"x" * 900_000) for i in range(20))
    assert run("push", "c", stdin=lines).code == 0
    assert [int(event.data.rstrip("x")) for event in channel.history] == list(range(20))


def test_a_small_history_makes_small_batches_and_no_reader_that_reads_loses_anything(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c", history=100)
    got: list[object] = []
    subscription = channel.subscribe()

    def read() -> None:
        while len(got) < 5000:
            event = subscription.next(10)
            got.append(event if isinstance(event, Gap) else event.data)

    reader = threading.Thread(target=read)
    reader.start()
    assert run("push", "c", stdin=b"".join(b"%d\n" % i for i in range(5000))) == (0, "", "")
    reader.join()
    subscription.close()
    assert got == list(range(5000))


def test_without_waiting_the_loss_is_announced(run: Run, kernel: Session) -> None:
    channel = kernel.hub.channel("c", history=100)
    with channel.subscribe() as subscription:
        assert run("push", "c", "--no-wait", stdin=b"".join(b"%d\n" % i for i in range(5000))).code == 0
        first = subscription.next(1)
        assert isinstance(first, Gap)
        assert first.lost == 4900


def test_a_reader_that_stands_still_is_named_once(run: Run, kernel: Session) -> None:
    done = threading.Event()
    kernel.server.call(lambda state: (setattr(state.pace, "_still_s", 0.2), done.set())[0])
    assert done.wait(5)
    channel = kernel.hub.channel("c", history=100)
    with channel.subscribe() as still:
        told = run("push", "c", stdin=b"1\n" * 1000)
        assert told == (0, "", f"not waited for, since it stands still: {still.label}\n")
    assert channel.log.newest == 1000


def test_a_server_that_is_busy_is_asked_again(run: Run, kernel: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = kernel.hub.channel("c", history=100)
    done = threading.Event()
    kernel.server.call(lambda state: (setattr(state.pace, "_wait_s", 0.05), done.set())[0])
    assert done.wait(5)
    monkeypatch.setattr(time, "sleep", threading.Event().wait)
    with channel.subscribe() as slow:
        threads = [threading.Timer(0.5, slow.take_all)]
        threads[0].start()
        told = run("push", "c", stdin=b"1\n" * 150)
        threads[0].join()
        assert told.code == 0
        assert told.err == f"expected readers to make room, got {slow.label} that still reads; try again\n"
    assert channel.log.newest == 150


def test_an_answer_that_is_lost_makes_no_event_twice(
    run: Run, kernel: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = kernel.hub.channel("c")
    cut: list[int] = []
    enter = Ledger.enter

    def take_and_cut(ledger: Ledger, *arguments: object) -> None:
        enter(ledger, *arguments)  # type: ignore[arg-type]
        if len(cut) < 6:
            cut.append(1)
            raise ConnectionAbortedError("cut by the test")

    monkeypatch.setattr(Ledger, "enter", take_and_cut)

    def cut_instead_of_answering(handler: object, *_: object, **__: object) -> None:
        handler.cut_connection()  # type: ignore[attr-defined]

    monkeypatch.setattr("sse_widget.server.push.PushHandler.write_error", cut_instead_of_answering)
    monkeypatch.setattr("sse_widget.server.push.PushHandler.log_exception", lambda *_: None)
    assert run("push", "c", stdin=b"".join(b"%d\n" % i for i in range(40_000))) == (0, "", "")
    assert len(cut) == 6
    assert [event.data for event in channel.history] == list(range(40_000))


def test_a_server_that_never_answers_is_given_up_and_what_is_not_known_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "GIVE_UP_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop = threading.Event()

        def hang_up() -> None:
            listener.settimeout(0.05)
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.recv(10)
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        told = run("push", "c", "1", "--url", url)
        stop.set()
        thread.join()
    assert told.code == 1
    assert told.err.startswith(f"Error: no answer from {url}: ")
    assert told.err.endswith("; 0 events were pushed, and of the next 1 it is not known\n")


def test_a_refused_connection_is_told_at_once(run: Run) -> None:
    told = run("push", "c", "1", "--url", "http://127.0.0.1:1")
    assert told.code == 1
    assert told.err.endswith("Connection refused; 0 events were pushed\n")


def test_a_line_is_pushed_as_soon_as_it_is_there(kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    with subprocess.Popen([*COMMAND, "push", "c"], stdin=subprocess.PIPE) as pushing:  # noqa: S603
        assert pushing.stdin is not None
        for i in range(3):
            pushing.stdin.write(b"%d\n" % i)
            pushing.stdin.flush()
            eventually(lambda count=i: channel.log.newest == count + 1, "a line")
        pushing.stdin.close()
        assert pushing.wait(10) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_says_how_far_it_got(kernel: Session) -> None:
    channel = kernel.hub.channel("c")
    with subprocess.Popen([*COMMAND, "push", "c"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as pushing:  # noqa: S603
        assert pushing.stdin is not None
        assert pushing.stderr is not None
        for i in range(2):
            pushing.stdin.write(b"%d\n" % i)
            pushing.stdin.flush()
            eventually(lambda count=i: channel.log.newest == count + 1, "a line")  # the first one's answer has come
        pushing.send_signal(2)
        assert pushing.wait(10) == 130
        assert pushing.stderr.read() in {
            b"interrupted; 2 events were pushed\n",
            b"interrupted; 1 events were pushed, and of the next 1 it is not known\n",
        }


def test_many_kernels_and_one_that_has_the_channel(run: Run, kernels: Kernels) -> None:
    sessions = [kernels.start() for _ in range(3)]
    channel = sessions[1].hub.channel("ä/b c")
    assert run("push", "ä/b c", "1").code == 0
    assert len(channel.history) == 1
