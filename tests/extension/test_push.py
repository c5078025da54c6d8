"""Pushing through the Jupyter server: what its login opens, the kernel's rules bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.extension.jupyter import TOKEN, Jupyter

if TYPE_CHECKING:
    from sse_widget.session import Session

NDJSON = {"Content-Type": "application/x-ndjson"}


def test_a_push_comes_through_with_its_type_and_once(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("ä b")
    path = f"sse-widget/{kernel_id}/channels/%C3%A4%20b?type=trade&pace=1"
    headers = NDJSON | {"Idempotency-Key": "me:1"}
    first = jupyter.request("POST", path, b'1\n{"a":2}\n', token=TOKEN, headers=headers)
    again = jupyter.request("POST", path, b'1\n{"a":2}\n', token=TOKEN, headers=headers)
    assert (first.status, first.json()) == (
        201,
        {"id": channel.newest_id, "first": f"{channel.epoch}-1", "count": 2},
    )
    assert (again.status, again.body) == (201, first.body)
    assert [(event.data, event.type) for event in channel.history] == [(1, "trade"), ({"a": 2}, "trade")]


def test_a_problem_comes_through_as_one(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    path = f"sse-widget/{kernel_id}/channels/none"
    answer = jupyter.request("POST", path, 1, token=TOKEN)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"].startswith("expected the name of a channel, got 'none'")
    assert kernel.hub.channels() == []


def test_a_batch_of_the_largest_size_comes_through_and_a_larger_one_is_refused(
    jupyter: Jupyter, kernel: Session, kernel_id: str
) -> None:
    channel = kernel.hub.channel("c")
    path = f"sse-widget/{kernel_id}/channels/c"
    line = b'"%b"\n' % (b"x" * ((1 << 20) - 3))
    assert jupyter.request("POST", path, line * 8, token=TOKEN, headers=NDJSON).status == 201
    assert len(channel.history) == 8
    longer = NDJSON | {"Content-Length": str((8 << 20) + 1)}
    answer = jupyter.request("POST", path, token=TOKEN, headers=longer)
    assert answer.status == 413
    assert answer.json() == {"error": f"expected a body of at most {8 << 20} bytes, got {(8 << 20) + 1}"}


def test_a_push_without_the_login_is_refused(jupyter: Jupyter, kernel: Session, kernel_id: str) -> None:
    channel = kernel.hub.channel("c")
    bearer = {"Authorization": f"Bearer {kernel.server.guard.bearer}"}
    for headers in ({}, bearer):
        assert jupyter.request("POST", f"sse-widget/{kernel_id}/channels/c", 1, headers=headers).status == 403
    assert channel.history == []
