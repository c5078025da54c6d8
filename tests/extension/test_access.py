"""Who is let in: everybody whom Jupyter lets in, to kernels of this server, by the paths that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tornado.web import RequestHandler

from sse_widget.server import runtime
from sse_widget.server.answers import NOT_AUTHORISED
from sse_widget.server.runtime import KERNEL_ID
from tests.extension.fake import FakeKernel, json_answer, say
from tests.extension.jupyter import TOKEN, Jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sse_widget.session import Session

WAYS = [
    ("events", "GET"),
    ("channels/c", "POST"),
    ("channels/c", "GET"),
    ("whoami", "GET"),
    ("received", "POST"),
    ("runs", "POST"),
    ("tickets", "POST"),
]
METHODS = (*RequestHandler.SUPPORTED_METHODS, "PROPFIND", "get")
SOMEBODY_ELSES_ID = "00000000-0000-4000-8000-000000000000"
OWN_PATHS = ["", "/", "/x", "/{id}", "/{id}/", "/{id}/events/", "/{id}/healthz", "/{id}/metrics", "/../api/kernels"]


def extension_rules(jupyter: Jupyter) -> list[Any]:
    """Every rule of the running application that leads to a handler of ours."""
    found = []
    routers = [jupyter.app.web_app.default_router, jupyter.app.web_app.wildcard_router]
    while routers:
        for rule in routers.pop().rules:
            if hasattr(rule.target, "rules"):
                routers.append(rule.target)
            elif getattr(rule.target, "__module__", "").startswith("sse_widget"):
                found.append(rule)
    return found


def paths(jupyter: Jupyter, kernel_id: str) -> list[str]:
    """Return at least one path for every rule; a rule of a shape that is not known here fails the test."""
    found = []
    for rule in extension_rules(jupyter):
        pattern: str = rule.matcher.regex.pattern.removesuffix("$")
        filled = pattern.replace(f"(?P<kernel_id>{KERNEL_ID})", kernel_id).replace("(?P<name>[^/]+)", "c")
        examples = [filled.replace("(?:/.*)?", own.format(id=kernel_id)) for own in OWN_PATHS if "(?:/" in filled]
        for example in examples or [filled]:
            path = re.sub(r"\\(.)", r"\1", example)
            assert rule.matcher.regex.match(path), f"no example for {pattern}"
            assert path.startswith(jupyter.base_url)
            found.append(path.removeprefix(jupyter.base_url))
    return found


@pytest.fixture
def fake(jupyter: Jupyter, kernel_id: str) -> Iterator[FakeKernel]:
    """Return a kernel that would tell what it should not."""
    with FakeKernel(jupyter, kernel_id, say(json_answer(b'{"secret":1}'))) as made:
        yield made


# Nobody


def credentials(fake: FakeKernel) -> list[dict[str, str]]:
    return [
        {},
        {"Authorization": f"Bearer {fake.guard.bearer}"},  # opens the kernel, not Jupyter
        {"Authorization": f"token {TOKEN}x"},
        {"Authorization": "Basic dDprZW4="},
        {"Cookie": 'username-127-0-0-1="2|1:0|10:1|8:username|4:e30=|00"; _xsrf=a', "X-XSRFToken": "a"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "User-Agent": "Mozilla/5.0"},
    ]


def test_the_extension_has_the_routes_of_the_protocol_and_one_for_all_the_rest(
    jupyter: Jupyter, kernel_id: str
) -> None:
    ways = [f"sse-widget/{kernel_id}/{path}" for path, _method in WAYS]
    assert len(extension_rules(jupyter)) == len(WAYS) + 1
    assert paths(jupyter, kernel_id)[: len(WAYS)] == ways


def test_whoever_is_not_logged_in_is_refused_on_every_route_and_method_and_told_nothing(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel
) -> None:
    names_of_headers = set()
    for path in [*paths(jupyter, kernel_id), *paths(jupyter, SOMEBODY_ELSES_ID)[: len(WAYS)]]:
        for method in METHODS:
            for headers in credentials(fake) if method in {"GET", "POST"} else credentials(fake)[:1]:
                answer = jupyter.request(method, f"{path}?_xsrf=a&token=wrong", headers=headers)
                assert answer.status == 403, (method, path, headers)
                assert answer.body == (b"" if method == "HEAD" else NOT_AUTHORISED)
                names_of_headers.add(tuple(sorted(answer.headers)))
    assert len(names_of_headers) == 1  # and so no `Location`
    assert fake.requests == []


def test_a_body_of_somebody_who_is_not_logged_in_is_not_read(jupyter: Jupyter, kernel_id: str) -> None:
    with jupyter.connect() as sock:
        headers = {"Authorization": "", "Content-Length": str(9 << 20), "Content-Type": "application/json"}
        jupyter.send_head(sock, "POST", f"sse-widget/{kernel_id}/received", headers)
        told = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    assert told.startswith(b"HTTP/1.1 403 ")
    assert told.endswith(NOT_AUTHORISED)


def test_a_server_that_wants_every_handler_to_say_who_may_come_is_satisfied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    with Jupyter(tmp_path, base_url="/", allow_unauthenticated_access=False) as strict:
        path = f"sse-widget/{SOMEBODY_ELSES_ID}/events"
        for method in METHODS:
            answer = strict.request(method, path)
            assert answer.status == 403, method
            assert answer.body == (b"" if method == "HEAD" else NOT_AUTHORISED)
        assert strict.request("GET", path, token=TOKEN).status == 404


@pytest.mark.parametrize(("path", "method"), WAYS)
def test_the_authorizer_is_asked_and_its_no_is_a_no(
    jupyter: Jupyter,
    kernel_id: str,
    fake: FakeKernel,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
) -> None:
    asked = []

    def refuse(_handler: object, _user: object, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jupyter.app.authorizer, "is_authorized", refuse)
    body = b"{}" if method == "POST" else None
    answer = jupyter.request(method, f"sse-widget/{kernel_id}/{path}", body, token=TOKEN)
    assert (answer.status, answer.body) == (403, NOT_AUTHORISED)
    assert asked == [("read" if method == "GET" else "execute", "kernels")]
    assert fake.requests == []


# The wrong kernel, the wrong path


def tricks(kernel_id: str) -> list[str]:
    return [
        kernel_id.upper(),
        kernel_id[:-1],
        f"{kernel_id}0",
        f"{kernel_id}%00",
        f"{kernel_id}%0a",
        kernel_id.replace("-", ""),
        kernel_id.replace("-", "%2d"),
        f"..%2f{kernel_id}",
        f"%2e%2e%2f{kernel_id}",
        f"../sse-widget/{kernel_id}",
        f"x/../{kernel_id}",
        f".%2f{kernel_id}",
        f"{SOMEBODY_ELSES_ID}/../{kernel_id}",
        f"{SOMEBODY_ELSES_ID}%2f..%2f{kernel_id}",
        "-" * 36,
        "*",
        "kernel-" + kernel_id,
    ]


def test_no_way_of_writing_another_kernels_id_leads_anywhere(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel
) -> None:
    for trick in tricks(kernel_id):
        for path in ("events", "whoami", "channels/c"):
            answer = jupyter.request("GET", f"sse-widget/{trick}/{path}", token=TOKEN)
            assert answer.status == 404, trick
            assert answer.json() == {
                "error": "expected events, received, runs, tickets, whoami or channels/NAME of a kernel"
            }
    assert fake.requests == []


def test_a_kernel_that_is_not_this_servers_is_not_found_even_if_its_file_is_there(
    jupyter: Jupyter, kernel_id: str
) -> None:
    with FakeKernel(jupyter, SOMEBODY_ELSES_ID, say(json_answer(b"{}"))) as stranger:
        answer = jupyter.request("GET", f"sse-widget/{SOMEBODY_ELSES_ID}/whoami", token=TOKEN)
        assert answer.status == 404
        assert answer.json() == {"error": f"expected a kernel of this server, got {SOMEBODY_ELSES_ID!r}"}
        assert stranger.requests == []
    assert kernel_id != SOMEBODY_ELSES_ID


def test_a_kernel_without_a_runtime_file_is_not_found(jupyter: Jupyter, kernel_id: str) -> None:
    assert not jupyter.runtime_file(kernel_id).exists()
    for method, path, body in [(method, path, b"{}" if method == "POST" else None) for path, method in WAYS]:
        answer = jupyter.request(method, f"sse-widget/{kernel_id}/{path}", body, token=TOKEN)
        assert answer.status == 404
        assert answer.json() == {"error": "expected a kernel that has a server, got one that has not used sse_widget"}


@pytest.mark.parametrize(
    "path",
    [
        "healthz",
        "metrics",
        "",
        "events/",
        "events/x",
        "events%2f..%2fhealthz",
        "../events",
        "channels",
        "channels/",
        "channels/a/b",
        "channels/c/../../healthz",
        "Events",
        "%65vents",
        "received%00",
    ],
)
def test_what_is_not_on_the_list_does_not_exist(jupyter: Jupyter, kernel_id: str, fake: FakeKernel, path: str) -> None:
    for method, body in (("GET", None), ("POST", b"{}")):
        assert jupyter.request(method, f"sse-widget/{kernel_id}/{path}", body, token=TOKEN).status == 404
    assert fake.requests == []


@pytest.mark.parametrize(
    "name", ["..%2fhealthz", "%2e%2e%2f%2e%2e%2fwhoami", "..", ".", "%2F", "a%2Fb", "%0d%0aHost:x"]
)
def test_a_channels_name_is_one_part_of_the_path_whatever_is_in_it(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel, kernel: Session, name: str
) -> None:
    path = f"sse-widget/{kernel_id}/channels/{name}"
    assert jupyter.request("GET", path, token=TOKEN).status in {200, 404}
    for request in fake.requests:
        assert re.match(rb"GET /channels/[^/ ]+ HTTP/1\.1\r\n", request)
        assert b"\r\nHost: kernel.sse-widget\r\n" in request
    del kernel


def test_a_method_that_the_path_does_not_have_is_refused(jupyter: Jupyter, kernel_id: str, fake: FakeKernel) -> None:
    for path, only in WAYS:
        for method in {*RequestHandler.SUPPORTED_METHODS} - {method for other, method in WAYS if other == path}:
            answer = jupyter.request(method, f"sse-widget/{kernel_id}/{path}", token=TOKEN)
            assert answer.status == 405, (method, path)
            if method != "HEAD":
                expected = "GET" if path == "channels/c" else only  # its POST has a rule of its own
                assert answer.json() == {"error": f"expected {expected}, got {method}"}
    assert fake.requests == []


# Forged requests of a browser that is logged in


@pytest.fixture(scope="module")
def cookies(jupyter: Jupyter) -> dict[str, str]:
    return jupyter.log_in()


def logged_in(cookies: dict[str, str], **headers: str) -> dict[str, str]:
    """Return the headers of a browser with these cookies."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"Cookie": cookie} | {name.replace("_", "-"): value for name, value in headers.items()}


