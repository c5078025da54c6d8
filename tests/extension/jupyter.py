"""A real Jupyter server in this process, on a thread of its own, and a client that shows what a browser would hide."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Self

from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from sse_widget.server import runtime
from sse_widget.server.runtime import FOLDER_PREFIX
from tests.server.client import Answer, Stream

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    import pytest

DEADLINE_S = 15.0
TOKEN = "t0ken-of-this-jupyter-server"


class Reached:
    """A Jupyter server, as its clients see it."""

    def __init__(self, folder: Path, base_url: str = "/user/al.ice/", port: int = 0) -> None:
        self.base_url = base_url
        self.runtime_dir = folder / "runtime"
        self.port = port

    def start_kernel(self) -> str:
        """Start a kernel through Jupyter's own API."""
        answer = self.request("POST", "api/kernels", {}, token=TOKEN)
        assert answer.status == 201, answer
        return str(answer.json()["id"])

    def runtime_file(self, kernel_id: str) -> Path:
        return self.runtime_dir / f"{FOLDER_PREFIX}{kernel_id}.json"

    def path(self, path: str) -> str:
        return f"{self.base_url}{path}"

    def request(
        self, method: str, path: str, body: object = None, *, token: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request and read the whole answer. The path is taken as it is, below the base URL."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            sent = {"Content-Type": "application/json"} if body is not None else {}
            sent |= {"Authorization": f"token {token}"} if token else {}
            connection.request(method, self.path(path), content, {**sent, **(headers or {})})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def connect(self, receive_bytes: int = 0) -> socket.socket:
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(DEADLINE_S)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def send_head(self, sock: socket.socket, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        fields = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"token {TOKEN}", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        sock.sendall(f"{method} {self.path(path)} HTTP/1.1\r\n{head}\r\n".encode())

    def stream(self, path: str, headers: dict[str, str] | None = None) -> Stream:
        """Open a stream as somebody with the token."""
        sock = self.connect()
        self.send_head(sock, "GET", path, headers)
        received = b""
        while b"\r\n\r\n" not in received:
            more = sock.recv(1 << 16)
            assert more, received
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        answer = Answer(int(lines[0].split(" ")[1]), fields, rest)
        assert answer.status == 200, (lines, rest)
        return Stream(sock, rest, answer)

    def log_in(self) -> dict[str, str]:
        """Return the cookies of a browser that has logged in, and the `_xsrf` among them."""
        found: dict[str, str] = {}
        for path in ("login", f"api/status?token={TOKEN}"):
            connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
            connection.request("GET", self.path(path))
            response = connection.getresponse()
            response.read()
            for cookie in response.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                found[name] = value
            connection.close()
        assert "_xsrf" in found
        assert any(name.startswith("username-") for name in found)
        return found


class Jupyter(Reached):
    """A `ServerApp` with the extension, a base URL and a token, without a browser and without signal handlers."""

    def __init__(self, folder: Path, base_url: str = "/user/al.ice/", **settings: Any) -> None:
        super().__init__(folder, base_url)
        self._folder = folder
        self._settings = settings
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jupyter server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_error: object) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE_S)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            app, http = self._start()
        except BaseException as error:  # noqa: BLE001 - raised by the test's own thread
            self._error = error
            self._ready.set()
            return
        self._ready.set()
        await self._stopping.wait()
        http.stop()
        await http.close_all_connections()
        await app._cleanup()
        ServerApp.clear_instance()

    def _start(self) -> tuple[ServerApp, HTTPServer]:
        # Nothing of the machine's own Jupyter: neither its settings nor its running servers.
        app = self.app = ServerApp(
            base_url=self.base_url,
            runtime_dir=str(self.runtime_dir),
            root_dir=str(self._folder),
            open_browser=False,
            ip="127.0.0.1",
            port=0,
            allow_root=True,
            jpserver_extensions={"sse_widget.extension": True},
            **self._settings,
        )
        app.init_signal = lambda: None
        app.initialize(argv=[f"--IdentityProvider.token={TOKEN}"], new_httpserver=False)
        http = HTTPServer(app.web_app, max_body_size=app.max_body_size, max_buffer_size=app.max_buffer_size)
        sockets = bind_sockets(0, "127.0.0.1")
        http.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        return app, http


def pose_as_kernel(monkeypatch: pytest.MonkeyPatch, jupyter: Jupyter, kernel_id: str) -> None:
    """Let the servers of this process take it for the kernel of that id."""
    path = jupyter.runtime_dir / f"kernel-{kernel_id}.json"
    monkeypatch.setattr(runtime, "connection_file", lambda: path)
