"""The command as a function: in this process, with real pipes for its input and output."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from sse_widget.cli import main
from sse_widget.server import runtime
from sse_widget.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Told(NamedTuple):
    code: int
    out: str
    err: str


class Run(Protocol):
    def __call__(self, *arguments: str, stdin: bytes | None = None) -> Told:
        """Run `sse-widget` with these arguments."""


class Kernels:
    """Sessions that are found as kernels of this machine are: by their runtime files."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        self.sessions: list[Session] = []

    def start(self, kernel_id: str = "") -> Session:
        made = kernel_id or str(uuid.uuid4())
        self._patch.setattr(runtime, "connection_file", lambda: self.folder / f"kernel-{made}.json")
        session = Session()
        session.server.start()
        self.sessions.append(session)
        assert self.file(made).exists()
        return session

    def file(self, kernel_id: str) -> Path:
        return self.folder / f"sse-widget-{kernel_id}.json"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("SSE_WIDGET_BEARER", raising=False)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernels]:
    made = Kernels(tmp_path, monkeypatch)
    yield made
    for session in made.sessions:
        session.close()


@pytest.fixture
def kernel(kernels: Kernels) -> Session:
    """One kernel, as there mostly is."""
    return kernels.start()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    def run_it(*arguments: str, stdin: bytes | None = None) -> Told:
        capfd.readouterr()
        feeding = None
        with monkeypatch.context() as patch:
            if stdin is not None:
                reading, writing = os.pipe()
                source = open(reading)  # noqa: PTH123, SIM115 - a descriptor
                patch.setattr(sys, "stdin", source)
                feeding = threading.Thread(target=feed, args=(writing, stdin))
                feeding.start()
            patch.setattr(sys, "stdout", open(os.dup(1), "w"))  # noqa: PTH123, SIM115
            patch.setattr(sys, "stderr", open(os.dup(2), "w"))  # noqa: PTH123, SIM115
            try:
                main(list(arguments), prog_name="sse-widget")
            except SystemExit as ended:
                code = 0 if ended.code is None else ended.code
            assert isinstance(code, int)
            sys.stdout.close()
            sys.stderr.close()
            if feeding is not None:
                source.close()
                feeding.join()
        return Told(code, *capfd.readouterr())

    return run_it


def feed(writing: int, content: bytes) -> None:
    with open(writing, "wb") as sink:
        try:
            sink.write(content)
        except BrokenPipeError:
            return
