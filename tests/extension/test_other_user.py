"""Another user of the machine: a process of `nobody` against a real kernel of a real Jupyter server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

from sse_widget.server import runtime
from sse_widget.server.answers import NOT_AUTHORISED
from tests.extension.fake import FakeKernel, json_answer, say
from tests.extension.jupyter import TOKEN, Jupyter
from tests.extension.test_kernel import START, client_of, run

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
SECRETS = """
import sse_widget.session
guard = sse_widget.session.current().server.guard
[sse_widget.session.current().server.start(), str(guard.bearer), str(guard.key)]
"""
# Everything is loaded before: what this user may read of the interpreter's folder is not what is tested.
ATTACK = """
import encodings.idna, http.client, json, os, pathlib, signal, socket, sys
given = json.load(sys.stdin)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
assert os.geteuid() == os.getuid() == 65534
refused, answers, read = {}, [], {}

def attempt(name, act):
    try:
        got = act()
        if hasattr(got, "close"):
            got.close()
        refused[name] = f"let in: {got!r}"
    except PermissionError:
        refused[name] = "refused"
    except Exception as error:
        refused[name] = repr(error)

def connect():
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(given["socket"])
    return sock

file, folder = pathlib.Path(given["file"]), pathlib.Path(given["socket"]).parent
proc = pathlib.Path("/proc", str(given["pid"]))
attempt("connect to the socket", connect)
attempt("enter the socket's folder", lambda: os.listdir(folder))
attempt("take the socket away", lambda: os.unlink(given["socket"]))
attempt("take the folder away", lambda: os.rename(folder, str(folder) + ".mine"))
attempt("read the runtime file", file.read_text)
attempt("write the runtime file", lambda: file.write_text("{}"))
attempt("put another one in its place", lambda: file.unlink())
attempt("make one for another kernel", lambda: file.with_name("sse-widget-mine.json").write_text("{}"))
attempt("read the connection file", lambda: file.with_name(file.name.replace("sse-widget", "kernel")).read_text())
attempt("read the kernel's environment", (proc / "environ").read_bytes)
attempt("read the kernel's memory", (proc / "mem").open)
attempt("list the kernel's descriptors", lambda: os.listdir(proc / "fd"))
attempt("stop the kernel", lambda: os.kill(given["pid"], signal.SIGTERM))
for name in ("cmdline", "status", "net/unix", "net/tcp"):  # the system shows these to everybody
    read[name] = (proc / name).read_bytes().decode("latin-1")

def ask(port, method, path, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()

for method, path in given["routes"]:
    answers.append(ask(given["port"], method, path))
    answers.append(ask(given["port"], method, path, {"Host": "kernel.sse-widget"}))
for path in given["relayed"]:
    for method in ("GET", "POST"):
        answers.append(ask(given["jupyter"], method, path))
print(json.dumps({"refused": refused, "answers": answers, "read": read}))
"""
PATHS = ["/events?channel=c&after=", "/channels/c?after=", "/received", "/tickets", "/", "/none"]


class Target(NamedTuple):
    jupyter: Jupyter
    kernel_id: str
    port: int
    secrets: list[str]
    pid: int
    socket: str

    @property
    def file(self) -> Path:
        return self.jupyter.runtime_file(self.kernel_id)


def need_root(reason: str) -> None:
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """Start a kernel with a server; its folder may be entered by all: only what the kernel makes protects it."""
    need_root("only root can be another user")
    folder = Path(tempfile.mkdtemp(prefix="sse-all-"))
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(folder / name))
    try:
        with Jupyter(folder, base_url="/") as jupyter:
            kernel_id = jupyter.start_kernel()
            run(jupyter, kernel_id, START)
            folder.chmod(0o755)
            jupyter.runtime_dir.chmod(0o755)
            yield _target(jupyter, kernel_id)
    finally:
        shutil.rmtree(folder)


def _target(jupyter: Jupyter, kernel_id: str) -> Target:
    with client_of(jupyter, kernel_id) as client:
        shown: list[Any] = []

        def take(message: dict[str, Any]) -> None:
            shown.extend(message["content"].get("data", {}).values())

        client.execute_interactive(SECRETS, timeout=60, output_hook=take)
    (text,) = shown
    port, *secrets = json.loads(text.replace("'", '"'))
    told = json.loads(jupyter.runtime_file(kernel_id).read_bytes())
    return Target(jupyter, kernel_id, port, secrets, told["pid"], told["socket"])


@pytest.mark.timeout(90)
def test_another_user_of_the_machine_gets_in_nowhere_and_learns_nothing(target: Target) -> None:
    relayed = [f"/sse-widget/{target.kernel_id}{path}" for path in PATHS]
    given = {
        "socket": target.socket,
        "file": str(target.file),
        "pid": target.pid,
        "port": target.port,
        "jupyter": target.jupyter.port,
        "routes": [(method, path) for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS") for path in PATHS],
        "relayed": relayed,
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", ATTACK], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["refused"].values()) == {"refused"}, told["refused"]
    assert {tuple(answer) for answer in told["answers"]} == {(403, NOT_AUTHORISED.decode())}
    # What everybody can see, names the doors and opens none: both were tried above.
    assert target.socket in told["read"]["net/unix"]
    assert f":{target.port:04X} " in told["read"]["net/tcp"]
    hidden = [*target.secrets, TOKEN]
    everything = done.stdout + "".join(psutil.Process(target.pid).cmdline())
    assert [secret for secret in hidden if secret in everything] == []
    # The kernel has not noticed.
    with target.jupyter.stream(f"sse-widget/{target.kernel_id}/channels/c?after=") as stream:
        run(target.jupyter, target.kernel_id, "c.push('still')")
        assert [json.loads(event.data) for event in stream.take(2, "message")] == [{"from": "the kernel"}, "still"]


@pytest.mark.parametrize("how", ["open to others", "somebody else's", "a link", "gone"])
def test_a_socket_that_somebody_else_may_have_put_there_never_hears_the_bearer(
    jupyter: Jupyter, kernel_id: str, how: str
) -> None:
    """A folder among the temporary files may be cleaned up; then its name is anybody's."""
    with FakeKernel(jupyter, kernel_id, say(json_answer(b'{"feeds":{}}'))) as fake:
        folder = fake.path.parent
        path = f"sse-widget/{kernel_id}/received"
        assert jupyter.request("POST", path, {"page": "p"}, token=TOKEN).status == 200
        assert fake.runtime.bearer.encode() in fake.requests.pop()
        aside = folder.with_name(f"{folder.name}.aside")
        if how == "open to others":
            folder.chmod(0o711)
        elif how == "somebody else's":
            need_root("only root can give a folder away")
            os.chown(folder, NOBODY, NOBODY)
        else:
            folder.rename(aside)
            if how == "a link":
                folder.symlink_to(aside)
        answer = jupyter.request("POST", path, {"page": "p"}, token=TOKEN)
        assert answer.status == 502
        assert "expected the kernel's server to answer" in answer.json()["error"]
        assert fake.requests == []
        if aside.exists():
            folder.unlink(missing_ok=True)
            aside.rename(folder)
    assert runtime.read(fake._file) is None
