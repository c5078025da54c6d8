"""One Chromium for a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from playwright.sync_api import sync_playwright

from tools.browser import HELP, find

if TYPE_CHECKING:
    from playwright.sync_api import Browser as PlaywrightBrowser
    from playwright.sync_api import BrowserContext

# No sandbox: containers and root. The rest keeps Chromium from talking to anybody but the page's servers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Browser:
    """A headless Chromium and one context in it, shared by all pages: JupyterLab's files are then fetched once."""

    def __init__(self) -> None:
        path = find()
        if path is None:
            raise FileNotFoundError(HELP)
        self._playwright = sync_playwright().start()
        try:
            self.chromium: PlaywrightBrowser = self._playwright.chromium.launch(executable_path=path, args=FLAGS)
            self.context = self.new_context()
        except BaseException:
            self._playwright.stop()
            raise

    def new_context(self) -> BrowserContext:
        """Return a context of its own – other cookies, other storage: another person at another browser."""
        return self.chromium.new_context(viewport={"width": 1280, "height": 900})

    def close(self) -> None:
        """Close every page and end Chromium."""
        self.chromium.close()
        self._playwright.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
