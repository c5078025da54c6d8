"""Which kernel is meant: the one that has the channel, of those that are alive."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from sse_widget.cli.http import Door, NoAnswer
from sse_widget.cli.where import kernels as running
from sse_widget.server import runtime
from sse_widget.server.runtime import Runtime
from tests.cli.scripted import Scripted, answer

if TYPE_CHECKING:
    from pathlib import Path

    from sse_widget.session import Session
    from tests.cli.conftest import Kernels, Run

IDS = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc"]


def test_without_a_kernel_it_says_what_to_do(run: Run) -> None:
    for command in (["push", "c", "1"], ["tail", "c"]):
        told = run(*command)
        assert (told.code, told.out) == (1, "")
        assert told.err.startswith("Error: expected a running kernel that uses sse_widget, got none; ")
        assert told.err.endswith("say --url\n")


def test_the_only_kernel_that_has_the_channel_is_taken(run: Run, kernels: Kernels) -> None:
    sessions = [kernels.start(kernel_id) for kernel_id in IDS]
    channel = sessions[0].hub.channel("c")
    sessions[1].hub.channel("d")
    assert run("push", "c", "1").code == 0
    assert len(channel.history) == 1


def test_of_several_one_has_to_be_named(run: Run, kernels: Kernels) -> None:
    channels = [kernels.start(kernel_id).hub.channel("c") for kernel_id in IDS[:2]]
    told = run("push", "c", "1")
    assert told.code == 1
    listed = f"bbbbbbbb (pid {os.getpid()}), aaaaaaaa (pid {os.getpid()})"
    assert told.err == f"Error: expected one kernel with the channel 'c', got {listed}; say which: --kernel ID\n"
    assert run("push", "c", "2", "--kernel", "aaaa").code == 0
    assert [[event.data for event in channel.history] for channel in channels] == [[2], []]
    told = run("push", "c", "3", "--kernel", "0")
    assert told.err.startswith(f"Error: expected a running kernel with an id that begins with '0', got {listed}; ")


def test_a_channel_that_no_kernel_has_is_named(run: Run, kernels: Kernels) -> None:
    kernels.start(IDS[0])
    told = run("push", "typo", "1")
    expected = f"expected the channel 'typo' in a running kernel, got aaaaaaaa (pid {os.getpid()}) without it"
    assert told == (1, "", f"Error: {expected}; make it there: sse_widget.channel('typo')\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there a pid says nothing")
def test_files_of_dead_kernels_are_skipped_and_those_of_other_machines_too(run: Run, kernels: Kernels) -> None:
    channel = kernels.start(IDS[0]).hub.channel("c")
    bearer = runtime.Secret("0" * 64)
    dead = Runtime(bearer, 2**22 + 1, socket.gethostname(), "x", "/nowhere/socket")
    runtime.write(kernels.file(IDS[1]), dead)
    runtime.write(kernels.file(IDS[2]), dead._replace(node="another.example", pid=1))
    assert [kernel.id for kernel in running()] == [IDS[0]]
    assert not kernels.file(IDS[1]).exists()
    assert run("push", "c", "1").code == 0
    assert len(channel.history) == 1


def test_a_kernel_that_does_not_answer_has_no_channel(run: Run, kernels: Kernels) -> None:
    channel = kernels.start(IDS[0]).hub.channel("c")
    runtime.write(
        kernels.file(IDS[1]),
        Runtime(runtime.Secret("0" * 64), os.getpid(), socket.gethostname(), "x", "/nowhere/socket"),
    )
    assert len(running()) == 2
    assert run("push", "c", "1").code == 0
    assert len(channel.history) == 1


def test_a_file_that_others_could_have_written_is_not_used(kernels: Kernels, caplog: pytest.LogCaptureFixture) -> None:
    kernels.start(IDS[0])
    kernels.file(IDS[0]).chmod(0o644)
    assert running() == []
    assert "only this user can read" in caplog.text


# By a port, where there are no unix sockets


def by_port(kernels: Kernels, kernel: Session, port: int | None = None) -> None:
    made = Runtime.of(kernel.server.guard, port=port or kernel.server.start())
    runtime.write(kernels.file(str(uuid.uuid4())), made)


def test_a_kernel_is_reached_by_its_port_after_it_has_proved_itself(run: Run, kernels: Kernels) -> None:
    kernel = kernels.start(IDS[0])
    channel = kernel.hub.channel("c")
    kernels.file(IDS[0]).unlink()
    by_port(kernels, kernel)
    assert run("push", "c", "1").code == 0
    assert run("tail", "c", "--after", "oldest", "-n", "1").out == "1\n"
    assert len(channel.history) == 1


@pytest.mark.parametrize(
    "told", [b"{}", b"nonsense", b'{"mac":1}', b'{"mac":"\xc3\xa4"}', b'{"mac":"' + b"0" * 64 + b'"}', b"[]"]
)
def test_whoever_has_the_port_now_gets_no_secret(kernels: Kernels, told: bytes) -> None:
    kernel = kernels.start(IDS[0])
    with Scripted(answer(200, body=told), answer(200)) as thief:
        by_port(kernels, kernel, int(thief.url.rpartition(":")[2]))
        (found,) = [each for each in running() if each.runtime.url]
        with pytest.raises(NoAnswer, match="it is not the kernel's server"):
            found.door.connect()
        assert found.has("c") is None
    assert len(thief.requests) == 2
    for request in thief.requests:
        assert kernel.server.guard.bearer.encode() not in request
        assert request.startswith(b"GET /whoami?n=")


def test_the_bearer_goes_over_the_connection_that_was_proved_or_nowhere(kernels: Kernels) -> None:
    """A server that hangs up after the proof is not connected to again: that could be another one."""
    kernel = kernels.start(IDS[0])
    key = bytes.fromhex(kernel.server.guard.key)

    class Proving(Scripted):
        def _serve(self) -> None:
            for _ in range(2):
                connection, _address = self._listener.accept()
                with connection:
                    request = connection.recv(1 << 16)
                    self.requests.append(request)
                    nonce = request.split(b"n=")[1][:32].decode() if b"n=" in request else ""
                    mac = hmac.digest(key, f"server|{nonce}".encode(), hashlib.sha256).hex()
                    connection.sendall(answer(200, body=json.dumps({"mac": mac}).encode()))

    with Proving() as proving:
        by_port(kernels, kernel, int(proving.url.rpartition(":")[2]))
        (found,) = [each for each in running() if each.runtime.url]
        assert found.has("c") is None
        assert found.has("c") is None
    assert [request.split(b"?")[0] for request in proving.requests] == [b"GET /whoami"] * 2


def test_a_door_shows_no_secret(kernel: Session) -> None:
    (found,) = running()
    assert kernel.server.guard.bearer not in f"{found!r} {found.door!r} {found.door} {Door.at('http://a', 'secret')!r}"
    assert "'secret'" not in repr(Door.at("http://a", "secret"))


def test_the_version_is_told(run: Run) -> None:
    told = run("--version")
    assert told.out.startswith("sse-widget 0.")


def test_a_name_that_is_a_path_stays_a_name(run: Run, kernel: Session, tmp_path: Path) -> None:
    channel = kernel.hub.channel("../../tickets?x=#y")
    assert run("push", "../../tickets?x=#y", "1").code == 0
    assert [event.data for event in channel.history] == [1]
    assert tmp_path.exists()