def test_a_post_without_the_xsrf_token_is_refused_and_with_it_relayed(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel, cookies: dict[str, str]
) -> None:
    path, xsrf = f"sse-widget/{kernel_id}/received", cookies["_xsrf"]
    own = f"http://127.0.0.1:{jupyter.port}"
    for headers in (
        {},
        {"X-XSRFToken": "wrong"},
        {"X-XSRFToken": xsrf.replace("2|", "2|0")},
        {"Referer": f"{own}/lab", "Origin": own},
        {"X-XSRFToken": xsrf, "Origin": "https://evil.example"},
        {"X-XSRFToken": xsrf, "Origin": "null"},
        {"X-XSRFToken": xsrf, "Origin": f"{own}.evil.example"},
        {"X-XSRFToken": xsrf, "Origin": f"{own}0"},
    ):
        answer = jupyter.request("POST", path, b"{}", headers=logged_in(cookies) | headers)
        assert (answer.status, answer.body) == (403, NOT_AUTHORISED), headers
    assert fake.requests == []
    for query, headers in (
        ("", {"X-XSRFToken": xsrf}),
        (f"?_xsrf={xsrf}", {}),
        ("", {"X-XSRFToken": xsrf, "Origin": own}),
    ):
        assert jupyter.request("POST", path + query, b"{}", headers=logged_in(cookies) | headers).status == 200
    assert len(fake.requests) == 3


