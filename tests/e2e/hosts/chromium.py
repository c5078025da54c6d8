"""Chromium with what the hosts need: names that lead to this machine, and other address spaces."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from tests.e2e.rig.browser import FLAGS
from tools.browser import HELP, find

if TYPE_CHECKING:
    from playwright.sync_api import Browser as PlaywrightBrowser
    from playwright.sync_api import BrowserContext

    from tests.e2e.rig import Browser

REMOTE = "hub.test"
"""A name that is not loopback; `*.test` leads to 127.0.0.1 in this Chromium."""
NAMES = f"--host-resolver-rules=MAP {REMOTE} 127.0.0.1"


class Chromiums:
    """The Chromiums of a run, one for each set of flags; Playwright allows one driver a process, so it is shared."""

    def __init__(self, browser: Browser) -> None:
        path = find()
        if path is None:
            raise FileNotFoundError(HELP)
        self._path, self._type = path, browser.chromium.browser_type
        self._running: dict[tuple[str, ...], PlaywrightBrowser] = {}
        self._stack = ExitStack()

    def context(self, *flags: str) -> BrowserContext:
        """Return a new context – another person at another browser – that takes any certificate."""
        if flags not in self._running:
            chromium = self._type.launch(executable_path=self._path, args=[*FLAGS, NAMES, *flags])
            self._stack.callback(chromium.close)
            self._running[flags] = chromium
        viewport = {"width": 1280, "height": 900}
        return self._running[flags].new_context(viewport=viewport, ignore_https_errors=True)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def public(port: int) -> str:
    """Return the flag that makes the server on this port of 127.0.0.1 one of the public internet."""
    return f"--ip-address-space-overrides=127.0.0.1:{port}=public"
