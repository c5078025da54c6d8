"""What a relay asks for: checked before anything is sent, and shown without its secrets."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from tornado.httputil import HTTPHeaders

from sse_widget.core.json import to_json
from sse_widget.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Address", "Request", "parse_request"]

_PORTS: Final = {"http": 80, "https": 443}
_URL_SAFE: Final = "/%:=&?~#+!$,;'@()*[]"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_OURS: Final = frozenset({"connection", "content-length", "host", "transfer-encoding", "accept-encoding"})


class Address(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str  # as DNS knows it, or an IP address
    port: int
    target: str  # path and query

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to be the same for a secret to be sent there."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host, and port if it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Write it without the query, which may hold a secret."""
        return f"{self.scheme}://{self.netloc}{self.target.partition('?')[0]}"

    @property
    def url(self) -> str:
        """The whole of it."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    def joined(self, location: str) -> Address:
        """Return where a redirect leads; raises `ValueError` if nowhere."""
        return _parse_url(urljoin(self.url, location))[0]


class Request(NamedTuple):
    """One request, to be sent as often as needed."""

    method: str
    address: Address
    headers: HTTPHeaders  # the user's; they go to no other origin
    body: bytes | None

    def __repr__(self) -> str:
        return f"{self.method} {self.address}"

    @property
    def stream(self) -> tuple[str, Address, bytes | None]:
        """What tells one stream from another."""
        return self.method, self.address, self.body

    def sent(self, home: Address, last_event_id: str) -> HTTPHeaders:
        """Return all headers of one try; the user's only to the origin `home`, which they were given for."""
        headers = HTTPHeaders({"Accept": "text/event-stream", "Cache-Control": "no-store", "User-Agent": "sse_widget"})
        if self.address.origin == home.origin:
            headers.update(self.headers)
        if last_event_id and last_event_id.isprintable():
            headers["Last-Event-ID"] = last_event_id.encode().decode("latin-1")  # the standard: as UTF-8
        headers["Host"] = self.address.netloc
        headers["Accept-Encoding"] = "identity"  # what is compressed comes late
        headers["Connection"] = "close"
        if self.body is not None:
            headers["Content-Length"] = str(len(self.body))
        elif self.method != "GET":
            headers["Content-Length"] = "0"
        return headers

    def followed(self, location: str) -> Request:
        """Return the request that a redirect asks for.

        Raises
        ------
        UpstreamError
            If that is nowhere, or would give away what was meant for another.
        """
        try:
            address = self.address.joined(location)
        except ValueError as error:
            raise UpstreamError(f"expected {self!r} to redirect to an address: {error}") from None
        if self.address.scheme == "https" and address.scheme == "http":
            raise UpstreamError(f"expected {self!r} to stay with https, got redirected to {address}")
        if self.method != "GET" and address.origin != self.address.origin:
            raise UpstreamError(f"expected {self!r} to stay with its origin, got redirected to {address}")
        return self._replace(address=address)


def parse_request(method: str, url: str, headers: Mapping[str, str] | None, body: object) -> Request:
    """Check what the user has given.

    Raises
    ------
    ValueError
        If the address, the method or a header is none, or there is a body without a method for it.
    TypeError
        If something has the wrong type.
    """
    if not isinstance(url, str):
        raise TypeError(f"expected the url as a str, got {type(url).__name__}")
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"expected a method such as 'GET' or 'POST', got {method!r}")
    method = method.upper()
    address, userinfo = _parse_url(url)
    given = HTTPHeaders()
    if userinfo:
        given["Authorization"] = "Basic " + base64.b64encode(userinfo.encode()).decode()
    for name, value in (headers or {}).items():
        if not isinstance(value, str):
            raise TypeError(f"expected headers as texts, got {name!r} with a {type(value).__name__}")
        if not _TOKEN.fullmatch(name) or re.search("[\r\n\0]", value) or not _is_latin(value):
            raise ValueError(f"expected a header with a name and a value on one line of Latin-1, got {name!r}")
        if name.lower() in _OURS:
            raise ValueError(f"expected headers that a relay does not set itself, got {name!r}; leave it out")
        given[name] = value
    content = None if body is None else _encoded(body, given)
    if content is not None and method == "GET":
        raise ValueError("expected no body with method='GET'; pass method='POST'")
    return Request(method, address, given, content)


def _encoded(body: object, headers: HTTPHeaders) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    headers.setdefault("Content-Type", "application/json")
    return to_json(body)


def _is_latin(text: str) -> bool:
    return all(ord(character) < 256 for character in text)  # noqa: PLR2004 - what a header can hold


def _parse_url(url: str) -> tuple[Address, str]:
    """Return the address, and `user:password` if there is one."""
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname or ""
        host = name if name.isascii() else name.encode("idna").decode()
    except (ValueError, UnicodeError):
        raise ValueError(f"expected an address such as 'https://example.org/stream', got {_shown(url)!r}") from None
    if parts.scheme not in _PORTS or not host or re.search(r"[\s\0-\x20\x7f]", host):
        raise ValueError(f"expected an address such as 'https://example.org/stream', got {_shown(url)!r}")
    query = f"?{quote(parts.query, _URL_SAFE)}" if parts.query else ""
    target = quote(parts.path or "/", _URL_SAFE) + query
    userinfo = unquote(parts.netloc.rpartition("@")[0])
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], target), userinfo


def _shown(url: str) -> str:
    """Cut off what may be secret in something that may be no address at all."""
    head = url.partition("?")[0]
    scheme, slashes, rest = head.partition("//")
    netloc, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{netloc.rpartition('@')[2]}{slash}{path}"[:200]
