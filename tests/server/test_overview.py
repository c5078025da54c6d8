"""`GET /channels`: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.runs.routes import Target
from tests.conftest import eventually
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.session import Session


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


def listed(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    answer = client.request("GET", f"/channels{query}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return {channel["name"]: channel for channel in answer.json()["channels"]}


def test_a_channel_is_listed_with_its_counts(session: Session, client: Client) -> None:
    assert listed(client) == {}
    prices = session.hub.channel("prices", history=2)
    for _ in range(5):
        prices.push("12345678")  # ten bytes of JSON
    assert listed(client) == {
        "prices": {
            "name": "prices",
            "newest": str(Cursor(prices.epoch, 5)),
            "closed": False,
            "run": False,
            "pushed": 5,
            "pushed_bytes": 50,
            "held": 2,
            "held_bytes": prices.stats().held_bytes,
            "dropped": 3,
            "lost": 0,
            "readers": [],
        }
    }


def test_the_answer_names_the_server(client: Client) -> None:
    assert client.request("GET", "/channels").json()["server"] == client.guard.server_id


def test_readers_are_listed_with_how_far_they_are_behind(session: Session, client: Client) -> None:
    prices = session.hub.channel("prices")
    with prices.subscribe(), client.stream("/channels/prices"):
        prices.push(1)
        eventually(lambda: {reader["behind"] for reader in listed(client)["prices"]["readers"]} == {0, 1})


def test_channels_can_be_asked_for_by_name_and_those_that_are_not_there_are_left_out(
    session: Session, client: Client
) -> None:
    for name in ("a", "b", "c d&e"):
        session.hub.channel(name)
    assert list(listed(client, "?channel=b&channel=no&channel=c%20d%26e")) == ["b", "c d&e"]


def test_a_run_is_listed_while_it_runs(session: Session, client: Client) -> None:
    def forever(_request: object) -> Iterator[int]:
        n = 0
        while True:
            yield n
            n += 1

    session.runs.routes.add("/numbers", forever)
    run, _new = session.runs.start(Target.of("/numbers"))
    eventually(lambda: listed(client)[run.channel.name]["pushed"] > 0)
    assert listed(client)[run.channel.name]["run"] is True
    run.cancel()
    eventually(lambda: listed(client) == {})
