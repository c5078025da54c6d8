"""What is kept when something goes wrong in a page."""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Error
from playwright.sync_api import TimeoutError as PlaywrightTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.e2e.rig.lab import Lab

CONSOLE_LINES = 2_000


class RigTimeout(TimeoutError):
    """A condition did not come true in time."""


class Evidence:
    """The console and the network errors of one page, and how to save them.

    Parameters
    ----------
    page : Page
        Watched from now on, over reloads.
    lab : Lab
        Its log is saved too.
    directory : Path
        Made when there is something to save.
    name : str
        The beginning of the files' names.
    """

    def __init__(self, page: Page, lab: Lab, directory: Path, name: str) -> None:
        self.console: deque[str] = deque(maxlen=CONSOLE_LINES)
        self.directory = directory
        self._page, self._lab, self._name = page, lab, name
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.on("crash", lambda _: self.console.append("the page crashed"))
        page.on("requestfailed", lambda request: self.console.append(f"failed: {request.method} {request.url}"))

    def save(self, notebook: str) -> str:
        """Write screenshot, console, notebook and the Lab's log; return one line that says where they are."""
        self.directory.mkdir(parents=True, exist_ok=True)
        stem = self.directory / self._name
        notes = []
        try:
            self._page.screenshot(path=f"{stem}.png", timeout=5_000)
            path = json.dumps(notebook)
            content = self._page.evaluate(f"rig.content({path})")
            stem.with_suffix(".ipynb").write_text(json.dumps(content, indent=1))
        except Error as error:  # a crashed or closed page has no picture; the rest is worth having all the more
            notes.append(f" (the page could not be read: {error.message.splitlines()[0]})")
        stem.with_suffix(".console.txt").write_text("\n".join(self.console) + "\n")
        (self.directory / "lab.log").write_bytes(self._lab.log.read_bytes())
        return f"screenshot, console and notebook are in {self.directory}/{self._name}.*{''.join(notes)}"

    @contextmanager
    def waiting_for(self, what: str, notebook: str) -> Iterator[None]:
        """Turn Playwright's timeout into one that says what was waited for, after saving the evidence."""
        try:
            yield
        except PlaywrightTimeout as error:
            raise RigTimeout(f"waited in vain for {what}; {self.save(notebook)}") from error
