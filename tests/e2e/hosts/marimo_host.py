"""marimo, as `run` (an app) and as `edit` (a notebook)."""

from __future__ import annotations

import itertools
import textwrap
import urllib.request
from typing import TYPE_CHECKING, Literal, Self

from tests.e2e.hosts.process import Process, environment, free_port
from tests.e2e.hosts.shown import Shown
from tools.hosts import HOSTS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page

    from tests.e2e.hosts.shown import Program

LOAD_S = 90
TTL_S = 1  # a visitor who has gone is waited for
CONFIG = """
[runtime]
auto_instantiate = true
auto_reload = "off"
[save]
autosave = "off"
"""
BUTTON = "import marimo\ngo = marimo.ui.run_button(label='go')\ngo"
RUN = "marimo.stop(not go.value)\n{then}"
CELL = "@app.cell\ndef _():\n{body}\n    return\n"
_numbers = itertools.count(1)


def as_marimo(program: Program) -> str:
    """Return a program as the source of a marimo notebook."""
    cells = [*program.first, BUTTON, RUN.format(then=program.then)]
    bodies = [CELL.format(body=textwrap.indent(each.strip(), "    ")) for each in cells]
    return "\n".join(
        ["import marimo\n", "app = marimo.App()\n", *bodies, 'if __name__ == "__main__":', "    app.run()\n"]
    )


class ShownApp(Shown):
    """A page of marimo; `again` opens a second session of the same process."""

    def __init__(self, page: Page, url: str, process: Process | None, *, keeps_state: bool) -> None:
        super().__init__(page)
        self.keeps_state = keeps_state
        self._url, self._process = url, process
        page.goto(url, wait_until="commit")
        self._button.wait_for(timeout=LOAD_S * 1000)

    @property
    def _button(self) -> Locator:
        return self.page.get_by_role("button", name="go", exact=True)

    def go(self) -> None:
        self._button.click()

    def reload(self) -> None:
        super().reload()
        self._button.wait_for(timeout=LOAD_S * 1000)

    def again(self, context: BrowserContext) -> ShownApp:
        """Open the same app once more, as another person would."""
        return ShownApp(context.new_page(), self._url, None, keeps_state=self.keeps_state)

    def close(self) -> None:
        super().close()
        if self._process is not None:
            self._process.stop()


class MarimoHost:
    """marimo; each program gets a process of its own."""

    def __init__(self, home: Path, mode: Literal["run", "edit"]) -> None:
        self.home, self.mode = home, mode
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        config = self.home / "xdg-config" / "marimo" / "marimo.toml"
        config.parent.mkdir(parents=True)
        config.write_text(CONFIG)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.stop()

    def open(self, context: BrowserContext, program: Program) -> ShownApp:
        """Show a program."""
        number, port = next(_numbers), free_port()
        file = self.home / f"app_{number}.py"
        file.write_text(as_marimo(program))
        command = [str(HOSTS / "bin" / "marimo"), "--quiet", self.mode, str(file), "--headless", "--no-token"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--session-ttl", str(TTL_S)] if self.mode == "run" else []
        log = self.home / f"marimo-{number}.log"
        process = Process(command, log, environment(self.home), self.home)
        self._processes.append(process)
        url = f"http://127.0.0.1:{port}"
        process.wait_for(lambda: urllib.request.urlopen(f"{url}/health", timeout=5).status, "marimo's page")  # noqa: S310
        return ShownApp(context.new_page(), url, process, keeps_state=self.mode == "edit")
