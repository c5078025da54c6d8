"""The files that web pages load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sse_widget
from sse_widget.server.page import STATIC
from tests.server.client import Client
from tests.server.test_security import is_refusal

if TYPE_CHECKING:
    from sse_widget.session import Session

STATIC_FILES = Path(sse_widget.__file__).parent / "static"
ORIGIN = "http://localhost:8000"
EMBEDDED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


@pytest.mark.parametrize("name", STATIC)
def test_a_file_is_for_known_pages_for_our_own_and_for_who_has_the_bearer(client: Client, name: str) -> None:
    client.guard.let_in(ORIGIN)
    cross = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    answers = [
        client.request("GET", f"/{name}"),
        client.request("GET", f"/{name}", bearer=None, headers={"Sec-Fetch-Site": "same-origin"}),
        client.request("GET", f"/{name}", bearer=None, headers=cross),
    ]
    for answer in answers:
        assert (answer.status, answer.body) == (200, (STATIC_FILES / name).read_bytes())
        assert answer.headers["x-content-type-options"] == "nosniff"
    kind = {"js": "text/javascript", "css": "text/css", "ts": "text/plain"}[name.rpartition(".")[2]]
    assert answers[0].headers["content-type"] == f"{kind}; charset=utf-8"
    assert answers[2].headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("name", STATIC)
@pytest.mark.parametrize(
    "headers",
    [{}, EMBEDDED, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"}],
    ids=["nobody", "embedded", "same site", "typed", "foreign"],
)
def test_a_file_is_for_nobody_else(client: Client, name: str, headers: dict[str, str]) -> None:
    client.guard.let_in(ORIGIN)
    assert is_refusal(client.request("GET", f"/{name}", bearer=None, headers=headers))


@pytest.mark.parametrize("name", STATIC)
def test_no_file_holds_a_secret(client: Client, name: str) -> None:
    content = client.request("GET", f"/{name}").body.decode()
    assert client.guard.bearer not in content
    assert client.guard.key not in content
    assert client.guard.server_id not in content
