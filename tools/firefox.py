"""Find a Firefox for the tests of other people's readers, or install Debian's.

    python -m tools.firefox            print the path; install Firefox first where there is none

In this order: `$SSE_WIDGET_FIREFOX`, Firefox on the PATH, the one of macOS. Installing: Debian's package, where we may
(root, or `sudo` without a password).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.browser import may_sudo, works

NAMES = ["firefox-esr", "firefox"]
MAC_APP = "/Applications/Firefox.app/Contents/MacOS/firefox"
HELP = """no Firefox was found and none could be installed. One of these helps:
    apt-get install firefox-esr         (as root, on Debian)
    SSE_WIDGET_FIREFOX=/path/to/firefox make test"""


def find() -> str | None:
    """Return the path of the first Firefox that starts, or None."""
    chosen = os.environ.get("SSE_WIDGET_FIREFOX")
    candidates = [chosen] if chosen else [shutil.which(name) for name in NAMES] + [MAC_APP]
    return next((path for path in candidates if path and Path(path).exists() and works(path)), None)


def install() -> str | None:
    """Install Debian's, where we may; return its path, or None."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if shutil.which("apt-get") and (root or may_sudo()):
        apt = ["apt-get"] if root else ["sudo", "-n", "apt-get"]
        for command in ([*apt, "update"], [*apt, "install", "--yes", "--no-install-recommends", "firefox-esr"]):
            print("+", *command, file=sys.stderr, flush=True)
            if subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False).returncode:
                break
    return find()


def main() -> None:
    """Print the path of a Firefox that works."""
    path = find() or install()
    if path is None:
        sys.exit(HELP)
    print(path)


if __name__ == "__main__":
    main()
