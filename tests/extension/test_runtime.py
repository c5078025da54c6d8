"""The runtime file: what is in it, who may read it, and when it is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from sse_widget.server import runtime
from sse_widget.server.guard import Guard
from sse_widget.server.runtime import Runtime

ID = "01234567-89ab-4cde-8f01-23456789abcd"
GOOD = {"socket": "/tmp/s/socket", "bearer": "a" * 64, "pid": os.getpid(), "node": "elsewhere", "server": "s"}  # noqa: S108
BY_PORT = {**GOOD, "socket": "", "url": "http://127.0.0.1:4711", "key": "b" * 64}


def pid_that_has_ended() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def file_in(folder: Path, content: object = None, mode: int = 0o600) -> Path:
    path = folder / f"sse-widget-{ID}.json"
    path.write_bytes(json.dumps(content or GOOD).encode())
    path.chmod(mode)
    return path


# What is in it


def test_by_a_socket_it_holds_the_path_and_the_bearer_but_not_the_key() -> None:
    guard = Guard()
    made = json.loads(Runtime.of(guard, socket_path="/run/s", port=4711).encode())
    assert made.pop("node")
    assert made == {"socket": "/run/s", "bearer": str(guard.bearer), "pid": os.getpid(), "server": guard.server_id}


def test_without_a_socket_it_holds_the_address_and_the_key() -> None:
    guard = Guard()
    made = Runtime.of(guard, port=4711)
    assert (made.socket, made.url, made.key, made.port) == ("", "http://127.0.0.1:4711", guard.key, 4711)


@pytest.mark.parametrize("content", [GOOD, BY_PORT])
def test_what_is_encoded_is_read_again(content: dict[str, object]) -> None:
    parsed = Runtime.parse(json.dumps(content).encode())
    assert Runtime.parse(parsed.encode()) == parsed
    assert parsed.port == (4711 if content is BY_PORT else 0)


def test_no_repr_shows_a_secret() -> None:
    shown = repr(Runtime.parse(json.dumps(BY_PORT).encode()))
    assert "a" * 64 not in shown
    assert "b" * 64 not in shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pid": "1"}, "expected pid to be a positive number, got '1'"),
        ({"pid": 0}, "expected pid to be a positive number, got 0"),
        ({"pid": True}, "expected pid to be a positive number, got True"),
        ({"bearer": "a" * 63}, "expected bearer and key to be 64 hexadecimal digits"),
        ({"bearer": "a" * 64 + "\n"}, "expected bearer and key to be 64 hexadecimal digits"),
        ({"bearer": "a\r\nHost: x"}, "expected bearer and key to be 64 hexadecimal digits"),
        ({"bearer": 1}, "expected bearer to be a text, got int"),
        ({"socket": ""}, "expected either a socket or a url, got '' and ''"),
        ({"socket": "s"}, "expected socket to be an absolute path, got 's'"),
        ({"socket": None}, "expected socket to be a text, got NoneType"),
    ],
)
def test_what_is_malformed_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        Runtime.parse(json.dumps({**GOOD, **change}).encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1",
        "http://127.0.0.1:80/",
        "http://127.0.0.1:80@evil.example",
        "http://169.254.169.254:80",
        "http://localhost:80",
        "https://127.0.0.1:443",
        "http://127.0.0.1:80\n",
    ],
)
def test_only_a_port_of_this_machine_is_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="expected url to be") as caught:
        Runtime.parse(json.dumps({**BY_PORT, "url": url}).encode())
    assert str(caught.value) == f"expected url to be 'http://127.0.0.1:PORT', got {url!r}"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's message, or ours
        Runtime.parse(content)


# Who may read it


def test_it_is_written_for_this_user_only_and_at_once(tmp_path: Path) -> None:
    path = tmp_path / f"sse-widget-{ID}.json"
    made = Runtime.of(Guard(), socket_path="/run/s")
    before = os.umask(0)
    try:
        runtime.write(path, made)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert runtime.read(path) == made


def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        runtime.write(tmp_path / "folder", Runtime.of(Guard(), socket_path="/run/s"))
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o660, 0o602])
def test_what_others_can_read_or_write_is_not_used(tmp_path: Path, mode: int) -> None:
    assert runtime.read(file_in(tmp_path, mode=mode)) is None


def test_a_link_a_folder_and_a_pipe_are_not_used_nor_waited_for(tmp_path: Path) -> None:
    target = file_in(tmp_path)
    assert runtime.read(target) is not None
    (tmp_path / "link.json").symlink_to(target)
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json", 0o600)
    for name in ("link.json", "folder.json", "pipe.json", "none.json"):
        assert runtime.read(tmp_path / name) is None


def test_what_is_malformed_is_not_used_and_the_log_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = file_in(tmp_path, {**GOOD, "pid": 0})
    assert runtime.read(path) is None
    assert caplog.messages == [f"{path} is not used: expected pid to be a positive number, got 0"]


# When it is gone


def test_that_of_a_dead_kernel_is_ignored_and_taken_away_with_its_socket(tmp_path: Path) -> None:
    folder = tmp_path / "sse-widget-abc"
    folder.mkdir(0o700)
    (folder / "socket").touch()
    dead = Runtime.of(Guard(), socket_path=str(folder / "socket"))._replace(pid=pid_that_has_ended())
    alive = file_in(tmp_path).rename(tmp_path / "sse-widget-alive.json")
    path = tmp_path / f"sse-widget-{ID}.json"
    runtime.write(path, dead)
    runtime.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [alive]
    assert runtime.read(path) is None


def test_that_of_another_machine_is_left_alone_in_a_home_directory_that_both_share(tmp_path: Path) -> None:
    path = file_in(tmp_path, {**GOOD, "pid": pid_that_has_ended()})
    assert runtime.read(path) is not None
    assert path.exists()


def test_a_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not Runtime.of(Guard(), socket_path="/run/s").is_dead


def test_a_server_takes_away_its_own_file_only(tmp_path: Path) -> None:
    path = tmp_path / f"sse-widget-{ID}.json"
    older, newer = (Runtime.of(Guard(), socket_path="/run/s") for _ in range(2))
    runtime.write(path, newer)
    runtime.remove(path, older)
    assert runtime.read(path) == newer
    runtime.remove(path, newer)
    assert not path.exists()


def test_a_folder_that_is_not_ours_is_never_taken_away(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    runtime.remove(tmp_path / "none.json", Runtime.of(Guard(), socket_path=str(tmp_path / "precious")))
    assert (tmp_path / "precious").exists()


# Which process is a kernel


def test_this_process_is_no_kernel() -> None:
    assert runtime.connection_file() is None


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Return ipykernel's application as it is in a kernel."""
    app = types.SimpleNamespace(abs_connection_file=f"/run/jupyter/kernel-{ID}.json")
    module = types.SimpleNamespace(IPKernelApp=types.SimpleNamespace(initialized=lambda: True, instance=lambda: app))
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", module)
    return app


@pytest.mark.usefixtures("pretended")
def test_a_kernel_knows_its_connection_file() -> None:
    assert runtime.connection_file() == Path(f"/run/jupyter/kernel-{ID}.json")


def test_a_kernel_knows_its_id_and_another_process_has_none(pretended: types.SimpleNamespace) -> None:
    assert runtime.kernel_id() == ID
    pretended.abs_connection_file = "/run/jupyter/kernel-4711.json"
    assert runtime.kernel_id() == ""


@pytest.mark.usefixtures("pretended")
def test_a_process_forked_from_a_kernel_is_not_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "parent_process", object)
        assert runtime.connection_file() is None
    monkeypatch.setattr(runtime, "_PID", os.getpid() + 1)
    assert runtime.connection_file() is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"kernel-{ID}.json", f"sse-widget-{ID}.json"),
        ("kernel-4711.json", None),
        (f"kernel-v2-{ID}.json", None),
        (f"kernel-{ID.upper()}.json", None),
        (f"kernel-{ID}.json.bak", None),
    ],
)
def test_the_file_lies_next_to_the_connection_file(name: str, found: str | None) -> None:
    path = runtime.runtime_file(Path("/run/jupyter") / name)
    assert path == (Path("/run/jupyter") / found if found else None)
