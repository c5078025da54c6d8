"""Who is let in, over raw sockets: whatever a browser, another user or a broken client could send.

docs/security.md names the rules; each test here fails if its rule is taken away.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psutil
import pytest
from tornado.web import RequestHandler

from sse_widget.core.event import Event
from sse_widget.core.wire import Decoder
from sse_widget.server.answers import NOT_AUTHORISED
from sse_widget.server.guard import TICKET_S, Guard
from sse_widget.server.server import _application
from sse_widget.server.state import Limits, State
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Answer, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "http://localhost:8888"
NONCE = "0123456789abcdef" * 2
MARKER = "zebra<img/src=x>"
CONSTANT = {
    "server": "sse-widget",
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "content-length": str(len(NOT_AUTHORISED)),
}
METHODS = [*RequestHandler.SUPPORTED_METHODS, "TRACE", "CONNECT", "PROPFIND", "get"]
OPEN_TO_ALL = {("/healthz", "GET"), ("/whoami", "GET"), ("/whoami", "POST")}


def _routes() -> list[str]:
    """Find a path for each rule of the server's own router, so that a new route cannot be forgotten here."""
    rules = _application(State(Guard(), cast("Any", None), Limits())).wildcard_router.rules
    paths = []
    for rule in rules:
        pattern = cast("Any", rule.matcher).regex
        path = re.sub(r"\(\?P<\w+>[^()]*\)", "c", pattern.pattern.rstrip("$")).replace("\\.", ".")
        assert pattern.fullmatch(path), f"no path could be made from {pattern.pattern}"
        paths.append(path)
    return list(dict.fromkeys(paths))  # a path may have a rule for each of its methods


ROUTES = _routes()
NO_ROUTES = [
    "/index.html",
    "/events/",
    "/EVENTS",
    "//events",
    "/channels/",
    "/channels/a/b",
    "/widget.js",
    "/metrics/",
    "/.env",
    "/..%2fevents",
]
OF_THE_USER = "/countdown/5"


@pytest.fixture
def client(session: Session) -> Client:
    session.hub.channel("c").push({"secret": "of the channel"})
    session.runs.routes.add("/countdown/{n:int}", lambda _request, n: pytest.fail(f"a stranger has run it with {n}"))
    return Client(session)


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What strangers send must not fill the notebook, where a kernel's warnings are shown; nor be an error of ours."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


