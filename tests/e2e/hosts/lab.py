"""JupyterLab and Notebook 7 without anything in front of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from tests.e2e.hosts.jupyter_server import JupyterServer
from tests.e2e.hosts.shown import ShownNotebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.e2e.hosts.shown import Program


class LabHost:
    """JupyterLab; by a name that is not loopback, its page cannot take the direct way.

    Parameters
    ----------
    home : Path
        For its files.
    hostname : str
        By which the browser calls it; `hub.test` is mapped to 127.0.0.1 in the tests' Chromium.
    extension : bool
        With our server extension.
    """

    def __init__(self, home: Path, *, hostname: str = "127.0.0.1", extension: bool = True) -> None:
        self.server = JupyterServer(home, hostname=hostname, extension=extension)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def address(self, name: str, workspace: str) -> str:
        """Return the address of a notebook's page."""
        return f"{self.server.url}/lab/workspaces/{workspace}/tree/{name}?token={self.server.token}"

    def open(self, context: BrowserContext, program: Program, cells: int | None = None) -> ShownNotebook:
        """Show a program in a new notebook; only so many of its cells at first."""
        return ShownNotebook(self.server, context, program, self.address, cells=cells)


class Notebook7Host(LabHost):
    """Notebook 7."""

    def address(self, name: str, workspace: str) -> str:  # noqa: ARG002 - Lab has workspaces, Notebook 7 none
        return f"{self.server.url}/notebooks/{name}?token={self.server.token}"
