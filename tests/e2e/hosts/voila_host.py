"""Voila, alone and as an extension of a Jupyter server."""

from __future__ import annotations

import itertools
import json
import textwrap
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.hosts.jupyter_server import JupyterServer
from tests.e2e.hosts.process import PYTHON, Process, environment, free_port
from tests.e2e.hosts.shown import Shown

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from tests.e2e.hosts.shown import Program

LOAD_S = 60
# Nobody runs cells in Voila: what is run on demand is run by a button, on the kernel's main thread like a cell.
BUTTON = """
import ipywidgets

def run_then(_button):
{then}

go = ipywidgets.Button(description="go")
go.on_click(run_then)
go.add_class("rig-go")
go
"""
_numbers = itertools.count(1)


class ShownDashboard(Shown):
    """A page of Voila. It has a kernel of its own, and a reload starts another one."""

    keeps_state = False

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page)
        page.goto(url, wait_until="commit")
        self.page.locator(".rig-go").wait_for(timeout=LOAD_S * 1000)

    def go(self) -> None:
        self.page.locator(".rig-go").click()

    def reload(self) -> None:
        super().reload()
        self.page.locator(".rig-go").wait_for(timeout=LOAD_S * 1000)


def write_notebook(directory: Path, program: Program) -> str:
    """Write a program as a notebook; return its name."""
    button = BUTTON.format(then=textwrap.indent(program.then, "    "))
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": each, "metadata": {}, "outputs": [], "execution_count": None}
        for each in (*program.first, button)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    name = f"dashboard-{next(_numbers)}.ipynb"
    (directory / name).write_text(json.dumps(notebook))
    return name


class VoilaHost:
    """`voila DIRECTORY`."""

    def __init__(self, home: Path) -> None:
        self.home, self.notebooks = home, home / "notebooks"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.notebooks.mkdir(parents=True)
        command = [PYTHON, "-m", "voila", str(self.notebooks), "--no-browser", "--Voila.ip=127.0.0.1"]
        command += [f"--Voila.port={self.port}", "--Voila.port_retries=0"]
        with ExitStack() as stack:
            process = Process(command, self.home / "voila.log", environment(self.home), self.home)
            stack.callback(process.stop)
            process.wait_for(lambda: urllib.request.urlopen(self.url, timeout=5).status, "Voila's page")  # noqa: S310
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, context: BrowserContext, program: Program) -> ShownDashboard:
        """Show a program as a dashboard."""
        return ShownDashboard(context.new_page(), f"{self.url}/voila/render/{write_notebook(self.notebooks, program)}")


class VoilaExtensionHost:
    """The same within a Jupyter server; it needs that server's login."""

    def __init__(self, home: Path, *, hostname: str = "127.0.0.1") -> None:
        self.server = JupyterServer(home, hostname=hostname)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def open(self, context: BrowserContext, program: Program) -> ShownDashboard:
        """Show a program as a dashboard."""
        name = write_notebook(self.server.notebooks, program)
        return ShownDashboard(context.new_page(), f"{self.server.url}/voila/render/{name}?token={self.server.token}")