def refusal(answer: Answer, method: str = "GET") -> list[str]:
    """Return in what an answer differs from the one that all get who are not authorised."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "connection"}}
    faults = [] if answer.status == 403 else [f"status {answer.status}"]
    faults += [] if headers == CONSTANT else [f"headers {headers}"]
    faults += [] if answer.body == (b"" if method == "HEAD" else NOT_AUTHORISED) else [f"body {answer.body!r}"]
    return faults


def is_refusal(answer: Answer) -> bool:
    return refusal(answer) == []


def mac(client: Client, text: str) -> str:
    return hmac.new(bytes.fromhex(client.guard.key), text.encode(), hashlib.sha256).hexdigest()


def introduce(client: Client, origin: str | None, mac_of: str | None = None, nonce: str = NONCE) -> Answer:
    """Send what a page sends first."""
    body = {"n": nonce, "mac": mac(client, f"page|{origin if mac_of is None else mac_of}|{nonce}")}
    headers = {"Content-Type": "text/plain"} | ({} if origin is None else {"Origin": origin})
    return client.request("POST", "/whoami", body, bearer=None, headers=headers)


def ticket_for(client: Client, page: str, *channels: str) -> str:
    return str(client.request("POST", "/tickets", {"client": page, "channels": list(channels)}).json()["ticket"])


def raw(client: Client, request: bytes) -> bytes:
    """Send bytes as they are and return what comes until the server hangs up."""
    received = b""
    with client.connect() as sock:
        sock.sendall(request.replace(b"PORT", str(client.port).encode()))
        with suppress(ConnectionResetError):
            while chunk := sock.recv(1 << 16):
                received += chunk
    return received


# The bearer


@pytest.mark.parametrize("path", [*ROUTES, *NO_ROUTES, OF_THE_USER])
def test_every_route_and_method_refuses_strangers_with_one_constant_answer(client: Client, path: str) -> None:
    bearer = client.guard.bearer
    wrong: dict[str, tuple[str, dict[str, str]]] = {
        "no bearer": (path, {}),
        "a wrong bearer": (path, {"Authorization": "Bearer " + "0" * 64}),
        "half a bearer": (path, {"Authorization": "Bearer " + bearer[:32]}),
        "the key": (path, {"Authorization": f"Bearer {client.guard.key}"}),
        "the bearer in the URL": (f"{path}?bearer={bearer}&token={bearer}&Authorization=Bearer%20{bearer}", {}),
        "the bearer in a cookie": (path, {"Cookie": f"bearer={bearer}; Authorization=Bearer {bearer}"}),
        "the bearer in other words": (
            path,
            {"Authorization": f"Basic {bearer}", "X-Authorization": f"Bearer {bearer}"},
        ),
        "the bearer as a ticket": (f"{path}?ticket={bearer}&client=p&channel=c&after=", {}),
        "no UTF-8": (f"{path}?ticket=%ff&client=%ff&channel=%ff&after=%ff", {}),
    }
    odd = {}
    for method in METHODS:
        if (path, method) not in OPEN_TO_ALL:
            for what, (target, headers) in wrong.items():
                answer = client.request(method, target, bearer=None, headers=headers)
                if faults := refusal(answer, method):
                    odd[method, what] = faults
    assert odd == {}


def test_the_routes_are_those_that_the_documentation_knows() -> None:
    streams = ["/channels", "/channels/c", "/events", "/received", "/runs", "/tickets"]
    pages = ["/", "/client.d.ts", "/client.js", "/page", "/page.css", "/page.js"]
    assert sorted(ROUTES) == sorted([*streams, *pages, "/healthz", "/metrics", "/whoami"])


def test_a_path_that_is_no_text_is_refused_in_the_same_words(client: Client) -> None:
    assert is_refusal(client.request("GET", "/channels/%ff", bearer=None))
    assert is_refusal(client.request("FOO", "/channels/c?ticket=x", bearer=None))


def test_what_is_open_to_all_tells_nothing(client: Client) -> None:
    health = client.request("GET", "/healthz", bearer=None)
    assert (health.status, health.body) == (200, b'{"status":"ok"}')
    who = client.request("GET", f"/whoami?n={NONCE}", bearer=None)
    assert who.json() == {"server": client.guard.server_id, "mac": mac(client, f"server|{NONCE}")}
    for answer in (health, who):
        assert {name: answer.headers[name] for name in CONSTANT if name != "content-length"} == {
            name: value for name, value in CONSTANT.items() if name != "content-length"
        }


def test_nothing_of_a_strangers_request_comes_back(client: Client) -> None:
    quoted = MARKER.replace("<", "%3C").replace(">", "%3E")
    requests = [
        (
            method,
            f"{path}{quoted if path not in ROUTES else ''}?n={quoted}&ticket={quoted}&channel={quoted}",
            body,
            headers,
        )
        for path in [*ROUTES, "/nothing"]
        for method in ("GET", "POST", "OPTIONS", "FOO")
        for body in (None, {MARKER: MARKER})
        for headers in (
            {"X-Test": MARKER, "Last-Event-ID": MARKER, "Cookie": f"a={MARKER}"},
            {"Content-Type": MARKER},
            {"Content-Encoding": MARKER},
            {"Origin": MARKER, "Access-Control-Request-Headers": MARKER},
        )
    ]
    for method, path, body, headers in requests:
        answer = client.request(method, path, body, bearer=None, headers=headers)
        everything = f"{answer.headers} {answer.body!r}"
        assert "zebra" not in everything, (method, path, headers)
        assert "ornado" not in everything
        assert "ython" not in everything


def test_no_cookie_is_set(client: Client) -> None:
    answers = [client.request(method, path) for path in ROUTES for method in ("POST", "PUT")]
    answers += [client.request("GET", path, bearer=None) for path in ROUTES]
    assert [answer for answer in answers if "set-cookie" in answer.headers] == []


def test_the_server_listens_on_loopback_only(client: Client) -> None:
    listening = [
        each.laddr.ip
        for each in psutil.Process().net_connections("inet")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == client.port
    ]
    assert listening == ["127.0.0.1"]


# Tickets


@pytest.mark.parametrize("path", ["/events?channel=c&after=&", "/channels/c?"])
def test_a_ticket_opens_one_stream(client: Client, path: str) -> None:
    target = f"{path}ticket={ticket_for(client, 'p', 'c')}&client=p"
    with client.stream(target, bearer=None) as stream:
        assert stream.answer.status == 200
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert is_refusal(client.request("GET", target, bearer=None))


@pytest.mark.parametrize(
    "target",
    [
        "/events?channel=c&after=&client=q",
        "/events?channel=c&after=",
        "/events?channel=c&after=&client=p&client=q",
        "/events?channel=d&after=&client=p",
        "/events?channel=c&after=&channel=d&after=&client=p",
        "/events?client=p",
        "/channels/d?client=p",
        "/channels/c?client=q",
        "/channels/c",
        "/channels/no-such-channel?client=p",
    ],
)
def test_a_ticket_is_good_for_its_client_and_channels_only(session: Session, client: Client, target: str) -> None:
    session.hub.channel("d")
    ticket = ticket_for(client, "p", "c")
    for _ in range(2):
        answer = client.request("GET", f"{target}{'&' if '?' in target else '?'}ticket={ticket}", bearer=None)
        assert is_refusal(answer)
    assert is_refusal(client.request("GET", f"/events?channel=c&after=&client=p&ticket={ticket}", bearer=None))


def test_an_expired_ticket_opens_nothing(client: Client) -> None:
    ticket = ticket_for(client, "p", "c")
    clock = client.guard._clock
    client.guard._clock = lambda: clock() + TICKET_S
    assert is_refusal(client.request("GET", f"/events?channel=c&after=&client=p&ticket={ticket}", bearer=None))


@pytest.mark.parametrize("path", ["/tickets", "/received", "/channels/c", "/metrics", "/no-such-path"])
def test_a_ticket_is_no_bearer(client: Client, path: str) -> None:
    ticket = ticket_for(client, "p", "c")
    body = {"page": "p", "client": "p", "channels": ["c"]}
    target = f"{path}?ticket={ticket}&client=p&channel=c&after="
    assert is_refusal(client.request("POST", target, body, bearer=None))
    assert is_refusal(client.request("POST", target, body, bearer=ticket))


def test_a_tickets_stream_can_only_be_read(client: Client) -> None:
    for method in set(METHODS) - {"GET"}:
        target = f"/events?channel=c&after=&client=p&ticket={ticket_for(client, 'p', 'c')}"
        assert client.request(method, target, bearer=None).status in {204, 403, 405}


# The host: a page whose DNS name was bound to 127.0.0.1 sends its own


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
def test_a_foreign_host_is_refused_even_with_the_bearer(client: Client, path: str) -> None:
    introduce(client, ORIGIN)
    port = client.port
    hosts = [
        "evil.example",
        f"evil.example:{port}",
        f"127.0.0.1:{port}.evil.example",
        f"127.0.0.1.evil.example:{port}",
        f"evil127.0.0.1:{port}",
        f"localhost.evil.example:{port}",
        f"xlocalhost:{port}",
        f"localhost.:{port}",
        f"127.0.0.1:{port}0",
        f"127.0.0.1:{str(port)[:-1]}",
        "127.0.0.1",
        "localhost",
        f"0.0.0.0:{port}",
        f"127.1:{port}",
        f"2130706433:{port}",
        f"[::ffff:127.0.0.1]:{port}",
        "",
    ]
    odd = {}
    for host in hosts:
        for method in ("GET", "POST", "OPTIONS"):
            for headers in (
                {"Host": host},
                {"Host": host, "Origin": ORIGIN},
                {"Host": host, "X-Forwarded-Host": "localhost"},
            ):
                if faults := refusal(client.request(method, path, headers=headers)):
                    odd[host, method] = faults
    assert odd == {}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_machines_own_names_are_no_foreign_hosts(client: Client, name: str) -> None:
    assert client.request("GET", "/healthz", headers={"Host": f"{name}:{client.port}"}).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT, evil.example\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT@evil.example\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT/\r\n",
        b"GET /healthz HTTP/1.0\r\n",
        b"GET http://127.0.0.1:PORT/healthz HTTP/1.1\r\nHost: evil.example\r\n",
        b"GET http://127.0.0.1:PORT/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n",
    ],
)
def test_no_way_of_writing_a_request_gets_around_the_host(client: Client, head: bytes) -> None:
    received = raw(client, head + b"Connection: close\r\n\r\n")
    # What is no HTTP at all, tornado answers in four words.
    assert received == b"HTTP/1.1 400 Bad Request\r\n\r\n" or received.endswith(NOT_AUTHORISED)


# The origin: which page asks


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
def test_a_foreign_origin_is_refused_even_with_the_bearer(client: Client, path: str) -> None:
    introduce(client, ORIGIN)
    origins = [
        "https://evil.example",
        "null",
        "",
        "*",
        f"http://127.0.0.1:{client.port}",
        "http://localhost",
        "http://localhost:888",
        "http://localhost:88888",
        "http://localhost:8888/",
        "http://localhost:8888.evil.example",
        "http://localhost:8888@evil.example",
        "http://evil.example/?http://localhost:8888",
        "http://xlocalhost:8888",
        "https://localhost:8888",
        "HTTP://LOCALHOST:8888",
        f"{ORIGIN} https://evil.example",
        f"{ORIGIN}, {ORIGIN}",
    ]
    odd = {}
    for origin in origins:
        for method in ("GET", "POST", "OPTIONS"):
            # An introduction is the one thing that a page may send from anywhere; it is answered without CORS headers.
            if (path, method) == ("/whoami", "POST"):
                continue
            if faults := refusal(client.request(method, path, headers={"Origin": origin})):
                odd[origin, method] = faults
    assert odd == {}


def test_two_origins_are_none(client: Client) -> None:
    introduce(client, ORIGIN)
    head = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: {ORIGIN}\r\n"
    assert raw(client, f"{head}Connection: close\r\n\r\n".encode()).endswith(b'{"status":"ok"}')
    assert raw(client, f"{head}Origin: {ORIGIN}\r\nConnection: close\r\n\r\n".encode()).endswith(NOT_AUTHORISED)


def test_a_page_that_proves_itself_may_ask_and_read_errors_too(client: Client) -> None:
    assert is_refusal(client.request("GET", "/healthz", headers={"Origin": ORIGIN}))
    answer = introduce(client, ORIGIN)
    assert (answer.status, answer.body) == (204, b"")
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    asked = [
        client.request("GET", "/healthz", bearer=None, headers={"Origin": ORIGIN}),
        client.request("POST", "/tickets", {}, headers={"Origin": ORIGIN}),
        client.request("POST", "/tickets", {"client": "p", "channels": ["no"]}, headers={"Origin": ORIGIN}),
        client.request("POST", "/received", b"x" * 70, headers={"Origin": ORIGIN}),
        client.request("POST", "/tickets", b"", headers={"Origin": ORIGIN, "Content-Length": "70000"}),
        client.request("POST", "/tickets", {}, bearer="0" * 64, headers={"Origin": ORIGIN}),
    ]
    assert [answer.status for answer in asked] == [200, 422, 404, 422, 413, 403]
    for answer in asked:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


def test_an_introduction_is_answered_alike_whatever_comes_of_it(client: Client) -> None:
    good, bad = introduce(client, ORIGIN), introduce(client, ORIGIN, mac_of="http://localhost:9999")
    other = client.request(
        "POST", "/whoami", {"n": 1, "mac": ["x"]}, bearer=None, headers={"Content-Type": "text/plain"}
    )
    for answer in (good, bad, other):
        answer.headers.pop("date", None)
        answer.headers.pop("access-control-allow-origin", None)  # of a page that is known by now
        answer.headers.pop("vary", None)
    assert good == bad == other


@pytest.mark.parametrize(
    ("origin", "mac_of"),
    [
        ("https://evil.example", ORIGIN),
        ("http://localhost:88888", ORIGIN),
        ("null", ORIGIN),
        ("null", "null"),
        ("", ORIGIN),
        ("", ""),
        (None, ORIGIN),
        (None, ""),
    ],
)
def test_an_origin_that_the_mac_was_not_made_for_is_not_admitted(
    client: Client, origin: str | None, mac_of: str
) -> None:
    assert introduce(client, origin, mac_of).status == 204
    for name in {origin or "", mac_of}:
        assert is_refusal(client.request("GET", "/healthz", headers={"Origin": name}))


def test_an_introduction_that_was_overheard_admits_nobody_else(client: Client) -> None:
    body = {"n": NONCE, "mac": mac(client, f"page|{ORIGIN}|{NONCE}")}
    for origin in (ORIGIN, "https://evil.example"):
        answer = client.request("POST", "/whoami", body, bearer=None, headers={"Origin": origin})
        assert answer.status == 204
    assert client.request("GET", "/healthz", headers={"Origin": ORIGIN}).status == 200
    assert is_refusal(client.request("GET", "/healthz", headers={"Origin": "https://evil.example"}))


def test_the_kernels_own_proof_admits_nobody(client: Client) -> None:
    proof = client.request("GET", f"/whoami?n={NONCE}", bearer=None).json()["mac"]
    client.request("POST", "/whoami", {"n": NONCE, "mac": proof}, bearer=None, headers={"Origin": ORIGIN})
    assert is_refusal(client.request("GET", "/healthz", headers={"Origin": ORIGIN}))


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
def test_a_preflight_is_answered_to_known_origins_only(client: Client, path: str) -> None:
    introduce(client, ORIGIN)
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    for origin in ("https://evil.example", "null", ORIGIN + "8", None):
        headers = wish | ({} if origin is None else {"Origin": origin})
        assert is_refusal(client.request("OPTIONS", path, bearer=None, headers=headers))
    answer = client.request("OPTIONS", path, bearer=None, headers={"Origin": ORIGIN, **wish})
    if path == "/nothing":
        assert (answer.status, answer.body) == (403, NOT_AUTHORISED)
        return
    assert (answer.status, answer.body) == (204, b"")
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type, last-event-id",
        "access-control-max-age": "7200",
    }


# Requests without an origin that a browser makes for a foreign page: images, scripts, links


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "whatever"])
def test_what_a_foreign_page_embeds_is_refused(client: Client, path: str, site: str) -> None:
    for mode in ("no-cors", "navigate", "cors"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        assert is_refusal(client.request("GET", path, headers=headers))


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}, {}])
def test_what_the_user_or_a_program_asks_for_is_not(client: Client, headers: dict[str, str]) -> None:
    assert client.request("GET", "/healthz", bearer=None, headers=headers).status == 200


def test_a_known_page_is_cross_site_and_welcome(client: Client) -> None:
    introduce(client, ORIGIN)
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
    assert client.request("GET", "/healthz", bearer=None, headers=headers).status == 200


# Bodies: before a byte is read, the sender is known and the size is right


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
@pytest.mark.parametrize("length", ["1", "100000000", "9" * 5000, "-1", "1_0", "0x10", "\xb2"])
def test_a_strangers_body_is_not_read(client: Client, path: str, length: str) -> None:
    """Nothing of the body is sent: an answer that waited for it would never come."""
    if (path, length) == ("/whoami", "1"):
        return  # this one is read from anybody: it is how a page introduces itself
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n"
    received = raw(client, f"{head}Content-Length: {length}\r\n\r\n".encode("latin-1"))
    assert received.endswith((NOT_AUTHORISED, b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert received.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
def test_a_strangers_endless_body_is_cut(client: Client, path: str) -> None:
    piece = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with client.connect() as sock:
        sock.sendall(head)
        with pytest.raises(ConnectionError):  # noqa: PT012 - it may be cut anywhere
            for _ in range(5000):
                sock.sendall(piece)


@pytest.mark.parametrize(
    ("path", "limit"), [("/tickets", 64 << 10), ("/received", 9 << 20), ("/whoami", 4 << 10), ("/events", 0), ("/", 0)]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(client: Client, path: str, limit: int, method: str) -> None:
    for length in (limit + 1, 100 << 20, 10**20):
        headers = {"Content-Type": "application/json", "Content-Length": str(length)}
        answer = client.request(method, path, headers=headers)
        assert answer.status == 413
        assert answer.json() == {"error": f"expected a body of at most {limit} bytes, got {str(length)[:15]}"}


@pytest.mark.parametrize(
    ("path", "limit"), [("/tickets", 64 << 10), ("/received", 9 << 20), ("/events", 0), ("/channels/c", 0)]
)
def test_a_body_that_turns_out_too_long_is_refused(client: Client, path: str, limit: int) -> None:
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with client.connect() as sock:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        host = f"Host: 127.0.0.1:{client.port}\r\nAuthorization: Bearer {client.guard.bearer}\r\n"
        sock.sendall(f"{'POST' if limit else 'GET'} {path} HTTP/1.1\r\n{host}{head}\r\n".encode())
        sock.sendall(b"%x\r\n" % (limit + 1) + b"x" * (limit + 1))
        received = b""
        while chunk := sock.recv(1 << 16):
            received += chunk
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b'{"error":"expected a body of at most %d bytes, got more than %d"}' % (limit, limit))


@pytest.mark.parametrize(("path", "limit"), [("/tickets", 64 << 10), ("/received", 9 << 20), ("/whoami", 4 << 10)])
def test_a_body_of_just_the_limit_is_read(client: Client, path: str, limit: int) -> None:
    frame = b'{"page": "p", "pad": "%b"}'
    answer = client.request("POST", path, frame % (b"x" * (limit - len(frame) + 2)))
    assert answer.status == {"/tickets": 422, "/received": 200, "/whoami": 204}[path]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "GZIP"])
@pytest.mark.parametrize("path", ["/tickets", "/received", "/whoami"])
def test_a_compressed_body_is_refused(client: Client, path: str, coding: str) -> None:
    answer = client.request("POST", path, {"page": "p"}, headers={"Content-Encoding": coding})
    assert (answer.status, answer.json()) == (415, {"error": "expected a body without Content-Encoding"})


@pytest.mark.parametrize("path", ["/tickets", "/received"])
@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "xapplication/json",
        "text/plain; application/json",
        "application/json, text/plain",
    ],
)
def test_what_a_form_could_send_without_asking_is_refused(client: Client, path: str, kind: str) -> None:
    """The types for which a browser asks no permission first: they would reach the handlers from any page."""
    answer = client.request("POST", path, {"page": "p"}, headers={"Content-Type": kind})
    kind = kind.partition(";")[0]
    assert (answer.status, answer.json()) == (415, {"error": f"expected Content-Type application/json, got {kind!r}"})


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON ;x=y"])
def test_json_is_recognised_however_it_is_written(client: Client, kind: str) -> None:
    assert client.request("POST", "/received", {"page": "p"}, headers={"Content-Type": kind}).status == 200


MALFORMED = [
    b"",
    b"{",
    b"nonsense",
    b"\xff",
    b"{'page': 'p'}",
    b'{"page": "p",}',
    b'{"page": "p"} {}',
    b'{"page": NaN}',
    b'{"page": "\\ud800"}',
    b'{"page": "\0"}',
    b'\xef\xbb\xbf{"page": "p"}',
    b"[" * 30_000,
    b'{"a":' * 10_000,
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]
NO_OBJECT = [b"[]", b"1", b'"page"', b"null", b"true", b'[{"page": "p"}]']


@pytest.mark.parametrize("path", ["/tickets", "/received", "/whoami"])
def test_malformed_json_is_refused(client: Client, path: str) -> None:
    for body in MALFORMED:
        answer = client.request("POST", path, body)
        if path == "/whoami" and len(body) > 4096:
            assert answer.status == 413
            continue
        assert answer.status == 422, body[:40]
        assert answer.json()["error"].startswith("expected JSON, got: ")
    for body in NO_OBJECT:
        answer = client.request("POST", path, body)
        assert answer.status == 422, body
        assert answer.json()["error"].startswith("expected a JSON object, got ")


@pytest.mark.parametrize(
    "body", [*MALFORMED[:5], *NO_OBJECT[:3], b'{"n": {}, "mac": 1}', b'{"n": "x", "mac": "\xc3\xa4"}']
)
def test_a_malformed_introduction_tells_a_stranger_nothing(client: Client, body: bytes) -> None:
    answer = client.request("POST", "/whoami", body, bearer=None)
    assert is_refusal(answer) or (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2, 3\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_body_of_two_lengths_is_one_too_many(client: Client, head: bytes) -> None:
    bearer = f"Authorization: Bearer {client.guard.bearer}\r\nContent-Type: application/json\r\n".encode()
    received = raw(client, b"POST /received HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n" + bearer + head + b"\r\n{}")
    assert re.match(rb"HTTP/1.1 4\d\d ", received)
    assert received.count(b"HTTP/1.1") == 1 or received.endswith(b"HTTP/1.1 400 Bad Request\r\n\r\n")


# Words that end a line


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\r\n"])
@pytest.mark.parametrize("text", ["a{}b", "{}", "a{}", "{}data: injected"])
def test_no_line_break_gets_into_a_type_or_an_id(session: Session, sign: str, text: str) -> None:
    channel = session.hub.channel("c")
    bad = text.format(sign)
    for build in (
        lambda: channel.push(1, type=bad),
        lambda: channel.push_many([1, 2], type=bad),
        lambda: Event(1, type=bad),
        lambda: Event(1, id=bad),
    ):
        with pytest.raises(ValueError, match="CR, LF"):
            build()
    assert channel.stats().pushed == 0


@pytest.mark.parametrize("packed", [True, False])
def test_line_breaks_in_data_stay_in_data(session: Session, client: Client, packed: bool) -> None:
    channel = session.hub.channel("c")
    evil = "x\r\n\r\nid: 9\nevent: evil\ndata: \0\n\n  "
    channel.push({evil: [evil, {"a": evil}]}, type="typed")
    path = f"/events?channel=c&after={channel.epoch}-1" if packed else f"/channels/c?after={channel.epoch}-1"
    with client.stream(path) as stream:
        event = stream.take(1, "pack" if packed else "typed")[0]
        frame = stream.raw
    data = json.loads(event.data)
    assert (data["events"][0][2] if packed else data) == {evil: [evil, {"a": evil}]}
    assert b"\r" not in frame
    assert b"\0" not in frame
    lines = frame.split(b"\n")
    assert {line.partition(b":")[0] for line in lines} <= {b"", b"id", b"event", b"data", b"retry"}
    assert sum(line.startswith(b"data") for line in lines) == (2 if packed else 1)  # `open` has data, priming has not


@pytest.mark.parametrize(
    "text", ["x%0Aevent:%20evil%0Adata:%20y%0A%0A", "x%0D%0Ddata:%20y", "%00x", "%C3%A4", "x" * 5000]
)
@pytest.mark.parametrize("path", ["/channels/c?after={}", "/events?channel=c&after={}"])
def test_a_cursor_that_is_none_does_not_come_back(client: Client, path: str, text: str) -> None:
    with client.stream(path.format(text)) as stream:
        first = stream.next()
        assert first.type in {"gap", "open"}
        assert "evil" not in stream.raw.decode()
        assert Decoder().feed(stream.raw)[0] == first
        cursor = json.loads(first.data)["channels"]["c"] if first.type == "open" else "unknown"
        assert cursor == "unknown"
        assert b"xxx" not in stream.raw


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_a_channels_name_holds_no_control_character(session: Session, sign: str) -> None:
    for name in (f"a{sign}b", sign, f"a{sign}"):
        with pytest.raises(ValueError, match="without control characters"):
            session.hub.channel(name)
    assert session.hub.channels() == []


@pytest.mark.parametrize("name", ["c%0A", "c%0D", "%00c", "c%E2%80%A8", "%2E%2E", "c%2Fd", "c%20", " c"])
def test_no_way_of_writing_a_name_finds_another_channel(client: Client, name: str) -> None:
    with client.connect() as sock:
        sock.close()
    answer = client.request("GET", f"/channels/{name.replace(' ', '%20')}")
    assert answer.status == 404
    assert answer.json()["error"].startswith("expected the name of an open channel, got ")


# Time and numbers


def test_slow_bodies_slow_heads_and_idle_connections_stop_nobody(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    host = f"Host: 127.0.0.1:{client.port}\r\n"
    bearer = f"Authorization: Bearer {client.guard.bearer}\r\nContent-Type: application/json\r\n"
    starts = [
        "",
        "GET /eve",
        f"GET /healthz HTTP/1.1\r\n{host}",
        f"POST /received HTTP/1.1\r\n{host}{bearer}Content-Length: 1000\r\n\r\n" + "{",
        f"POST /whoami HTTP/1.1\r\n{host}{bearer}Content-Length: 1000\r\n\r\n" + "{",
        f"POST /received HTTP/1.1\r\n{host}{bearer}Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ]
    with ExitStack() as stack:
        for number in range(200 + 100):
            sock = stack.enter_context(client.connect())
            sock.sendall(starts[number % len(starts) if number >= 200 else 0].encode())
        stream = stack.enter_context(client.stream("/channels/c"))
        for number in range(50):
            channel.push(number)
            assert stream.take(1, "message")[0].data == str(number)
            assert client.request("GET", "/healthz", bearer=None).status == 200
            assert client.request("POST", "/received", {"page": "p"}).status == 200


def test_a_body_that_does_not_come_is_not_waited_for(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.server.server._BODY_S", 0.2)
    monkeypatch.setattr("sse_widget.server.server._IDLE_S", 0.2)
    client = Client(session)
    head = f"POST /received HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer {client.guard.bearer}\r\n"
    assert raw(client, f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode()) == b""
    assert raw(client, head.encode()) == b""
    assert raw(client, b"") == b""


def test_connections_are_bounded_and_those_that_leave_make_room() -> None:
    session = Session(Limits(max_connections=5))
    client = Client(session)
    try:
        idle = [client.connect() for _ in range(5)]
        with client.connect() as sixth:
            sixth.sendall(b"GET /healthz HTTP/1.1\r\n")
            with suppress(ConnectionResetError):
                assert sixth.recv(100) == b""
        for sock in idle:
            sock.close()
        eventually(lambda: _answers(client), "room for a new connection")
    finally:
        session.close()


def _answers(client: Client) -> bool:
    try:
        return client.request("GET", "/healthz", bearer=None).status == 200
    except (ConnectionError, IndexError, ValueError):  # closed at once: there is no answer to read
        return False


def test_streams_are_bounded_for_those_who_may_open_them() -> None:
    session = Session(Limits(max_streams=2))
    session.hub.channel("c")
    client = Client(session)
    try:
        with client.stream("/channels/c"), client.stream("/channels/c"):
            answer = client.request("GET", "/channels/c")
            assert (answer.status, answer.json()) == (503, {"error": "expected at most 2 streams, got one more"})
            assert is_refusal(client.request("GET", "/channels/c", bearer=None))
    finally:
        session.close()


def test_a_client_that_hangs_up_anywhere_leaves_nothing_behind(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    bearer = f"Host: 127.0.0.1:{client.port}\r\nAuthorization: Bearer {client.guard.bearer}\r\n"
    kind = "Content-Type: application/json\r\n"
    whole = [
        f"GET /channels/c HTTP/1.1\r\n{bearer}\r\n".encode(),
        f"GET /events?channel=c&after= HTTP/1.1\r\n{bearer}Transfer-Encoding: chunked\r\n\r\n".encode(),
        f'POST /received HTTP/1.1\r\n{bearer}{kind}Content-Length: 12\r\n\r\n{{"page": "p"}}'.encode(),
    ]
    for request in whole:
        for end in range(1, len(request) + 1, 7):
            with client.connect() as sock:
                sock.sendall(request[:end])
                # RST, as from a process that was killed, and not a polite FIN
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    channel.push(1)
    eventually(lambda: channel.stats().readers == [], "the end of all streams")
    assert client.request("GET", "/healthz", bearer=None).status == 200


# What is written down


def test_no_log_line_holds_a_secret_or_a_query(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(session)
    session.hub.channel("c").push(1)
    introduce(client, ORIGIN)
    ticket = ticket_for(client, "p", "c")
    with client.stream(f"/events?channel=c&after=&client=p&ticket={ticket}", bearer=None) as stream:
        stream.packs(1)
    client.request("POST", "/received", {"page": "p"})
    client.request("GET", f"/events?ticket={ticket}&client=%ff", bearer=None)
    client.request("GET", f"/channels/c?bearer={client.guard.bearer}", bearer=None)
    client.request("GET", "/channels/c?after=%ff")
    session.close()
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in (client.guard.bearer, client.guard.key, ticket):
        assert secret not in logged


def test_an_error_of_ours_is_logged_without_the_query_and_not_told(
    session: Session, client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("the inside of the kernel")

    monkeypatch.setattr(session, "received", fail)
    answer = client.request("POST", "/received?ticket=never-shown", {"page": "p"})
    assert (answer.status, answer.json()) == (500, {"error": "Internal Server Error"})
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.getMessage() == "POST '/received' failed"
    assert "the inside of the kernel" in caplog.text
    assert "never-shown" not in caplog.text
    assert client.guard.bearer not in caplog.text
    caplog.clear()


def test_two_kernels_do_not_open_for_each_others_secrets(client: Client) -> None:
    other = Session()
    try:
        other.hub.channel("c")
        theirs = Client(other)
        assert theirs.port != client.port
        assert is_refusal(theirs.request("GET", "/channels/c", bearer=client.guard.bearer))
        path = f"/events?channel=c&after=&client=p&ticket={ticket_for(client, 'p', 'c')}"
        assert is_refusal(theirs.request("GET", path, bearer=None))
        introduce(client, ORIGIN)
        assert is_refusal(theirs.request("GET", "/healthz", headers={"Origin": ORIGIN}))
    finally:
        other.close()


def test_the_documentation_names_tests_that_exist() -> None:
    root = Path(__file__).resolve().parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs" / "security.md").read_text()))
    files = [path.read_text() for path in (root / "tests").rglob("test_*.py")]
    assert named - {name for text in files for name in re.findall(r"def (test_\w+)", text)} == set()
    assert len(named) > 50


def test_many_strangers_at_once_do_not_disturb_a_reader(session: Session, client: Client) -> None:
    channel = session.hub.channel("c")
    stop = threading.Event()
    answers: list[Answer] = []

    def knock() -> None:
        while not stop.is_set():
            answers.append(client.request("GET", "/channels/c", bearer=None))

    threads = [threading.Thread(target=knock) for _ in range(4)]
    with client.stream("/channels/c") as stream:
        for thread in threads:
            thread.start()
        for number in range(200):
            channel.push(number)
            assert stream.take(1, "message")[0].data == str(number)
        stop.set()
        for thread in threads:
            thread.join()
    assert answers
    assert all(is_refusal(answer) for answer in answers)
