"""`sse-widget demo`: what it starts, with a program in JupyterLab's place; and that the notebook is in the package."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.cli import demo

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was started, instead of JupyterLab, which would not end by itself."""
    found: list[dict[str, Any]] = []

    def start(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("--notebook-dir") + 1])
        found.append({"command": command, "files": {path.name: path.read_text() for path in folder.iterdir()}})
        assert not check
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(demo.subprocess, "run", start)
    return found


def test_the_quickstart_is_opened_in_a_folder_that_is_gone_afterwards(run: Run, started: list[dict[str, Any]]) -> None:
    told = run("demo")
    assert told.code == 3  # JupyterLab's
    (call,) = started
    assert call["command"][:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/quickstart.ipynb" in call["command"]
    assert json.loads(call["files"]["quickstart.ipynb"])["cells"]
    assert not Path(call["command"][4]).exists()


def test_a_copy_that_is_there_already_is_kept(run: Run, started: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    run("demo", str(folder))
    (folder / "quickstart.ipynb").write_text("changed")
    run("demo", str(folder))
    assert started[1]["files"] == {"quickstart.ipynb": "changed"}


@pytest.mark.parametrize(("user", "screen"), [(0, ""), (1000, ":0")])
def test_jupyterlab_is_told_what_it_has_to_know_of_the_machine(
    run: Run, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, user: int, screen: str
) -> None:
    monkeypatch.setattr(demo.os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(demo.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    run("demo")
    (call,) = started
    assert ("--allow-root" in call["command"]) == (user == 0)
    assert ("--no-browser" in call["command"]) == (screen == "")


def test_without_jupyterlab_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert run("demo") == (1, "", "Error: expected JupyterLab to be installed; pip install 'sse-widget[demo]'\n")


def test_a_package_without_the_notebook_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "_PACKAGE", tmp_path / "nowhere")
    told = run("demo", str(tmp_path))
    assert told.err == "Error: expected quickstart.ipynb in the package, got none; is it installed as a whole?\n"


def test_the_wheel_has_the_notebook_where_the_command_looks_for_it(tmp_path: Path) -> None:
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        packed = json.loads(content.read("sse_widget/notebooks/quickstart.ipynb"))
        entry = next(name for name in content.namelist() if name.endswith("entry_points.txt"))
        assert "sse-widget = sse_widget.cli:main" in content.read(entry).decode()
    assert packed == json.loads((ROOT / "notebooks" / "quickstart.ipynb").read_text())
