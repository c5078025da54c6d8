"""A channel: what goes in, what comes out, and the places in between."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import subprocess
import threading
import time
import uuid
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sse_widget.core.event import Event, Gap
from sse_widget.core.log import Limits
from sse_widget.errors import ChannelClosed, EventTooLarge, WaitTimeout
from sse_widget.hub.channel import Channel

if TYPE_CHECKING:
    from sse_widget.session import Session


@pytest.fixture
def prices(session: Session) -> Channel:
    return session.hub.channel("prices")


def data_of(events: list[Event]) -> list[object]:
    return [event.data for event in events]


# Pushing


def test_push_returns_the_event_that_was_stored(prices: Channel) -> None:
    before = time.time()
    event = prices.push({"symbol": "AAPL", "price": 191.2}, type="trade")
    assert (event.data, event.type, event.channel) == ({"symbol": "AAPL", "price": 191.2}, "trade", "prices")
    assert event.id == f"{prices.epoch}-1" == prices.newest_id
    assert before - 0.001 <= event.time <= time.time() + 0.001
    assert prices.history == [event]
    assert prices.history[0] is event


def test_before_the_first_event_the_newest_id_is_number_zero(prices: Channel) -> None:
    assert prices.newest_id == f"{prices.epoch}-0"


def test_changing_what_was_pushed_changes_nothing(prices: Channel) -> None:
    data = {"a": [1]}
    event = prices.push(data)
    data["a"].append(2)
    assert event.data == {"a": [1]}


@dataclasses.dataclass
class Trade:
    price: float


@pytest.mark.parametrize(
    ("pushed", "read"),
    [
        (None, None),
        ({1: "a"}, {"1": "a"}),
        ((1, 2), [1, 2]),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (np.arange(4).reshape(2, 2).T, [[0, 2], [1, 3]]),
        (dt.date(2026, 11, 22), "2026-11-22"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Trade(1.5), {"price": 1.5}),
        ([math.nan, math.inf], [None, None]),
        ("<img onerror=alert(1)>\r\n\0", "<img onerror=alert(1)>\r\n\0"),
    ],
)
def test_anything_a_notebook_holds_can_be_pushed(prices: Channel, pushed: object, read: object) -> None:
    assert prices.push(pushed).data == read


def test_a_pushed_event_gives_its_data_and_type(prices: Channel) -> None:
    first = prices.push({"a": 1}, type="trade")
    again, renamed = prices.push(first), prices.push(first, type="other")
    assert (again.data, again.type, again.sequence) == ({"a": 1}, "trade", 2)
    assert (renamed.type, renamed.sequence) == ("other", 3)


def test_what_json_cannot_hold_is_named_with_its_path_and_nothing_is_stored(prices: Channel) -> None:
    prices.push(1)
    with pytest.raises(TypeError) as error:
        prices.push({"a": [1, {2, 3}]})
    assert str(error.value) == (
        "expected data that JSON can hold, got set at data['a'][1]; push numbers, strings, lists, dicts, None, bool, "
        "NumPy values, datetimes, dataclasses or UUIDs"
    )
    assert data_of(prices.history) == [1]


@pytest.mark.parametrize("type_", ["gap", "heartbeat", "ended"])
def test_types_of_the_stream_itself_are_refused(prices: Channel, type_: str) -> None:
    with pytest.raises(ValueError, match="type other than") as error:
        prices.push(1, type=type_)
    assert (
        str(error.value) == f"expected a type other than the stream's own ['ended', 'gap', 'heartbeat'], got {type_!r}"
    )
    assert prices.history == []


def test_a_gap_cannot_be_pushed(prices: Channel, session: Session) -> None:
    other = session.hub.channel("other", history=1)
    other.push_many([1, 2])
    gap = other.since(f"{other.epoch}-0")[0]
    with pytest.raises(ValueError, match="expected a type other than the stream's own"):
        prices.push(gap)


@pytest.mark.parametrize("type_", ["a\rb", "a\nb", "a\0b"])
def test_types_that_would_inject_a_field_are_refused(prices: Channel, type_: str) -> None:
    with pytest.raises(ValueError, match="expected an event type without CR, LF, NUL") as error:
        prices.push(1, type=type_)
    assert str(error.value) == f"expected an event type without CR, LF, NUL and lone surrogates, got {type_!r}"
    assert prices.history == []


def test_an_event_over_the_limit_is_refused_and_one_at_the_limit_is_not(prices: Channel) -> None:
    prices.push("x" * ((1 << 20) - 2))  # and two quotation marks
    with pytest.raises(EventTooLarge) as error:
        prices.push("x" * ((1 << 20) - 1))
    assert str(error.value) == (
        "expected an event of at most 1048576 bytes, got 1048577; push it in parts, or push where it can be fetched"
    )
    assert isinstance(error.value, ValueError)
    assert len(prices.history) == 1


def test_push_many_is_all_or_nothing(prices: Channel) -> None:
    prices.push(0)
    with pytest.raises(TypeError, match=r"got function at data\['f'\]"):
        prices.push_many([1, {"f": lambda: 1}, 2])
    assert data_of(prices.history) == [0]
    stored = prices.push_many((number for number in (1, 2)), type="n")
    assert [(event.data, event.type, event.sequence) for event in stored] == [(1, "n", 2), (2, "n", 3)]
    assert prices.push_many([]) == []


def test_eight_threads_push_and_each_ones_order_is_kept(session: Session) -> None:
    channel = session.hub.channel("c")
    n_threads, n_each = 8, 2000
    threads = [
        threading.Thread(target=lambda thread=thread: [channel.push((thread, i)) for i in range(n_each)])
        for thread in range(n_threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = channel.history
    assert [event.sequence for event in events] == list(range(1, n_threads * n_each + 1))
    for thread_number in range(n_threads):
        assert [i for thread, i in data_of(events) if thread == thread_number] == list(range(n_each))


# Closing


def test_a_closed_channel_takes_nothing_and_says_how_to_make_it_anew(prices: Channel) -> None:
    prices.push(1)
    prices.close()
    prices.close()
    said = (
        "expected an open channel, got <Channel 'prices': 1 events pushed, 1 held (0.0 MiB), closed>; "
        "make it anew with sse_widget.channel('prices')"
    )
    for use in (lambda: prices.push(2), lambda: prices.push_many([2]), prices.subscribe):
        with pytest.raises(ChannelClosed) as error:
            use()
        assert str(error.value) == said
    assert prices.closed
    assert data_of(prices.history) == [1]


def test_closing_frees_the_name(session: Session, prices: Channel) -> None:
    prices.close()
    assert session.hub.channel("prices") is not prices


# Places in the log


def test_since_gives_what_follows_an_event_or_its_id(prices: Channel) -> None:
    events = prices.push_many(range(4))
    assert prices.since(events[1]) == prices.since(events[1].id) == events[2:]
    assert prices.since(events[3]) == []
    assert prices.since("oldest") == events
    assert prices.since("newest") == []


def test_since_begins_with_a_gap_where_events_have_left_the_history(session: Session) -> None:
    channel = session.hub.channel("c", history=3)
    events = channel.push_many(range(10))
    gap, *rest = channel.since(events[1])
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id, gap.channel, rest) == (5, events[6].id, "c", events[7:])


@pytest.mark.parametrize("foreign", ["other-3", "{epoch}-99"])
def test_an_id_of_another_life_gets_a_gap_of_unknown_size_and_all_there_is(prices: Channel, foreign: str) -> None:
    prices.push_many([1, 2])
    gap, *rest = prices.since(foreign.format(epoch=prices.epoch))
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id, data_of(rest)) == (None, f"{prices.epoch}-0", [1, 2])


@pytest.mark.parametrize("place", ["", "nonsense", "e-01", "newest ", 5, None, b"e-1"])
def test_what_is_no_place_is_refused(prices: Channel, place: object) -> None:
    with pytest.raises(ValueError, match="expected an event") as error:
        prices.since(place)  # type: ignore[arg-type]
    assert str(error.value) == f"expected an event, an event id, 'oldest' or 'newest', got {place!r}"


def test_an_event_that_was_never_pushed_is_no_place(prices: Channel) -> None:
    with pytest.raises(ValueError, match="expected an event") as error:
        prices.since(Event(1))
    assert str(error.value) == (
        "expected an event, an event id, 'oldest' or 'newest', got Event(1, type='message', id='')"
    )


def test_a_subscription_starts_with_the_next_event_or_where_it_is_told(prices: Channel) -> None:
    events = prices.push_many(range(3))
    now, oldest, after = prices.subscribe(), prices.subscribe(after="oldest"), prices.subscribe(after=events[0])
    last = prices.push(3)
    assert now.take_all() == [last]
    assert oldest.take_all() == [*events, last]
    assert after.take_all() == [*events[1:], last]


def test_a_subscription_after_a_foreign_id_begins_with_a_gap_of_unknown_size(prices: Channel) -> None:
    prices.push(1)
    gap, event = prices.subscribe(after="other-3").take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id, event.data) == (None, f"{prices.epoch}-0", 1)


def test_clearing_gives_a_gap_to_those_who_had_not_read_and_to_nobody_else(prices: Channel) -> None:
    slow, quick = prices.subscribe(), prices.subscribe()
    prices.push_many(range(3))
    quick.take_all()
    prices.clear()
    (gap,) = slow.take_all()
    assert isinstance(gap, Gap)
    assert (gap.lost, gap.id) == (3, f"{prices.epoch}-3")
    assert quick.take_all() == []
    assert prices.history == []
    assert prices.push("next").sequence == 4
    assert data_of(slow.take_all()) == data_of(quick.take_all()) == ["next"]


# Measures


def test_stats_tell_what_is_held_and_who_reads(session: Session) -> None:
    channel = session.hub.channel("c", history=4)
    reader = channel.subscribe()
    channel.push_many(range(10))
    stats = channel.stats()
    assert (stats.pushed, stats.held, stats.dropped) == (10, 4, 6)
    assert stats.held_bytes == sum(event.size for event in channel.history)
    assert stats.readers == [{"label": "a subscription in the kernel", "behind": 10}]
    reader.take_all()
    assert channel.stats().readers == [{"label": "a subscription in the kernel", "behind": 0}]
    reader.close()
    assert channel.stats().readers == []


def test_stats_never_say_that_a_reader_is_ahead(prices: Channel) -> None:
    class Ahead:
        position = 5
        label = "one that has read more since"

    reader = Ahead()
    prices.log.attach(reader)
    assert prices.stats().readers == [{"label": "one that has read more since", "behind": 0}]


def test_drain_names_the_channel_and_the_slowest_reader(prices: Channel) -> None:
    reader = prices.subscribe()
    prices.push_many(range(7))
    with pytest.raises(WaitTimeout) as error:
        prices.drain(timeout=0.01)
    assert str(error.value) == (
        "expected every reader of the channel 'prices' to be up to date within 0.01 s, got 1 behind; "
        "the slowest is a subscription in the kernel, 7 events behind"
    )
    reader.take_all()
    prices.drain()


def test_to_pandas_has_a_row_for_each_event(prices: Channel) -> None:
    prices.push_many([{"a": 1}, {"a": 2}])
    assert list(prices.to_pandas()["a"]) == [1, 2]


def test_repr_is_one_short_line(session: Session) -> None:
    channel = session.hub.channel("c")
    channel.push("x" * 1_000_000)
    assert repr(channel) == "<Channel 'c': 1 events pushed, 1 held (1.0 MiB)>"


# Addresses


def test_the_address_holds_no_secret_and_the_curl_line_works(session: Session) -> None:
    channel = session.hub.channel("it's a name")
    channel.push({"a": 1})
    channel.close()
    assert channel.url == f"http://127.0.0.1:{session.server.start()}/channels/it%27s%20a%20name"
    line = channel.curl()
    assert line == f"curl -sN -H 'Authorization: Bearer {session.server.guard.bearer}' '{channel.url}'"
    done = subprocess.run(  # noqa: S602 - a shell command is what it is
        line + "'?after='", shell=True, capture_output=True, timeout=10, check=True
    )
    assert b'data: {"a":1}' in done.stdout
    assert b"event: ended" in done.stdout


def test_as_a_cells_last_line_a_channel_is_shown_by_its_host() -> None:
    class Host:
        def display(self, channel: Channel) -> dict[str, str]:
            return {"text/plain": f"the live log of {channel.name}"}

    channel = Channel("c", Limits(10, 1000), Host())  # type: ignore[arg-type]
    assert channel._repr_mimebundle_(include=None, exclude=None) == {"text/plain": "the live log of c"}


def test_the_curl_line_that_pushes_works_whatever_is_pushed(session: Session) -> None:
    channel = session.hub.channel("it's")
    for value in ({"a": 'it\'s "quoted" $HOME `x` \\ \u2028'}, "@file", 0, []):
        told = subprocess.run(["sh", "-c", channel.curl(push=value)], capture_output=True, check=True, timeout=10)  # noqa: S603, S607
        assert json.loads(told.stdout)["id"] == channel.newest_id
        assert channel.history[-1].data == value
