"""Find a Chromium for the end-to-end tests, or install one.

    python -m tools.browser            print the path; install a browser first where there is none

In this order: `$SSE_WIDGET_BROWSER`, Chromium or Chrome on the PATH, Playwright's own. Installing: Debian's package
where we may (root, or `sudo` without a password), else Playwright's download into the user's cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
MAC_APPS = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
HELP = """no Chromium was found and none could be installed. One of these helps:
    apt-get install chromium            (as root, on Debian)
    python -m playwright install --with-deps chromium
    SSE_WIDGET_BROWSER=/path/to/chrome make test"""


def works(path: str) -> bool:
    """Whether this browser starts: Ubuntu's `chromium` is only a pointer to a snap that may not be there."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def candidates() -> Iterator[str]:
    """Where a browser may be, best first."""
    chosen = os.environ.get("SSE_WIDGET_BROWSER")
    if chosen:
        yield chosen
        return  # what was asked for and nothing else
    for name in NAMES:
        path = shutil.which(name)
        if path:
            yield path
    yield from MAC_APPS
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    yield own


def find() -> str | None:
    """Return the path of the first browser that starts, or None."""
    return next((path for path in candidates() if Path(path).exists() and works(path)), None)


def may_sudo() -> bool:
    """Whether `sudo` is there and asks for no password."""
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def installers() -> Iterator[list[list[str]]]:
    """Yield ways to install a browser, each a list of commands."""
    if shutil.which("apt-get"):
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        if root or may_sudo():
            apt = ["apt-get"] if root else ["sudo", "-n", "apt-get"]
            install = ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
            yield [[*apt, "update"], [*apt, *install]]
            # Not a Debian with a chromium of its own: Playwright's, with the libraries that it needs.
            yield [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]
    yield [[sys.executable, "-m", "playwright", "install", "chromium"]]


def install() -> str | None:
    """Try each way of installing until a browser starts; return its path, or None."""
    for commands in installers():
        for command in commands:
            print("+", *command, file=sys.stderr, flush=True)
            if subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False).returncode:
                break
        path = find()
        if path:
            return path
    return None


def main() -> None:
    """Print the path of a browser that works."""
    path = find() or install()
    if path is None:
        sys.exit(HELP)
    print(path)


if __name__ == "__main__":
    main()
