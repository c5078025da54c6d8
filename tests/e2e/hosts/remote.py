"""A Jupyter server under a base URL behind nginx with TLS and HTTP/2, in a network of its own or not."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from tests.e2e.hosts.chromium import REMOTE, public
from tests.e2e.hosts.jupyter_server import JupyterServer
from tests.e2e.hosts.nginx import Nginx, why_no_nginx
from tests.e2e.hosts.shown import ShownNotebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.e2e.hosts.shown import Program

BASE_URL = "/user/alice/"
# A network with nothing in it but its own loopback; it goes when the last process in it has gone.
ISOLATED = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


def why_not_isolated() -> str:
    """Return why this user cannot make a network namespace; "" if it can be done."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    if why_no_nginx():
        return why_no_nginx()
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "unshare or ip is missing; run: make hosts"
    tried = subprocess.run([*ISOLATED, "true"], capture_output=True, text=True, check=False)  # noqa: S603
    return tried.stderr.strip() if tried.returncode else ""


class RemoteHost:
    """JupyterLab as on another machine.

    Parameters
    ----------
    home : Path
        For its files.
    isolated : bool
        Put the server and its kernels into another network; only root can.
    hostname : str
        What the browser calls it: a name that is not loopback, or `localhost`, as through an ssh tunnel.
    extension : bool
        With our server extension.

    Attributes
    ----------
    flag : str
        Of the Chromium for which this server is on the public internet.
    """

    def __init__(self, home: Path, *, isolated: bool, hostname: str = REMOTE, extension: bool = True) -> None:
        before = ISOLATED if isolated else ()
        self.server = JupyterServer(home, base_url=BASE_URL, unix=True, extension=extension, before=before)
        self.nginx = Nginx(home / "nginx", f"http://unix:{self.server.socket}:")
        self._hostname = hostname

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            stack.enter_context(self.nginx)
            self._stack = stack.pop_all()
        self.server.url = self.url()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def flag(self) -> str:
        return public(self.nginx.port)

    def url(self, hostname: str = "") -> str:
        """Return the address of the server, by this name or by the host's own."""
        return f"https://{hostname or self._hostname}:{self.nginx.port}{BASE_URL.rstrip('/')}"

    def open(
        self, context: BrowserContext, program: Program, hostname: str = "", cells: int | None = None
    ) -> ShownNotebook:
        """Show a program in a new notebook; only so many of its cells at first, see `ShownNotebook.run_rest`."""

        def address(name: str, workspace: str) -> str:
            return f"{self.url(hostname)}/lab/workspaces/{workspace}/tree/{name}?token={self.server.token}"

        return ShownNotebook(self.server, context, program, address, cells=cells)
