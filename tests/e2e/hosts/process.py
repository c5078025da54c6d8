"""Programs of a host: started with a log, watched until they answer, stopped by pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from tools.hosts import HOSTS, NODE_BIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

START_S = 90
STOP_S = 15
POLL_S = 0.05
PYTHON = str(HOSTS / "bin" / "python")
# What a program's own configuration would bring in from the one who runs the tests, or from a test run around it.
_FOREIGN = ("JUPYTER", "IPYTHON", "XDG_", "VOILA", "MARIMO", "PYTEST", "PYTHONPATH", "VIRTUAL_ENV", "SSE_WIDGET")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with nothing of the user's in it; everything is read from and written below `home`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    node = shutil.which("node")
    places = [str(HOSTS / "bin"), str(NODE_BIN), *([str(Path(node).parent)] if node else []), kept.get("PATH", "")]
    ours = {
        "HOME": home,
        "PATH": os.pathsep.join(places),
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "XDG_CONFIG_HOME": home / "xdg-config",
        "XDG_STATE_HOME": home / "xdg-state",
        "XDG_CACHE_HOME": home / "xdg-cache",
        "PYTHONPYCACHEPREFIX": HOSTS / "pycache",
    }
    return kept | {key: str(value) for key, value in ours.items()} | more


class Process:
    """One program that listens, with all that it starts.

    Parameters
    ----------
    command : sequence of str
        Is ended by the system when this process dies, so that a killed test run leaves nothing behind.
    log : Path
        Takes its output.
    env : mapping of str to str
        All of its environment.
    cwd : Path
        Where it runs.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 – all of it is ours
                ["setpriv", "--pdeathsig", "TERM", *command],  # noqa: S607
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the program itself: everything in front of it makes way by `exec`."""
        return self._process.pid

    def wait_for(self, condition: Callable[[], object], what: str, timeout_s: float = START_S) -> Self:
        """Return when the condition is true; an OSError or a ValueError means: not yet."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.log.stem} ended with {self._process.returncode}:\n{self.log.read_text()}")
            with suppress(OSError, ValueError):
                if condition():
                    return self
            time.sleep(POLL_S)
        raise TimeoutError(f"waited {timeout_s} s for {what}:\n{self.log.read_text()}")

    def stop(self) -> None:
        """Stop the program and every process below it. Idempotent."""
        if self._process.poll() is not None:
            return
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        self._process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=STOP_S)
        for survivor in alive:
            with suppress(psutil.NoSuchProcess):
                survivor.kill()
        self._process.wait(STOP_S)
