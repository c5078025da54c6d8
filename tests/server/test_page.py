"""The page `/`, and the files that web pages load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sse_widget
from sse_widget.pages import page_link
from sse_widget.server.guard import TICKET_S
from sse_widget.server.page import STATIC
from tests.server.client import Answer, Client
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


# The page

LINK_IN_A_NOTEBOOK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def link(client: Client) -> str:
    """Make a link, as `open_page` does; return its path."""
    page = page_link(client.session)
    assert page.startswith(f"http://127.0.0.1:{client.port}/?ticket=")
    return page.removeprefix(f"http://127.0.0.1:{client.port}")


def own(client: Client, ticket: str = "") -> dict[str, str]:
    """What the page's script sends along."""
    origin = {"Origin": f"http://127.0.0.1:{client.port}", "Sec-Fetch-Site": "same-origin"}
    return origin | ({"Authorization": f"Ticket {ticket}"} if ticket else {})


def ticket_in(answer: Answer) -> str:
    found = re.search(r'content="([0-9a-f]{32})"', answer.body.decode())
    assert found
    return found[1]


@pytest.mark.parametrize("headers", [{}, LINK_IN_A_NOTEBOOK, {"Sec-Fetch-Site": "none"}], ids=["old", "link", "typed"])
def test_a_link_opens_the_page_once(client: Client, headers: dict[str, str]) -> None:
    path = link(client)
    answer = client.request("GET", path, bearer=None, headers=headers)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert is_refusal(client.request("GET", path, bearer=None, headers=headers))


def test_a_link_expires(client: Client) -> None:
    path = link(client)
    clock = client.guard._clock
    client.guard._clock = lambda: clock() + TICKET_S
    assert is_refusal(client.request("GET", path, bearer=None))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
    ],
    ids=["frame", "image", "not followed", "fetch"],
)
def test_the_page_is_followed_to_and_not_embedded(client: Client, headers: dict[str, str]) -> None:
    assert is_refusal(client.request("GET", link(client), bearer=None, headers=LINK_IN_A_NOTEBOOK | headers))


def test_nobody_else_gets_the_page(client: Client) -> None:
    for path in ("/", "/?ticket=", f"/?ticket={'0' * 32}", f"/?ticket={client.guard.bearer}"):
        assert is_refusal(client.request("GET", path, bearer=None, headers=LINK_IN_A_NOTEBOOK))


def test_the_page_may_load_its_own_files_and_nothing_else_and_be_framed_nowhere(client: Client) -> None:
    answer = client.request("GET", link(client), bearer=None)
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    text = answer.body.decode()
    assert re.findall(r"<script[^>]*>(.*?)</script>", text) == [""]
    assert "style=" not in text
    assert re.findall(r"\s(on\w+)=", text) == []


def test_the_document_holds_no_secret_but_a_ticket_that_works_once(client: Client) -> None:
    answer = client.request("GET", link(client), bearer=None)
    assert client.guard.bearer.encode() not in answer.body
    ticket = ticket_in(answer)
    got = client.request("POST", "/page", bearer=None, headers=own(client, ticket))
    assert (got.status, got.json()["bearer"]) == (200, client.guard.bearer)
    assert is_refusal_of_own(client.request("POST", "/page", bearer=None, headers=own(client, ticket)))


def is_refusal_of_own(answer: Answer) -> bool:
    """A known origin may read the refusal."""
    for name in ("access-control-allow-origin", "vary"):
        answer.headers.pop(name, None)
    return is_refusal(answer)


def test_the_page_gets_a_ticket_with_which_it_can_be_loaded_again(client: Client) -> None:
    ticket = ticket_in(client.request("GET", link(client), bearer=None))
    second = client.request("POST", "/page", bearer=None, headers=own(client, ticket)).json()["ticket"]
    third = client.request("POST", "/page", headers=own(client)).json()["ticket"]
    assert len({ticket, second, third}) == 3
    for each in (second, third):
        again = client.request("GET", f"/?ticket={each}", bearer=None, headers={"Sec-Fetch-Site": "same-origin"})
        assert again.status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_no_other_page_gets_the_bearer_even_with_a_ticket(client: Client, origin: str) -> None:
    ticket = ticket_in(client.request("GET", link(client), bearer=None))
    headers = own(client, ticket) | {"Origin": origin}
    assert is_refusal(client.request("POST", "/page", bearer=None, headers=headers))


def test_an_origin_that_the_user_let_in_gets_the_bearer_for_no_ticket_of_a_stream(client: Client) -> None:
    client.session.hub.channel("c")
    ticket = client.request("POST", "/tickets", {"client": "p", "channels": ["c"]}).json()["ticket"]
    client.guard.let_in(ORIGIN)
    headers = {"Origin": ORIGIN, "Authorization": f"Ticket {ticket}"}
    assert is_refusal_of_own(client.request("POST", "/page", bearer=None, headers=headers))


def test_a_pages_ticket_opens_no_stream(client: Client) -> None:
    client.session.hub.channel("c")
    for target in ("/events?channel=c&after=&client=p", "/events?", "/events?channel=%00page&after=", "/channels/c?"):
        ticket = client.guard.issue_for_page()
        answer = client.request("GET", f"{target}&ticket={ticket}", bearer=None)
        assert answer.status in {403, 422}
        assert "text/event-stream" not in answer.headers["content-type"]
        assert not client.guard.redeem_for_page(ticket)


def test_nobody_gets_a_pages_ticket_as_one_for_a_channel(client: Client) -> None:
    answer = client.request("POST", "/tickets", {"client": "p", "channels": ["\0page"]})
    assert answer.status == 404


def test_before_there_is_a_page_its_origin_is_not_known(client: Client) -> None:
    assert is_refusal(client.request("POST", "/page", headers=own(client)))
    link(client)
    assert client.request("POST", "/page", headers=own(client)).status == 200


def test_a_page_loaded_by_another_name_of_the_machine_works_too(client: Client) -> None:
    host = {"Host": f"localhost:{client.port}"}
    ticket = ticket_in(client.request("GET", link(client), bearer=None, headers=host))
    headers = own(client, ticket) | host | {"Origin": f"http://localhost:{client.port}"}
    assert client.request("POST", "/page", bearer=None, headers=headers).status == 200