def test_the_token_of_the_cookie_does_not_count_as_the_xsrf_token_of_another_login(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel, cookies: dict[str, str]
) -> None:
    other = jupyter.log_in()["_xsrf"]
    path = f"sse-widget/{kernel_id}/received?_xsrf={other}"
    assert jupyter.request("POST", path, b"{}", headers=logged_in(cookies)).status == 403
    assert fake.requests == []


def test_a_stream_wants_the_xsrf_token_or_a_page_of_the_same_site(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel, cookies: dict[str, str]
) -> None:
    path, own = f"sse-widget/{kernel_id}/events", f"http://127.0.0.1:{jupyter.port}"
    for headers in (
        {},
        {"Referer": "https://evil.example/"},
        {"Referer": f"{own}.evil.example/"},
        {"Referer": f"{own}/lab", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ):
        answer = jupyter.request("GET", path, headers=logged_in(cookies) | headers)
        assert (answer.status, answer.body) == (403, NOT_AUTHORISED), headers
    assert fake.requests == []
    xsrf = cookies["_xsrf"]
    assert jupyter.request("GET", f"{path}?_xsrf={xsrf}", headers=logged_in(cookies)).status == 200
    assert jupyter.request("GET", path, headers=logged_in(cookies, X_XSRFToken=xsrf)).status == 200
    assert jupyter.request("GET", path, headers=logged_in(cookies, Referer=f"{own}/lab")).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "whatever"])
