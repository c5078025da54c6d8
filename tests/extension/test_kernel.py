"""The whole way: a real kernel behind a real Jupyter server, and the package that enables the extension."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jupyter_client import BlockingKernelClient

from tests.conftest import eventually
from tests.extension.jupyter import TOKEN, Jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
START = "import sse_widget; c = sse_widget.channel('c'); c.push({'from': 'the kernel'}); c.url"
BUSY = "import time\nfor i in range(100):\n    c.push(i)\n    time.sleep(0.02)"


@pytest.fixture
def own_kernel(jupyter: Jupyter) -> Iterator[str]:
    """Return the id of a kernel that this test may end."""
    made = jupyter.start_kernel()
    yield made
    jupyter.request("DELETE", f"api/kernels/{made}", token=TOKEN)


@contextlib.contextmanager
def client_of(jupyter: Jupyter, kernel_id: str) -> Iterator[BlockingKernelClient]:
    client = BlockingKernelClient(connection_file=str(jupyter.runtime_dir / f"kernel-{kernel_id}.json"))
    client.load_connection_file()
    client.start_channels(stdin=False, hb=False, control=False)
    try:
        yield client
    finally:
        client.stop_channels()


def run(jupyter: Jupyter, kernel_id: str, code: str) -> None:
    with client_of(jupyter, kernel_id) as client:
        reply = client.execute(code, reply=True, timeout=60)
        assert reply["content"]["status"] == "ok", reply


@pytest.mark.timeout(90)
def test_a_real_kernels_events_come_through_also_while_it_is_busy(jupyter: Jupyter, own_kernel: str) -> None:
    run(jupyter, own_kernel, START)
    file = jupyter.runtime_file(own_kernel)
    told = json.loads(file.read_bytes())
    assert file.stat().st_mode & 0o777 == Path(told["socket"]).stat().st_mode & 0o777 == 0o600
    assert Path(told["socket"]).parent.stat().st_mode & 0o777 == 0o700
    path = f"sse-widget/{own_kernel}/channels/c?after="
    with client_of(jupyter, own_kernel) as client, jupyter.stream(path) as stream:
        assert json.loads(stream.take(1, "message")[0].data) == {"from": "the kernel"}
        client.execute(BUSY)
        assert [event.data for event in stream.take(100, "message")] == [str(i) for i in range(100)]


ROUTE = """
import sse_widget
calls = []

@sse_widget.route("/countdown/{n:int}")
async def countdown(request, n):
    calls.append(request.run)
    for left in range(n, 0, -1):
        yield left

sse_widget.channel("c").url
"""


@pytest.mark.timeout(90)
def test_a_request_is_run_once_and_read_to_its_end(jupyter: Jupyter, own_kernel: str) -> None:
    run(jupyter, own_kernel, ROUTE)
    body = {"path": "/countdown/3", "run": 32 * "a"}
    path = f"sse-widget/{own_kernel}/runs"
    assert [jupyter.request("POST", path, body, token=TOKEN).status for _ in range(2)] == [201, 200]
    assert jupyter.request("POST", path, {"path": "/nothing"}, token=TOKEN).status == 404
    name = f"%2Fcountdown%2F3%23{32 * 'a'}"
    with jupyter.stream(f"sse-widget/{own_kernel}/channels/{name}?after={32 * 'a'}-0") as stream:
        events = stream.take(4)
    assert [(event.type, event.data) for event in events[:3]] == [("message", str(left)) for left in (3, 2, 1)]
    assert json.loads(events[3].data) == {"channel": f"/countdown/3#{32 * 'a'}"}
    run(jupyter, own_kernel, "assert len(calls) == 1, calls")


@pytest.mark.timeout(90)
def test_a_kernel_that_is_shut_down_leaves_nothing(jupyter: Jupyter, own_kernel: str) -> None:
    run(jupyter, own_kernel, START)
    path = jupyter.runtime_file(own_kernel)
    folder = Path(json.loads(path.read_bytes())["socket"]).parent
    assert jupyter.request("DELETE", f"api/kernels/{own_kernel}", token=TOKEN).status == 204
    eventually(lambda: not path.exists() and not folder.exists())


@pytest.mark.timeout(90)
def test_a_kernel_that_is_killed_is_found_again_when_it_has_restarted(jupyter: Jupyter, own_kernel: str) -> None:
    run(jupyter, own_kernel, START)
    path = jupyter.runtime_file(own_kernel)
    first = json.loads(path.read_bytes())
    with jupyter.stream(f"sse-widget/{own_kernel}/channels/c?after=") as stream:
        os.kill(first["pid"], 9)
        with pytest.raises((EOFError, ConnectionError)):
            stream.take(2)
    # Jupyter starts it anew, under the same id; what it has left is ignored, and gone.
    missing = jupyter.request("GET", f"sse-widget/{own_kernel}/events", token=TOKEN)
    assert missing.status in {404, 502}
    eventually(lambda: jupyter.request("GET", f"sse-widget/{own_kernel}/events", token=TOKEN).status == 404)
    assert not path.exists()
    assert not Path(first["socket"]).parent.exists()
    run(jupyter, own_kernel, START)
    assert json.loads(path.read_bytes())["server"] != first["server"]
    with jupyter.stream(f"sse-widget/{own_kernel}/channels/c?after=") as stream:
        assert json.loads(stream.take(1, "message")[0].data) == {"from": "the kernel"}


# The package


@pytest.mark.timeout(90)
@pytest.mark.parametrize("how", ["build_wheel", "build_editable"])
def test_installing_the_package_enables_the_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    code = f"from hatchling.build import {how}; {how}({str(tmp_path)!r})"
    monkeypatch.setenv("HATCH_BUILD_NO_HOOKS", "1")  # whether the bundle is fresh is another test's business
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (data,) = tmp_path.glob("*.data/data")  # what pip puts under sys.prefix
    monkeypatch.delenv("JUPYTER_NO_CONFIG", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(data / "etc" / "jupyter"))
    listing = [sys.executable, "-m", "jupyter_server.extension.serverextension", "list"]
    told = subprocess.run(listing, check=True, capture_output=True, text=True)  # noqa: S603
    text = told.stdout + told.stderr
    assert "sse_widget.extension enabled" in text.replace("\x1b[32m", "").replace("\x1b[0m", "").replace("  ", " ")
    assert "Validating sse_widget.extension..." in text
    assert text.count("X is sse_widget") == 0
