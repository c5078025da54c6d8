"""Pushes that wait for readers: nobody who moves loses anything, and nobody who stands still holds up the rest."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sse_widget.core.event import Event, Gap
from sse_widget.server import pace
from sse_widget.server.answers import Refusal
from sse_widget.server.pace import Pace
from tests.conftest import eventually
from tests.server.client import Client
from tests.server.test_push import problem, push, push_lines

if TYPE_CHECKING:
    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session

PACED = "?pace=1"


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c", history=100)


@pytest.fixture
def client(session: Session) -> Client:
    return Client(session)


def lines(start: int, count: int) -> bytes:
    return b"".join(b"%d\n" % i for i in range(start, start + count))


def set_pace(session: Session, made: Pace) -> None:
    done = threading.Event()

    def swap(state: object) -> None:
        state.pace = made  # type: ignore[attr-defined]
        done.set()

    session.server.call(swap)
    assert done.wait(5)


def test_without_readers_nothing_waits(channel: Channel, client: Client) -> None:
    for start in range(0, 1000, 50):
        assert push_lines(client, lines(start, 50), PACED).json()["count"] == 50
    assert channel.log.newest == 1000


def test_a_reader_that_moves_loses_nothing_however_small_the_history_is(channel: Channel, client: Client) -> None:
    subscription = channel.subscribe()
    got: list[int] = []

    def read() -> None:
        while len(got) < 2000:
            event = subscription.next(10)
            assert not isinstance(event, Gap)
            got.append(event.data)

    reader = threading.Thread(target=read)
    reader.start()
    for start in range(0, 2000, 50):
        assert "still" not in push_lines(client, lines(start, 50), PACED).json()
    reader.join()
    subscription.close()
    assert got == list(range(2000))


def test_the_same_without_pace_tells_of_the_loss(channel: Channel, client: Client) -> None:
    with channel.subscribe() as subscription:
        for start in range(0, 2000, 50):
            push_lines(client, lines(start, 50))
        first = subscription.next(1)
        assert isinstance(first, Gap)
        assert first.lost == 1900


def test_a_quarter_of_the_history_is_left_for_those_who_have_to_read_again(channel: Channel, client: Client) -> None:
    with channel.subscribe() as subscription:
        assert push_lines(client, lines(0, 75), PACED).status == 201
        waiting = threading.Thread(target=push_lines, args=(client, lines(75, 1), PACED))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        assert channel.log.newest == 75
        subscription.next(1)
        waiting.join(10)
        assert channel.log.newest == 76


def test_bytes_are_room_too(session: Session, client: Client) -> None:
    channel = session.hub.channel("c", history_bytes=100_000)
    with channel.subscribe() as subscription:
        big = b'"%b"' % (b"x" * 20_000)
        for _ in range(3):
            assert push(client, big, PACED).status == 201
        waiting = threading.Thread(target=push, args=(client, big, PACED))
        waiting.start()
        waiting.join(0.2)
        assert channel.log.newest == 3
        subscription.next(1)
        waiting.join(10)
        assert channel.log.newest == 4


def test_a_reader_that_stands_still_is_waited_for_once_and_named(
    session: Session, channel: Channel, client: Client
) -> None:
    set_pace(session, Pace(still_s=0.3))
    with channel.subscribe() as still, channel.subscribe() as moving:
        push_lines(client, lines(0, 75), PACED)
        moving.take_all()
        began = time.monotonic()
        answer = push_lines(client, lines(75, 25), PACED).json()
        assert time.monotonic() - began >= 0.3
        assert answer["still"] == [still.label]
        moving.take_all()
        push_lines(client, lines(100, 50), PACED)
        moving.take_all()
        lost = still.next(1)
        assert isinstance(lost, Gap)
        # It moves again, and counts again: nothing of what it has not read is driven out.
        again = still.take_all()
        assert [event.data for event in again] == list(range(50, 150))
        assert "still" not in push_lines(client, lines(150, 75), PACED).json()
        assert [event.data for event in still.take_all()] == list(range(150, 225))


def test_readers_that_still_read_after_a_while_are_no_reason_to_give_up(
    session: Session, channel: Channel, client: Client
) -> None:
    set_pace(session, Pace(wait_s=0.1))
    with channel.subscribe() as subscription:
        push_lines(client, lines(0, 75), PACED)
        answer = push_lines(client, lines(75, 1), PACED, Idempotency_Key="me:1")
        status, detail = problem(answer)
        assert (status, answer.headers["retry-after"]) == (503, "1")
        assert detail == f"expected readers to make room, got {subscription.label} that still reads; try again"
        assert channel.log.newest == 75
        subscription.next(1)
        assert push_lines(client, lines(75, 1), PACED, Idempotency_Key="me:1").status == 201


def test_what_does_not_fit_into_the_history_is_refused(channel: Channel, client: Client) -> None:
    limits = channel.log.measure()[3]
    status, detail = problem(push_lines(client, lines(0, 76), PACED))
    assert status == 413
    most = f"expected at most 75 events and {limits.max_bytes * 3 // 4} bytes at a time"
    assert detail.startswith(f"{most} for the history of 'c', got 76 and ")
    assert channel.log.newest == 0


def test_one_event_always_fits(session: Session, client: Client) -> None:
    session.hub.channel("c", history=1, history_bytes=100)
    for _ in range(3):
        assert push(client, b'"%b"' % (b"x" * 1000), PACED).status == 201


def test_a_push_whose_client_has_gone_is_not_pushed(session: Session, channel: Channel, client: Client) -> None:
    with channel.subscribe() as subscription:
        push_lines(client, lines(0, 75), PACED)
        body = lines(75, 5)
        head = f"POST /channels/c?pace=1 HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nContent-Length: {len(body)}\r\n"
        head += f"Authorization: Bearer {client.guard.bearer}\r\nContent-Type: application/x-ndjson\r\n\r\n"
        waiting: list[Pace] = []
        session.server.call(lambda state: waiting.append(state.pace))
        with client.connect() as sock:
            sock.sendall(head.encode() + body)
            eventually(lambda: bool(waiting) and waiting[0]._waiting == 1, "a push that waits")
        eventually(lambda: waiting[0]._waiting == 0, "the end of the wait")
        assert channel.log.newest == 75
        assert [event.data for event in subscription.take_all()] == list(range(75))


def test_pushes_that_wait_are_bounded(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAX_WAITING", 0)
    with pytest.raises(Refusal) as caught:
        asyncio.run(Pace().room(channel, 1, 1, lambda: False))
    assert (caught.value.status_code, caught.value.text) == (
        503,
        "expected at most 0 pushes that wait for readers, got one more",
    )


def test_a_reader_that_its_user_has_let_go_of_is_not_waited_for(channel: Channel, client: Client) -> None:
    subscription = channel.subscribe()
    push_lines(client, lines(0, 75), PACED)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(push(client, 1, PACED).status))
    waiting.start()
    waiting.join(0.1)
    del subscription
    gc.collect()
    waiting.join(5)
    assert answers == [201]


def test_events_that_others_push_meanwhile_are_counted(channel: Channel) -> None:
    """What would be driven out is another thing by then."""

    async def scenario() -> list[str]:
        with channel.subscribe() as subscription:
            channel.push_many(range(75))
            waiting = asyncio.ensure_future(Pace().room(channel, 1, 200, lambda: False))
            await asyncio.sleep(0)
            channel.push_many(range(75, 85))
            assert isinstance(subscription.next(1), Event)
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done  # one was enough before
            for _ in range(10):
                subscription.next(1)
            return await waiting

    assert asyncio.run(scenario()) == []
