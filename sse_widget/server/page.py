"""The page `/`, and the files of the package that pages load.

A ticket opens the page, once. What it is served holds another ticket, in the document; its script changes that for the
bearer, which it keeps in memory, and for a ticket for its own address: so it can be loaded again while it is in sight,
and no address that lives longer than a ticket opens anything.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sse_widget.server.base import BaseHandler

if TYPE_CHECKING:
    from sse_widget.server.state import State

__all__ = ["STATIC", "PageHandler", "PageKeyHandler", "StaticHandler"]

STATIC: Final = ("client.js", "client.d.ts", "page.js", "page.css")
_TYPES: Final = {"js": "text/javascript", "ts": "text/plain", "css": "text/css"}
_TICKET: Final = "Ticket "
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>sse_widget</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="sse-widget-ticket" content="{ticket}">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body><noscript>This page needs JavaScript.</noscript></body>
</html>
"""


@cache
def _read(name: str) -> bytes:
    return files("sse_widget").joinpath("static", name).read_bytes()


class StaticHandler(BaseHandler):
    """`GET /client.js` and the like: for known pages, for our own page, and for who has the bearer.

    A module's import cannot send the bearer. The files hold no secret: they are the same wherever the package is
    installed. So a known origin is enough, or a browser's word that the page is ours.
    """

    def initialize(self, state: State, name: str = "") -> None:
        """Take the file's name."""
        super().initialize(state)
        self._name = name

    def may_enter(self) -> bool:
        """Let in known pages too, and ours."""
        ours = self.request.headers.get("Sec-Fetch-Site") == "same-origin"
        return super().may_enter() or self._known_origin != "" or ours

    def get(self) -> None:
        """Send the file."""
        self.set_header("Content-Type", f"{_TYPES[self._name.rpartition('.')[2]]}; charset=utf-8")
        self.finish(_read(self._name))


class PageHandler(BaseHandler):
    """`GET /`: the page, for a ticket or for the bearer."""

    def is_embedded(self) -> bool:
        """Let the user follow a link to the page from anywhere, such as a notebook; nobody can embed it."""
        headers = self.request.headers
        followed = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
        return super().is_embedded() and not (followed and self.request.method == "GET")

    def may_enter(self) -> bool:
        """Take a page's ticket, or the bearer."""
        ticket = self.get_query_argument("ticket", "")
        return self.state.guard.redeem_for_page(ticket) if ticket else super().may_enter()

    def get(self) -> None:
        """Send it."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.finish(_PAGE.format(ticket=self.state.guard.issue_for_page()))


class PageKeyHandler(BaseHandler):
    """`POST /page`: the page changes a ticket for the bearer, and gets the next ticket for its own address."""

    def may_enter(self) -> bool:
        """Take a page's ticket, in the header where the bearer would be, or the bearer."""
        kind, _, ticket = self.request.headers.get("Authorization", "").partition(" ")
        if kind == _TICKET.strip():
            return self.state.guard.redeem_for_page(ticket)
        return super().may_enter()

    def post(self) -> None:
        """Give both."""
        guard = self.state.guard
        self.reply({"bearer": guard.bearer, "ticket": guard.issue_for_page()})
