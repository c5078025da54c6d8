"""What the user lets in: `allow_origin`, `open_page`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from IPython.core.formatters import IPythonDisplayFormatter
from IPython.lib.pretty import pretty

import sse_widget
from sse_widget.pages import admit, page_link
from tests.server.client import Client

if TYPE_CHECKING:
    from sse_widget.session import Session

ORIGIN = "http://localhost:8000"


def test_an_origin_that_is_let_in_may_ask_with_the_bearer_and_read_the_answer(session: Session) -> None:
    client = Client(session)
    assert client.request("GET", "/channels", headers={"Origin": ORIGIN}).status == 403
    admit(session, ORIGIN)
    answer = client.request("GET", "/channels", headers={"Origin": ORIGIN})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert client.request("GET", "/channels", bearer=None, headers={"Origin": ORIGIN}).status == 403


@pytest.mark.parametrize(
    "other", ["http://localhost:80000", "http://localhost", "https://localhost:8000", "http://127.0.0.1:8000", "null"]
)
def test_exactly_this_origin_is_let_in(session: Session, other: str) -> None:
    client = Client(session)
    admit(session, ORIGIN)
    assert client.request("GET", "/channels", headers={"Origin": other}).status == 403


def test_what_pages_prove_later_takes_no_origin_out_that_the_user_let_in(session: Session) -> None:
    admit(session, ORIGIN)
    guard = session.server.guard
    for number in range(200):
        nonce = f"{number:032x}"
        assert guard.admit(f"http://localhost:{number}", nonce, guard._mac(f"page|http://localhost:{number}|{nonce}"))
    assert guard.origin_is_known(ORIGIN)


def test_the_lines_to_paste_name_the_server_and_hold_its_secret(session: Session) -> None:
    lines = admit(session, ORIGIN)
    url, bearer = session.server.url, session.server.guard.bearer
    assert f'import {{ handleRequest, subscribe }} from "{url}/client.js";' in lines
    assert f'const kernel = {{ server: "{url}", bearer: "{bearer}" }};' in lines
    assert lines.startswith('<script type="module">\n')
    assert lines.endswith("\n</script>")


def test_a_notebook_shows_the_lines_as_they_are(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.pages.current", lambda: session)
    lines = sse_widget.allow_origin(ORIGIN)
    assert pretty(lines) == lines
    assert re.fullmatch(r"<script.*</script>", lines, re.DOTALL)


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:8000", "http://localhost", "https://example.org", "http://[::1]:8000", "https://a-b.c:8443"],
)
def test_what_browsers_write_is_an_origin(session: Session, origin: str) -> None:
    admit(session, origin)
    assert session.server.guard.origin_is_known(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "localhost:8000",
        "http://",
        "http://*",
        "http://*.example.org",
        "http://localhost:8000/",
        "http://localhost:8000/page",
        "http://localhost:8000?x",
        "http://localhost:8000#x",
        "http://user@localhost:8000",
        "http://LOCALHOST:8000",
        "HTTP://localhost:8000",
        "http://localhost:80",
        "https://example.org:443",
        "http://localhost:99999",
        "http://localhost:08000",
        "http://localhost:8000 http://evil.example",
        "http://localhost:8000\nX: y",
        "file:///tmp",
        "ftp://example.org",
        "http://ex\u00e4mple.org",
    ],
)
def test_what_is_no_origin_is_refused(session: Session, origin: str) -> None:
    with pytest.raises(ValueError, match="expected one origin as browsers write it") as error:
        admit(session, origin)
    assert str(error.value).endswith(f"such as 'http://localhost:8000', got {origin!r}")
    assert not session.server.running


def test_an_origin_is_text(session: Session) -> None:
    with pytest.raises(TypeError, match="expected origin as a str, got int"):
        admit(session, 8000)  # type: ignore[arg-type]


# open_page


def test_the_link_is_printed_and_returned_and_shown_no_second_time(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sse_widget.pages.current", lambda: session)
    link = sse_widget.open_page()
    printed = capsys.readouterr().out
    assert re.fullmatch(rf"http://127\.0\.0\.1:{session.server.start()}/\?ticket=[0-9a-f]{{32}}", link)
    assert printed == f"{link}\n"
    formatter = IPythonDisplayFormatter()
    assert formatter(link) is True  # it has shown itself
    assert capsys.readouterr().out == ""


def test_every_link_is_another_and_holds_no_lasting_secret(session: Session) -> None:
    links = {page_link(session) for _ in range(10)}
    assert len(links) == 10
    for link in links:
        assert session.server.guard.bearer not in link
        assert session.server.guard.key not in link
