"""A Jupyter server with JupyterLab and Notebook 7, started in the way that a host wants."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.hosts.process import PYTHON, Process, environment, free_port
from tests.e2e.rig.lab import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ANSWER_S = 60
KERNEL = "python3"
EXTENSION = "sse_widget.extension"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(str(self._path))


def write_settings(home: Path) -> None:
    """Keep JupyterLab from asking, fetching news and saving on its own."""
    for plugin, settings in SETTINGS.items():
        file = home / "settings" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))


class Api:
    """Jupyter's REST API, and what else the rig's `Notebook` wants to know about its Lab.

    Attributes
    ----------
    notebooks, runtime, log : Path
        Where it has its files.
    token : str
        Opens the API; in the page's address it logs in.
    url : str
        What the browser calls it, without a slash at the end.
    """

    notebooks: Path
    runtime: Path
    log: Path
    token: str
    url: str

    def connection(self) -> tuple[http.client.HTTPConnection, str]:
        """Return where the API answers, and the prefix of its paths."""
        raise NotImplementedError

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, for example ``api("GET", "kernels")``; return the JSON of its answer."""
        connection, prefix = self.connection()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"{prefix}/api/{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ValueError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text) if text else None

    def shutdown_kernel(self, notebook: str) -> None:
        """End the session of a notebook, and its kernel with it, if it has one."""
        for session in self.api("GET", "sessions"):
            if session["path"] == notebook:
                self.api("DELETE", f"sessions/{session['id']}")


class JupyterServer(Api):
    """A running Jupyter server.

    Parameters
    ----------
    home : Path
        An empty directory for everything it reads and writes. With `unix` its name must be short.
    base_url : str
        With a slash at both ends.
    hostname : str
        By which the browser calls it.
    unix : bool
        Listen on a unix socket, for a server in front; its address is then `url`, to be set.
    extension : bool
        With our server extension.
    before : sequence of str
        A command that starts the server's command: `unshare` and the like.
    arguments : sequence of str
        More of its options.
    """

    def __init__(
        self,
        home: Path,
        *,
        base_url: str = "/",
        hostname: str = "127.0.0.1",
        unix: bool = False,
        extension: bool = True,
        before: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        self.home, self.notebooks, self.runtime = home, home / "notebooks", home / "runtime"
        self.log = home / "jupyter.log"
        self.token = secrets.token_hex(16)
        self._base = base_url.rstrip("/")
        self.socket = home / "jupyter.sock" if unix else None
        self.port = 0 if unix else free_port()
        self.url = f"http://{hostname}:{self.port}{self._base}"
        self._extension, self._before, self._arguments = extension, before, arguments
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.notebooks.mkdir(parents=True)
        write_settings(self.home)
        options = {
            "ServerApp.base_url": f"{self._base}/",
            "ServerApp.root_dir": str(self.notebooks),
            "ServerApp.allow_remote_access": "True",
            "IdentityProvider.token": self.token,
            "LabApp.expose_app_in_browser": "True",
            "JupyterNotebookApp.expose_app_in_browser": "True",
            "LabApp.news_url": "",
            "LabApp.extension_manager": "readonly",
        }
        options |= {"ServerApp.sock": str(self.socket)} if self.socket else {"ServerApp.port": str(self.port)}
        if not self._extension:
            options[f"ServerApp.jpserver_extensions={EXTENSION}"] = "False"
        command = [*self._before, PYTHON, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--{key}={value}" for key, value in options.items()]
        env = environment(self.home)
        self._process = Process([*command, *self._arguments], self.log, env, self.notebooks)
        try:
            self._process.wait_for(lambda: self.api("GET", "status"), "Jupyter's API")
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()

    def connection(self) -> tuple[http.client.HTTPConnection, str]:
        if self.socket:
            return _UnixConnection(self.socket), self._base
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S), self._base
