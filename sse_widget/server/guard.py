"""Who may come in: the kernel's secrets, proofs, tickets, and the exact sets of hosts and origins.

Everything here compares in constant time or looks up in a set; nothing is matched by prefix, suffix or pattern.
Not thread-safe: it lives on the server's loop, but for `bearer` and `key`, which never change, and for what the user
says on another thread: `also_reached_as`, `let_in` and `issue_for_page`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TICKET_S", "Guard", "Ticket"]

SECRET_BYTES: Final = 32
TICKET_BYTES: Final = 16
TICKET_S: Final = 20.0
MAX_TICKETS: Final = 1000
MAX_ORIGINS: Final = 64
PAGE: Final = frozenset({"\0page"})
"""What a page's ticket is for: no channel has a name with a control character, and no query can hold one."""
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Secret(str):
    """A text that `repr` does not show: tracebacks with variables, debuggers and `vars()` print the `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>"


class Ticket(NamedTuple):
    """What a ticket is good for."""

    client: str
    channels: frozenset[str]
    expires: float  # on the guard's clock [s]


class Guard:
    """The secrets of one kernel, and the judgements that rest on them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.bearer = Secret(secrets.token_hex(SECRET_BYTES))
        self.key = Secret(secrets.token_hex(SECRET_BYTES))
        self.server_id = secrets.token_hex(8)
        self._clock = clock
        self._hosts: frozenset[str] = frozenset()
        self._let_in: frozenset[str] = frozenset()
        self._origins: OrderedDict[str, None] = OrderedDict()
        self._tickets_lock = threading.Lock()
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()

    def listen_on(self, port: int) -> None:
        """Accept the names by which a program of this machine reaches `port`."""
        self._hosts = frozenset(f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))

    def also_reached_as(self, netloc: str) -> None:
        """Accept one more name: the user has put something in front of the server."""
        self._hosts |= {netloc}

    def host_is_ours(self, host: str) -> bool:
        """Tell whether the request was meant for us; a page that re-binds its DNS name to 127.0.0.1 was not."""
        return host in self._hosts

    def origin_is_known(self, origin: str | None) -> bool:
        """Tell whether a page may come from here; programs that are no browser send no origin."""
        return origin is None or origin in self._origins or origin in self._let_in

    def let_in(self, *origins: str) -> None:
        """Accept pages of these origins from now on; the user wants it, so nothing takes them out again."""
        self._let_in |= frozenset(origins)

    def bearer_is_right(self, header: str | None) -> bool:
        """Compare an `Authorization` header."""
        return header is not None and hmac.compare_digest(header.encode(), b"Bearer " + self.bearer.encode())

    # Proofs

    def prove(self, nonce: str) -> str | None:
        """Answer a page that wants to know whether this is its kernel; None if the nonce is not one."""
        return self._mac(f"server|{nonce}") if _NONCE.fullmatch(nonce) else None

    def admit(self, origin: str, nonce: str, mac: str) -> bool:
        """Accept `origin` from now on, if the page that sends from there proves that it knows the key."""
        if origin in {"", "null"} or not _NONCE.fullmatch(nonce):
            return False
        if not hmac.compare_digest(mac.encode(), self._mac(f"page|{origin}|{nonce}").encode()):
            return False
        self._origins[origin] = None
        self._origins.move_to_end(origin)
        while len(self._origins) > MAX_ORIGINS:
            self._origins.popitem(last=False)
        return True

    # Tickets

    def issue(self, client: str, channels: frozenset[str]) -> str:
        """Make a ticket that opens one stream of `client` on exactly these channels, once, within `TICKET_S`."""
        now = self._clock()
        text = secrets.token_hex(TICKET_BYTES)
        with self._tickets_lock:
            while self._tickets and (
                len(self._tickets) >= MAX_TICKETS or next(iter(self._tickets.values())).expires <= now
            ):
                self._tickets.popitem(last=False)
            self._tickets[text] = Ticket(client, channels, now + TICKET_S)
        return text

    def redeem(self, text: str, client: str, channels: frozenset[str]) -> bool:
        """Use a ticket up; True if it was good for this."""
        with self._tickets_lock:
            ticket = self._tickets.pop(text, None)
        return (
            ticket is not None
            and ticket.expires > self._clock()
            and (ticket.client, ticket.channels) == (client, channels)
        )

    def issue_for_page(self) -> str:
        """Make a ticket that opens the page `/`, and with it everything, once, within `TICKET_S`."""
        return self.issue("", PAGE)

    def redeem_for_page(self, text: str) -> bool:
        """Use a ticket up; True if it was a page's."""
        return self.redeem(text, "", PAGE)

    def _mac(self, text: str) -> str:
        return hmac.new(bytes.fromhex(self.key), text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"<Guard of the server {self.server_id}>"  # never the secrets
