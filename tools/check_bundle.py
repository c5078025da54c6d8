"""Whether the bundle in `sse_widget/static/` was built from the sources in `js/src/`.

The bundle is committed, so that nobody needs Node to install the package; line 1 of each built file holds the hash of
the sources. This module computes that hash without Node: the build of the wheel and a test refuse a stale bundle.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

__all__ = ["BUILT", "StaleBundle", "check", "hash_of"]

BUILT = tuple(
    f"sse_widget/static/{name}"
    for name in ("widget.js", "widget.css", "client.js", "client.d.ts", "page.js", "page.css")
)
_SOURCES = "js/src"
_LINE_1 = re.compile(rb"(?://|/\*) source sha256: ([0-9a-f]{64})(?: \*/)?")


class StaleBundle(Exception):
    """A built file is missing, or was built from other sources."""


def hash_of(directory: Path) -> str:
    """Compute the hash of all files below a directory, as `js/build.mjs` does.

    Parameters
    ----------
    directory : Path
        The sources.

    Returns
    -------
    str
        SHA-256 as 64 hexadecimal digits, of paths and contents with their lengths, so that no two trees have the same
        text. Line ends count as LF, since git may check them out as CRLF.
    """
    digest = hashlib.sha256()
    files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    for name in sorted(files, key=str.encode):
        content = files[name].read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def check(root: Path) -> None:
    """Check every built file against the sources.

    Parameters
    ----------
    root : Path
        Of the repository. Where it has no `js/src` (an unpacked source distribution without it), there is nothing to
        compare with.

    Raises
    ------
    StaleBundle
        If a file is missing or stale; its text says what to run.
    """
    sources = root / _SOURCES
    if not sources.is_dir():
        return
    expected = hash_of(sources).encode()
    for name in BUILT:
        path = root / name
        line_1 = path.read_bytes().split(b"\n", 1)[0].strip() if path.is_file() else b""
        found = _LINE_1.fullmatch(line_1)
        if found is None or found[1] != expected:
            msg = f"{name} is stale; run: npm --prefix js run build"
            raise StaleBundle(msg)


def main() -> int:
    """Check this repository; the exit status says whether the bundle is fresh."""
    try:
        check(Path(__file__).resolve().parents[1])
    except StaleBundle as stale:
        sys.stderr.write(f"{stale}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
