"""One browser tab on a program in a host, whatever the host is."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from tests.e2e.hosts.jupyter_server import KERNEL
from tests.e2e.rig import Notebook, NotebookFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import BrowserContext, Page

    from tests.e2e.hosts.jupyter_server import Api

WATCH = Path(__file__).with_name("watch.js")
WAIT_S = 40
POLL_MS = 25
# What Chromium writes to the console of a page that wanted to leave its address space without permission.
PERMISSION = re.compile(r"permission was denied|address space|local network", re.IGNORECASE)


class Program(Protocol):
    """What a host shows: cells that run at once, and one that runs when asked."""

    first: Sequence[str]
    """Each shows its last line's value."""
    then: str
    """Statements, run by `Shown.go`, as often as that is called."""


class Shown:
    """A tab on a program.

    Attributes
    ----------
    page : Page
        For everything that is not here.
    console : list of str
        What the page wrote to its console, and its failed requests.
    keeps_state : bool
        Whether a reload finds the kernel and the widget that were there before.
    """

    keeps_state = True

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console: list[str] = []
        self.page.add_init_script(path=WATCH)
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.on("requestfailed", lambda request: self.console.append(f"failed: {request.method} {request.url}"))

    def go(self) -> None:
        """Start the program's last part; do not wait for its end."""
        raise NotImplementedError

    def reload(self) -> None:
        """Reload the page as F5 does, with whatever the host needs to show the widget again."""
        self.page.reload(wait_until="commit")

    def asked_for_permission(self) -> list[str]:
        """Return what the console says of requests for which the browser would ask the user, or has refused to."""
        return [line for line in self.console if PERMISSION.search(line)]

    def close(self) -> None:
        """Close the tab and end what it started."""
        with contextlib.suppress(Exception):  # a tab that crashed; the test has failed already
            self.page.close()

    def wait(self, condition: str, timeout_s: float = WAIT_S) -> None:
        """Wait until a JavaScript expression is true in the page."""
        self.page.wait_for_function(f"() => ({condition})", polling=POLL_MS, timeout=timeout_s * 1000)

    def wait_for_view(self, timeout_s: float = WAIT_S, **attributes: str) -> dict[str, str]:
        """Wait until the widget's root element has these data attributes; return all it has."""
        wanted = json.dumps(attributes)
        condition = f"((v) => v && Object.entries({wanted}).every(([k, w]) => v[k] === w))(watch.view())"
        try:
            self.wait(condition, timeout_s)
        except Exception as error:
            raise TimeoutError(f"expected {attributes} within {timeout_s} s, got {self.view()}") from error
        return self.view() or {}

    def view(self) -> dict[str, str] | None:
        """Return the data attributes of the widget's root element, None if there is none."""
        view: dict[str, str] | None = self.page.evaluate("watch.view()")
        return view

    def samples(self) -> list[tuple[float, int]]:
        """Return each count that the view has shown and when it was first seen, in seconds since 1970."""
        return [(when, count) for when, count in self.page.evaluate("watch.samples")]

    def record(self) -> None:
        """Write down all that the page's one feed takes; dies with the page."""
        self.page.evaluate("watch.record()")

    def records(self) -> list[list[Any]]:
        """Return all since `record`, and what the page had before: `[sequence, type, data]` or `["gap", lost]`."""
        return list(self.page.evaluate("watch.records()"))

    def stats(self) -> dict[str, Any] | None:
        """Return what the page says about its connections and feeds."""
        stats: dict[str, Any] | None = self.page.evaluate("watch.stats()")
        return stats


class JupyterTab(Notebook):
    """A tab of JupyterLab or Notebook 7 at any address."""

    def open_at(self, address: Callable[[str, str], str]) -> Self:
        """Load the page whose address is `address(notebook's name, workspace)` and wait for the kernel."""
        with self.evidence.waiting_for("Jupyter's page", self.file.name):
            self.page.goto(address(self.file.name, self._workspace), wait_until="commit")
        self.wait_ready(timeout_s=90)
        return self


class ShownNotebook(Shown):
    """A tab on a notebook in JupyterLab or Notebook 7; with `cells`, only so many are run at once."""

    def __init__(
        self,
        server: Api,
        context: BrowserContext,
        program: Program,
        address: Callable[[str, str], str],
        *,
        cells: int | None = None,
    ) -> None:
        file = NotebookFile.create(server, [*program.first, program.then], KERNEL)  # type: ignore[arg-type]  # like a Lab
        self.notebook = JupyterTab(file, context)
        super().__init__(self.notebook.page)
        self._last = len(program.first)
        self.notebook.open_at(address)
        self._run(0, self._last if cells is None else cells)

    def run_rest(self, cells: int) -> None:
        """Run the cells of the program's first part after so many."""
        self._run(cells, self._last)

    def _run(self, start: int, end: int) -> None:
        for cell in range(start, end):
            self.notebook.run(cell)

    @property
    def kernel_id(self) -> str:
        """The kernel's id in its server."""
        sessions = self.notebook.file.lab.api("GET", "sessions")
        return str(next(each["kernel"]["id"] for each in sessions if each["path"] == self.notebook.file.name))

    def go(self) -> None:
        self.notebook.run_async(self._last)

    def reload(self) -> None:
        self.notebook.wait_idle()
        self.notebook.save()
        self.notebook.reload()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.notebook.file.close()
