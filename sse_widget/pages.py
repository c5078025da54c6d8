"""`open_page` and `allow_origin`: web pages that the user lets in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sse_widget.session import current

if TYPE_CHECKING:
    from sse_widget.session import Session

__all__ = ["allow_origin", "open_page"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}  # browsers leave them out
_HOST = re.compile(r"[0-9a-z.-]+|\[[0-9a-f:]+\]", re.ASCII)
_LINES: Final = """\
<script type="module">
  import {{ handleRequest, subscribe }} from "{url}/client.js";
  // The kernel's secret: whoever has it reads and pushes. Keep it out of what you publish.
  const kernel = {{ server: "{url}", bearer: "{bearer}" }};
  subscribe("prices", (data, event) => console.log(event.id, data), kernel);
  // await handleRequest("/countdown/5", (data) => console.log(data), kernel);
</script>"""


class _Text(str):
    """A text that a notebook shows as it is, and not as a Python literal."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
        printer.text(str(self))


class _Printed(str):
    """A text that was printed already: a notebook shows it no second time."""

    __slots__ = ()

    def _ipython_display_(self) -> None:
        """Show nothing."""


def open_page() -> str:
    """Print the link to this kernel's own page: its channels, live, with rates and readers. Starts the server.

    The link works once, within 20 seconds: call it again for another. The page goes on for as long as it is open, and
    may be loaded again. It is on the kernel's machine, at 127.0.0.1.

    Returns
    -------
    str
        The link.

    Raises
    ------
    ServerStartError
        If the server could not be started.
    """
    link = page_link(current())
    print(link)  # noqa: T201 - that is what it is for
    return _Printed(link)


def page_link(session: Session) -> str:
    """Return a new link to the page of a session; starts its server."""
    port, guard = session.server.start(), session.server.guard
    guard.let_in(f"http://127.0.0.1:{port}", f"http://localhost:{port}")
    return f"http://127.0.0.1:{port}/?ticket={guard.issue_for_page()}"


def allow_origin(origin: str) -> str:
    """Let web pages of one origin read this kernel's channels and call its routes. Starts the server.

    Parameters
    ----------
    origin : str
        Where the pages come from, as their browser says it: scheme, host, and port unless it is the usual one, such as
        `"http://localhost:8000"`. Exactly this one is let in, until the kernel ends.

    Returns
    -------
    str
        Lines to paste into such a page. They hold the kernel's secret: whoever has them can read and push.

    Raises
    ------
    TypeError
        If `origin` is no text.
    ValueError
        If it is not one origin, as browsers write it: `"*"`, `"null"`, patterns and paths are none.
    ServerStartError
        If the server could not be started.
    """
    return _Text(admit(current(), origin))


def admit(session: Session, origin: str) -> str:
    """Let an origin in to a session; return the lines to paste."""
    _check(origin)
    server = session.server
    url = server.url
    server.guard.let_in(origin)
    return _LINES.format(url=url, bearer=server.guard.bearer)


def _check(origin: object) -> None:
    if not isinstance(origin, str):
        raise TypeError(f"expected origin as a str, got {type(origin).__name__}")
    if origin != _as_browsers_write(origin):
        raise ValueError(
            "expected one origin as browsers write it (scheme, host in lower case, port unless it is the usual one; no "
            f"path), such as 'http://localhost:8000', got {origin!r}"
        )


def _as_browsers_write(origin: str) -> str | None:
    """Return the origin of an address; None if it is none."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return None
    return f"{parts.scheme}://{host}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")
