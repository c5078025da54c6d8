"""The channels of one session, by name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sse_widget.core.log import Limits
from sse_widget.hub import memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel


class Host:
    """As much of a session as closing a channel needs."""

    def __init__(self) -> None:
        self.hub = memory.MemoryHub(self)  # type: ignore[arg-type]

    def forget(self, channel: Channel) -> None:
        self.hub.forget(channel)


@pytest.fixture
def hub() -> Iterator[memory.MemoryHub]:
    made = Host().hub
    yield made
    made.close()


def limits(channel: Channel) -> Limits:
    return channel.log.measure()[3]


def test_the_same_name_gives_the_same_channel(hub: memory.MemoryHub) -> None:
    prices = hub.channel("prices")
    assert hub.channel("prices") is prices
    assert hub.channel("trades") is not prices
    assert hub.channels() == [prices, hub.channel("trades")]


def test_the_defaults_are_100_000_events_in_32_mib(hub: memory.MemoryHub) -> None:
    assert limits(hub.channel("c")) == Limits(100_000, 32 << 20, None)


def test_bounds_are_set_when_a_channel_is_made_and_changed_when_it_is_asked_for_again(hub: memory.MemoryHub) -> None:
    channel = hub.channel("c", history=10, history_bytes=100_000, history_s=1.5)
    assert limits(channel) == Limits(10, 100_000, 1_500_000)
    channel.push_many(range(10))
    assert limits(hub.channel("c")) == Limits(10, 100_000, 1_500_000)  # what is not given stays
    hub.channel("c", history=4)
    assert limits(channel) == Limits(4, 100_000, 1_500_000)
    assert [event.data for event in channel.history] == [6, 7, 8, 9]


def test_the_shortest_age_is_a_microsecond(hub: memory.MemoryHub) -> None:
    assert limits(hub.channel("c", history_s=1e-9)).max_age_us == 1


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"history": 0}, "expected history to be a positive number of events, got 0"),
        ({"history": -1}, "expected history to be a positive number of events, got -1"),
        ({"history": 1.5}, "expected history to be a positive number of events, got 1.5"),
        ({"history": True}, "expected history to be a positive number of events, got True"),
        ({"history": "9"}, "expected history to be a positive number of events, got '9'"),
        ({"history_bytes": 0}, "expected history_bytes to be a positive number of bytes, got 0"),
        ({"history_s": float("nan")}, "expected history_s to be a positive number of seconds, got nan"),
        ({"history_s": float("inf")}, "expected history_s to be a positive number of seconds, got inf"),
        ({"history_s": "1"}, "expected history_s to be a positive number of seconds, got '1'"),
    ],
)
def test_bounds_that_make_no_sense_are_refused_and_change_nothing(
    hub: memory.MemoryHub, bounds: dict[str, int], said: str
) -> None:
    channel = hub.channel("old", history=5)
    for name in ("old", "new"):
        with pytest.raises(ValueError, match="expected history") as error:
            hub.channel(name, **bounds)
        assert str(error.value) == said
    assert limits(channel) == Limits(5, 32 << 20, None)
    assert hub.get("new") is None


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\t", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_names_with_control_characters_are_refused(hub: memory.MemoryHub, control: str) -> None:
    with pytest.raises(ValueError, match="control characters") as error:
        hub.channel(f"a{control}b")
    assert str(error.value) == (
        f"expected a channel name without control characters, got {'a' + control + 'b'!r} with {control!r}"
    )
    assert hub.channels() == []


def test_names_are_bounded_in_bytes(hub: memory.MemoryHub) -> None:
    assert hub.channel("é" * 100).name == "é" * 100
    with pytest.raises(ValueError, match="at most 200 bytes") as error:
        hub.channel("é" * 101)
    assert str(error.value) == "expected a channel name of at most 200 bytes, got 202"


def test_a_name_is_a_str_of_at_least_one_character(hub: memory.MemoryHub) -> None:
    with pytest.raises(TypeError) as wrong:
        hub.channel(5)  # type: ignore[arg-type]
    assert str(wrong.value) == "expected the channel's name as a str, got int"
    with pytest.raises(ValueError, match="at least one") as empty:
        hub.channel("")
    assert str(empty.value) == "expected a channel name of at least one character, got ''"


def test_too_many_channels_are_refused_and_those_there_are_stay(
    hub: memory.MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_CHANNELS", 2)
    first = hub.channel("a")
    hub.channel("b")
    with pytest.raises(ValueError, match="at most 2") as error:
        hub.channel("c")
    assert str(error.value) == "expected at most 2 channels, got one more; close() those that are done"
    assert hub.channel("a") is first
    first.close()
    assert hub.channel("c").name == "c"


def test_a_channel_closed_lately_can_still_be_found_until_a_new_one_has_its_name(hub: memory.MemoryHub) -> None:
    old = hub.channel("c")
    old.close()
    assert hub.get("c") is old
    assert hub.channels() == []
    new = hub.channel("c")
    assert new is not old
    assert new.epoch != old.epoch
    assert hub.get("c") is new
    old.close()
    assert hub.get("c") is new


def test_of_the_closed_ones_the_latest_16_are_kept(hub: memory.MemoryHub) -> None:
    for number in range(20):
        hub.channel(f"c{number}").close()
    assert [hub.get(f"c{number}") is not None for number in range(20)] == [False] * 4 + [True] * 16


def test_a_name_that_is_closed_once_more_counts_as_the_latest(hub: memory.MemoryHub) -> None:
    for number in range(16):
        hub.channel(f"c{number}").close()
    hub.channel("c0").close()
    hub.channel("one more").close()
    assert hub.get("c0") is not None
    assert hub.get("c1") is None


def test_a_channel_whose_close_is_under_way_in_another_thread_is_not_handed_out(hub: memory.MemoryHub) -> None:
    old = hub.channel("c")
    old.log.close()  # as far as `Channel.close` has got when the other thread asks
    new = hub.channel("c")
    assert new is not old
    assert not new.closed
    old.close()
    assert hub.channel("c") is new
    new.close()
    assert hub.get("c") is new


def test_closing_the_hub_closes_every_channel(hub: memory.MemoryHub) -> None:
    channels = [hub.channel("a"), hub.channel("b")]
    hub.close()
    assert all(channel.closed for channel in channels)
    assert hub.channels() == []


def test_many_threads_asking_at_once_get_one_channel(hub: memory.MemoryHub) -> None:
    barrier = threading.Barrier(8)
    got: list[Channel] = []

    def ask() -> None:
        barrier.wait()
        got.append(hub.channel("c"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1
