"""One JupyterLab server with nothing of the user's in it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from tools.kernels import JUPYTER_PATH, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START_S = 60
STOP_S = 10

# What JupyterLab would otherwise do on its own while a test runs: ask, fetch news, save.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/completer-extension/manager": {"autoCompletion": False},
}


class Lab:
    """A running JupyterLab on a free port of 127.0.0.1.

    Parameters
    ----------
    home : Path
        An empty directory for everything it reads and writes: HOME, Jupyter's and IPython's files, the notebooks.
    arguments : sequence of str
        More command-line options of JupyterLab.
    env : mapping of str to str
        More environment variables, for the server and its kernels.
    """

    def __init__(self, home: Path, *, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.notebooks = home / "notebooks"
        self.runtime = home / "runtime"
        self.log = home / "lab.log"
        self.token = secrets.token_hex(16)
        self._arguments = arguments
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Self:
        """Start the server; return when it answers."""
        if not (JUPYTER_PATH / "kernels").is_dir():
            raise FileNotFoundError("the kernels for the tests are not installed; run: make kernels")
        self.notebooks.mkdir(parents=True)
        self._write_settings()
        options = {
            "--ServerApp.ip": "127.0.0.1",
            "--ServerApp.port": "0",
            "--ServerApp.root_dir": str(self.notebooks),
            "--IdentityProvider.token": self.token,
            "--LabApp.news_url": "",
            "--LabApp.extension_manager": "readonly",
        }
        command = [sys.executable, str(Path(__file__).with_name("lab_server.py")), str(os.getpid()), "--no-browser"]
        command += ["--allow-root", "--expose-app-in-browser", *(f"{key}={value}" for key, value in options.items())]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                cwd=self.notebooks,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we then stop it in order
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and every process below it, by pid. Idempotent."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is not None:
            return  # it has ended by itself, and its kernels with it: ipykernel watches its parent
        family = _family(process.pid)
        process.send_signal(signal.SIGTERM)  # it shuts its kernels down in order
        _, alive = psutil.wait_procs(family, timeout=STOP_S)
        for survivor in alive:
            with suppress(psutil.NoSuchProcess):
                survivor.kill()
        process.wait(STOP_S)

    def pids(self) -> list[int]:
        """Return the process ids of the server and of all below it."""
        return [] if self._process is None else [each.pid for each in _family(self._process.pid)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call Jupyter's REST API, for example ``lab.api("GET", "kernels")``; return the JSON of its answer."""
        request = urllib.request.Request(  # noqa: S310 – our own http:// address
            f"{self.url}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=START_S) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def shutdown_kernel(self, notebook: str) -> None:
        """End the session of a notebook, and its kernel with it, if it has one."""
        for session in self.api("GET", "sessions"):
            if session["path"] == notebook:
                self.api("DELETE", f"sessions/{session['id']}")

    def _wait_until_up(self) -> None:
        assert self._process is not None
        info = self.runtime / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended with {self._process.returncode}:\n{self.log.read_text()}")
            with suppress(OSError, ValueError):  # not there yet, half written, or not listening yet
                self.url = f"http://127.0.0.1:{json.loads(info.read_text())['port']}"
                self.api("GET", "status")
                return
            time.sleep(0.05)
        raise TimeoutError(f"JupyterLab did not answer within {START_S} s:\n{self.log.read_text()}")

    def _write_settings(self) -> None:
        for plugin, settings in SETTINGS.items():
            file = self.home / "settings" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings))

    def _environment(self) -> dict[str, str]:
        theirs = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "IPYTHON", "XDG_"))}
        ours = {
            "HOME": self.home,
            "IPYTHONDIR": self.home / "ipython",
            "JUPYTER_CONFIG_DIR": self.home / "config",
            "JUPYTER_DATA_DIR": self.home / "data",
            "JUPYTER_RUNTIME_DIR": self.runtime,
            "JUPYTER_PATH": JUPYTER_PATH,
            "JUPYTERLAB_SETTINGS_DIR": self.home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": self.home / "workspaces",
            "PYTHONPYCACHEPREFIX": ROOT / ".kernels" / "pycache",
        }
        return theirs | {key: str(value) for key, value in ours.items()} | self._env


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
