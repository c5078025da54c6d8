"""One wake-up per burst and channel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sse_widget.server.fanout import Fanout
from sse_widget.server.state import Limits
from sse_widget.server.tally import Tally
from sse_widget.session import Session
from tests.conftest import eventually
from tests.server.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sse_widget.hub.channel import Channel


class Sleeper:
    """Counts how often it was told to look again."""

    def __init__(self) -> None:
        self.wakes = 0

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def channel(session: Session) -> Channel:
    return session.hub.channel("c")


def on_a_loop(channel: Channel, test: Callable[[Fanout, Callable[[], object]], object]) -> None:
    """Run a test on a loop, with a fanout and a way to let the loop turn."""

    async def main() -> None:
        fanout = Fanout(channel, asyncio.get_running_loop(), Tally())
        turn = lambda: asyncio.sleep(0)  # noqa: E731 - awaited by the test
        await test(fanout, turn)  # type: ignore[misc]
        fanout.close()
        assert channel.log._armed == []

    asyncio.run(main())


def test_a_burst_wakes_each_sleeper_once(channel: Channel) -> None:
    async def test(fanout: Fanout, turn: Callable[[], object]) -> None:
        first, second = Sleeper(), Sleeper()
        assert fanout.sleep(first, 0)
        assert fanout.sleep(second, 0)
        assert len(channel.log._armed) == 1
        channel.push_many(range(3))
        channel.push(3)
        assert first.wakes == 0
        await turn()  # type: ignore[misc]
        assert (first.wakes, second.wakes) == (1, 1)
        channel.push(4)
        await turn()  # type: ignore[misc]
        assert (first.wakes, second.wakes) == (1, 1)

    on_a_loop(channel, test)  # type: ignore[arg-type]


def test_who_is_behind_does_not_fall_asleep(channel: Channel) -> None:
    async def test(fanout: Fanout, _turn: object) -> None:
        channel.push(1)
        assert not fanout.sleep(Sleeper(), 0)
        assert fanout.sleep(Sleeper(), 1)
        assert not fanout.sleep(Sleeper(), 0)
        channel.close()
        assert not fanout.sleep(Sleeper(), 1)

    on_a_loop(channel, test)  # type: ignore[arg-type]


def test_who_leaves_is_not_woken(channel: Channel) -> None:
    async def test(fanout: Fanout, turn: Callable[[], object]) -> None:
        gone, here = Sleeper(), Sleeper()
        fanout.sleep(gone, 0)
        fanout.sleep(here, 0)
        fanout.leave(gone)
        fanout.leave(gone)
        channel.push(1)
        await turn()  # type: ignore[misc]
        assert (gone.wakes, here.wakes) == (0, 1)

    on_a_loop(channel, test)  # type: ignore[arg-type]


def test_one_that_falls_asleep_between_a_push_and_its_turn_is_woken(channel: Channel) -> None:
    async def test(fanout: Fanout, turn: Callable[[], object]) -> None:
        early, late = Sleeper(), Sleeper()
        fanout.sleep(early, 0)
        channel.push(1)
        assert fanout.sleep(late, 1)
        await turn()  # type: ignore[misc]
        assert early.wakes == 1
        assert fanout.sleep(late, 1)
        channel.push(2)
        await turn()  # type: ignore[misc]
        assert late.wakes >= 1

    on_a_loop(channel, test)  # type: ignore[arg-type]


def swallow_the_next_wakeup(channel: Channel) -> None:
    """As an interrupt (SIGINT) does that hits the pushing thread between an append and its wake-ups."""
    channel.log._armed.clear()
    channel.push("without a wake-up")


def test_a_wakeup_that_an_interrupt_has_swallowed_does_not_put_the_others_to_sleep_for_good(channel: Channel) -> None:
    async def test(fanout: Fanout, turn: Callable[[], object]) -> None:
        sleeper = Sleeper()
        fanout.sleep(sleeper, 0)
        swallow_the_next_wakeup(channel)
        await turn()  # type: ignore[misc]
        assert sleeper.wakes == 0
        fanout.look_again()
        assert sleeper.wakes == 1
        fanout.look_again()
        assert fanout.sleep(sleeper, 1)
        fanout.look_again()
        assert sleeper.wakes == 1
        channel.push(2)
        await turn()  # type: ignore[misc]
        assert sleeper.wakes == 2

    on_a_loop(channel, test)  # type: ignore[arg-type]


def test_one_that_comes_after_a_swallowed_wakeup_is_woken_by_the_next_push(channel: Channel) -> None:
    async def test(fanout: Fanout, turn: Callable[[], object]) -> None:
        fanout.sleep(Sleeper(), 0)
        swallow_the_next_wakeup(channel)
        sleeper = Sleeper()
        assert fanout.sleep(sleeper, 1)
        channel.push(2)
        await turn()  # type: ignore[misc]
        assert sleeper.wakes == 1

    on_a_loop(channel, test)  # type: ignore[arg-type]


def test_a_push_after_the_loop_has_ended_does_not_raise(channel: Channel) -> None:
    async def main() -> Fanout:
        fanout = Fanout(channel, asyncio.get_running_loop(), Tally())
        fanout.sleep(Sleeper(), 0)
        return fanout

    fanout = asyncio.run(main())
    assert channel.push(1).data == 1
    fanout.close()


@pytest.fixture
def patient() -> Iterator[Session]:
    made = Session(Limits(heartbeat_s=60))
    yield made
    made.close()


def test_a_stream_gets_what_was_pushed_in_an_interrupted_cell_within_a_moment(patient: Session) -> None:
    channel = patient.hub.channel("c")
    with Client(patient).stream("/channels/c") as stream:
        channel.push("first")
        assert stream.next().data == '"first"'
        eventually(lambda: bool(channel.log._armed))
        swallow_the_next_wakeup(channel)
        assert stream.next().data == '"without a wake-up"'
        channel.push("next")
        assert stream.next().data == '"next"'