def test_what_a_page_of_another_port_embeds_is_refused_although_it_has_all_cookies(
    jupyter: Jupyter, kernel_id: str, fake: FakeKernel, cookies: dict[str, str], site: str
) -> None:
    """Cookies ignore ports, and `_xsrf` is one that scripts can read; with an image a browser sends no origin."""
    path = f"sse-widget/{kernel_id}/events?_xsrf={cookies['_xsrf']}"
    for headers in (logged_in(cookies), {"Authorization": f"token {TOKEN}"}):
        answer = jupyter.request("GET", path, headers=headers | {"Sec-Fetch-Site": site})
        assert (answer.status, answer.body) == (403, NOT_AUTHORISED)
    assert fake.requests == []
    for own in ("same-origin", "none"):
        assert jupyter.request("GET", path, headers=logged_in(cookies) | {"Sec-Fetch-Site": own}).status == 200


def test_another_host_is_refused_as_jupyter_refuses_it(jupyter: Jupyter, kernel_id: str, fake: FakeKernel) -> None:
    """A page that has re-bound its name to this machine."""
    answer = jupyter.request("GET", f"sse-widget/{kernel_id}/whoami", token=TOKEN, headers={"Host": "evil.example"})
    assert (answer.status, answer.body) == (403, NOT_AUTHORISED)
    assert fake.requests == []


# Culling


def test_a_stream_is_no_activity(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    settings = jupyter.app.web_app.settings
    before = settings["api_last_activity"], jupyter.app.kernel_manager.get_kernel(kernel_id).last_activity
    channel = kernel.hub.channel("c")
    with jupyter.stream(f"sse-widget/{kernel_id}/channels/c") as stream:
        channel.push(1)
        stream.take(1, "message")
    jupyter.request("POST", f"sse-widget/{kernel_id}/received", {"page": "p"}, token=TOKEN)
    jupyter.request("GET", f"sse-widget/{kernel_id}/nothing", token=TOKEN)
    after = settings["api_last_activity"], jupyter.app.kernel_manager.get_kernel(kernel_id).last_activity
    assert after == before


def test_no_log_line_holds_a_secret(
    jupyter: Jupyter, kernel: Session, kernel_id: str, cookies: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    xsrf = cookies["_xsrf"]
    for path in ("events", "whoami?n=x", "channels/none", "nothing"):
        query = f"{'&' if '?' in path else '?'}_xsrf={xsrf}&token={TOKEN}"
        jupyter.request("GET", f"sse-widget/{kernel_id}/{path}{query}", headers=logged_in(cookies))
    kernel.server.stop()
    jupyter.request("GET", f"sse-widget/{kernel_id}/events?_xsrf={xsrf}", headers=logged_in(cookies))
    for secret in (kernel.server.guard.bearer, kernel.server.guard.key, TOKEN, xsrf):
        assert str(secret) not in caplog.text


def test_an_error_of_ours_is_logged_and_tells_nothing(
    jupyter: Jupyter, kernel_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_path: object) -> None:
        raise RuntimeError("a path of the machine")

    monkeypatch.setattr(runtime, "read", fail)
    answer = jupyter.request("GET", f"sse-widget/{kernel_id}/events?_xsrf=x", token=TOKEN)
    assert (answer.status, answer.json()) == (500, {"error": "Internal Server Error"})
    assert "a path of the machine" in caplog.text
