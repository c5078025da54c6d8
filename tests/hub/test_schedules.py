"""The promise under every schedule: each event once, in order, or its loss announced with the right count.

Single-threaded, so that a failure can be run again: what threads would interleave, Hypothesis does. The first machine
is a channel and its readers; the second one a widget's feed, the pages that send to it, and the readers of the feed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import OVERHEAD_BYTES, Event, Gap
from sse_widget.core.log import Limits
from sse_widget.core.receiver import Receiver
from sse_widget.errors import ChannelClosed, WaitTimeout
from sse_widget.hub.channel import Channel
from sse_widget.widget.feed import Feed
from sse_widget.widget.listeners import Listeners

if TYPE_CHECKING:
    from sse_widget.hub.subscription import Subscription

MAX_BYTES = 12 * OVERHEAD_BYTES

PADS = st.integers(0, 2 * OVERHEAD_BYTES)


class Host:
    """As much of a session as a channel needs here."""

    def forget(self, channel: Channel) -> None:
        """Forget nothing: there is no registry."""


class Told(NamedTuple):
    """What a reader was told: an event by its sequence, or a gap by its last one and its size."""

    sequence: int
    lost: int | None = 0


def told(events: list[Event]) -> list[Told]:
    return [Told(event.sequence, event.lost if isinstance(event, Gap) else 0) for event in events]


class Reader:
    """A subscription, and a model of what it must say."""

    def __init__(self, subscription: Subscription, position: int, first: list[Told]) -> None:
        self.subscription = subscription
        self.position = position
        self.ready: deque[Told] = deque(first)  # taken from the log, not handed out yet
        self.last: str | None = None  # the id that a reconnecting reader comes back with
        self.wakes = 0
        self.asleep = False

    def wake(self) -> None:
        self.wakes += 1

    def hear(self, events: list[Event]) -> list[Told]:
        for event in events:
            self.last = event.id
        return told(events)


class ChannelMachine(RuleBasedStateMachine):
    """Publish while readers attach, replay, fall behind, reconnect, sleep, close; clear, resize, close the channel."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits(5, MAX_BYTES)
        self.channel = Channel("c", self.limits, Host())  # type: ignore[arg-type]
        self.sizes: dict[int, int] = {}  # what is held: sequence → size
        self.newest = 0
        self.readers: list[Reader] = []

    attached = Bundle("readers")

    # The model: what the log holds, and what follows a position in it

    @property
    def oldest(self) -> int:
        return min(self.sizes, default=self.newest + 1)

    def trim(self) -> None:
        while len(self.sizes) > self.limits.max_items or (
            sum(self.sizes.values()) > self.limits.max_bytes and len(self.sizes) > 1
        ):
            del self.sizes[self.oldest]

    def following(self, position: int) -> list[Told]:
        begin = max(position + 1, self.oldest)
        lost = begin - 1 - position
        gap = [Told(begin - 1, lost)] if lost else []
        return gap + [Told(sequence) for sequence in range(begin, self.newest + 1)]

    def fill(self, reader: Reader) -> None:
        reader.ready.extend(self.following(reader.position))
        reader.position = self.newest

    def woken(self) -> None:
        for reader in self.readers:
            assert reader.wakes == int(reader.asleep), "a sleeping reader is woken once, others are not"
            reader.asleep, reader.wakes = False, 0

    def resolve(self, place: Any) -> tuple[int, list[Told]]:
        if place == "newest":
            return self.newest, []
        if place == "oldest":
            return self.oldest - 1, []
        epoch, _, sequence = place.rpartition("-")
        if epoch != self.channel.epoch or int(sequence) > self.newest:
            return self.oldest - 1, [Told(self.oldest - 1, None)]
        return int(sequence), []

    def places(self, data: st.DataObject) -> str:
        ours = st.integers(0, self.newest + 2).map(lambda sequence: f"{self.channel.epoch}-{sequence}")
        return data.draw(st.sampled_from(["newest", "oldest", "other-1"]) | ours)

    # Writing

    @precondition(lambda self: not self.channel.closed)
    @rule(pads=st.lists(PADS, max_size=8))
    def push(self, pads: list[int]) -> None:
        events = self.channel.push_many(["x" * pad for pad in pads])
        for event in events:
            self.newest += 1
            assert event.sequence == self.newest
            self.sizes[self.newest] = event.size
            self.trim()
        self.woken() if pads else self.wake_quietly()

    def wake_quietly(self) -> None:
        for reader in self.readers:  # pushing nothing may wake
            reader.asleep, reader.wakes = False, 0

    @rule()
    def clear(self) -> None:
        self.channel.clear()
        self.sizes.clear()

    @rule(max_items=st.integers(1, 8), max_bytes=st.integers(1, MAX_BYTES))
    def resize(self, max_items: int, max_bytes: int) -> None:
        self.limits = Limits(max_items, max_bytes)
        self.channel.log.resize(self.limits)
        self.trim()

    @rule()
    def close_channel(self) -> None:
        before = self.channel.closed
        self.channel.close()
        self.wake_quietly() if before else self.woken()
        with pytest.raises(ChannelClosed):
            self.channel.push(1)

    @precondition(lambda self: self.channel.closed)
    @rule()
    def make_it_anew(self) -> None:
        self.channel = Channel("c", self.limits, Host())  # type: ignore[arg-type]
        self.sizes, self.newest, self.readers = {}, 0, []

    # Reading

    @precondition(lambda self: not self.channel.closed)
    @rule(target=attached, data=st.data())
    def attach(self, data: st.DataObject) -> Reader:
        place = self.places(data)
        position, first = self.resolve(place)
        reader = Reader(self.channel.subscribe(after=place), position, first)
        self.readers.append(reader)
        return reader

    @rule(reader=attached)
    def take_all(self, reader: Reader) -> None:
        if reader not in self.readers:
            return
        self.fill(reader)
        assert reader.hear(reader.subscription.take_all()) == list(reader.ready)
        reader.ready.clear()

    @rule(reader=attached)
    def take_one(self, reader: Reader) -> None:
        if reader not in self.readers:
            return
        if not reader.ready:
            self.fill(reader)
        if reader.ready:
            assert reader.hear([reader.subscription.next(0)]) == [reader.ready.popleft()]
        else:
            with pytest.raises(ChannelClosed if self.channel.closed else WaitTimeout):
                reader.subscription.next(0)

    @rule(reader=attached)
    def sleep(self, reader: Reader) -> None:
        if reader not in self.readers:
            return
        idle = not reader.ready and reader.position == self.newest
        assert reader.subscription.sleep(reader.wake) == idle
        if idle:
            reader.asleep = not self.channel.closed
        elif not reader.ready:
            reader.asleep = False

    @precondition(lambda self: not self.channel.closed)
    @rule(reader=attached)
    def reconnect(self, reader: Reader) -> None:
        """As a stream does that was cut: with the id of the last event or gap that was read."""
        if reader not in self.readers or reader.last is None:
            return
        reader.subscription.close()
        self.channel.log.disarm(reader.wake)
        reader.position, first = self.resolve(reader.last)
        reader.ready = deque(first)
        reader.subscription = self.channel.subscribe(after=reader.last)
        reader.asleep, reader.wakes = False, 0

    @rule(reader=consumes(attached), politely=st.booleans())
    def leave(self, reader: Reader, politely: bool) -> None:
        if reader not in self.readers:
            return
        self.readers.remove(reader)
        self.channel.log.disarm(reader.wake)
        if politely:
            reader.subscription.close()
            assert list(reader.subscription) == []
        del reader.subscription

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        place = self.places(data)
        position, first = self.resolve(place)
        assert told(self.channel.since(place)) == first + self.following(position)

    @rule()
    def drain(self) -> None:
        behind = [reader for reader in self.readers if reader.ready or reader.position < self.newest]
        if behind:
            with pytest.raises(WaitTimeout, match=f"got {len(behind)} behind"):
                self.channel.drain(0)
        else:
            self.channel.drain(0)

    # Always

    @invariant()
    def the_history_is_what_the_model_holds(self) -> None:
        assert [event.sequence for event in self.channel.history] == sorted(self.sizes)
        stats = self.channel.stats()
        assert (stats.pushed, stats.held, stats.held_bytes) == (
            self.newest,
            len(self.sizes),
            sum(self.sizes.values()),
        )
        assert stats.dropped == self.newest - len(self.sizes)
        assert len(stats.readers) == len(self.readers)

    @invariant()
    def who_sleeps_has_read_everything(self) -> None:
        for reader in self.readers:
            if reader.asleep:
                assert reader.wakes == 0
                assert not reader.ready


class Page:
    """A page that reads the channel, may be cut anywhere, and sends everything it has until that is acknowledged."""

    def __init__(self, feed: Feed) -> None:
        self.receiver = Receiver(feed._receiver.cursor)
        self.waiting: list[dict[str, Any]] = []


class Witness:
    """Hears what a reader of the feed is told, and objects at once."""

    def __init__(self, reading: Subscription, sequence: int) -> None:
        self.reading = reading
        self.sequence = sequence

    def hear(self, events: list[Event], pushed: list[str]) -> None:
        for event in events:
            if isinstance(event, Gap):
                assert event.lost is not None
                assert event.lost > 0
                assert event.sequence == self.sequence + event.lost, "the count of a gap is right"
            else:
                assert event.sequence == self.sequence + 1, "no event is repeated, left out or out of order"
                assert event.data == pushed[event.sequence - 1]
            self.sequence = event.sequence


class FeedMachine(RuleBasedStateMachine):
    """Two pages and many Python readers of one widget, over histories that are too small for them."""

    def __init__(self) -> None:
        super().__init__()
        self.channel = Channel("c", Limits(6, 10**6), Host())  # type: ignore[arg-type]
        self.pushed: list[str] = []
        self.push(3)
        self.start = 1
        self.feed = Feed(self.channel, Cursor(self.channel.epoch, self.start), 7, lambda: None)
        self.listeners = Listeners(
            self.feed,
            lambda _function: None,
            _nothing,
            _nothing,
            _nothing,
            _nothing,  # type: ignore[arg-type]
        )
        self.pages = [Page(self.feed), Page(self.feed)]
        self.witnesses: list[Witness] = []

    @rule(n_events=st.integers(1, 9))
    def push(self, n_events: int) -> None:
        for _ in range(n_events):
            self.pushed.append(f"event {len(self.pushed)}")
            self.channel.push(self.pushed[-1])

    @rule()
    def clear(self) -> None:
        self.channel.clear()

    @rule(number=st.integers(0, 1), size=st.integers(1, 5))
    def page_reads(self, number: int, size: int) -> None:
        page = self.pages[number]
        taken = self.channel.log.after(page.receiver.cursor.sequence, size)
        if not taken.items and not taken.lost:
            return
        first = taken.last - len(taken.items) + 1
        pack = {
            "channel": "c",
            "epoch": self.channel.epoch,
            "first": first,
            "events": [[event.time_us, event.type, event.data] for event in taken.items],
            **({"gap": True} if taken.lost else {}),
        }
        assert page.receiver.take(self.channel.epoch, first, len(taken.items), gap=bool(taken.lost)).joins
        page.waiting.append(pack)

    @rule(number=st.integers(0, 1), n_packs=st.integers(1, 5), answer_is_lost=st.booleans())
    def page_posts(self, number: int, n_packs: int, answer_is_lost: bool) -> None:
        page = self.pages[number]
        cursor, resume = self.feed.receive(page.waiting[:n_packs])
        if answer_is_lost:
            return
        page.waiting = page.waiting[n_packs:]
        if resume:  # what the page has does not join on: it goes back
            page.waiting = []
            epoch, _, sequence = cursor.rpartition("-")
            page.receiver.cursor = Cursor(epoch, int(sequence))

    @rule(number=st.integers(0, 1))
    def page_reloads(self, number: int) -> None:
        """What it had not sent is forgotten with it; the new one begins where Python tells it."""
        page = self.pages[number] = Page(self.feed)
        start = self.feed.start_for_page(4)
        epoch, _, sequence = start["start"].rpartition("-")
        page.receiver.cursor = Cursor(epoch, int(sequence))
        assert start["count"] + start["lost"] == int(sequence) - self.start
        rows = self.channel.since(start["start"])
        reached = self.feed.position
        assert not [event for event in rows if isinstance(event, Gap) and event.sequence <= reached], (
            "what Python has is no gap to a page that opens now"
        )

    @rule(number=st.integers(0, 1), n_skipped=st.integers(1, 3))
    def page_skips_packs(self, number: int, n_skipped: int) -> None:
        """A page with a fault: a hole that nobody announced must never be taken."""
        self.pages[number].waiting = self.pages[number].waiting[n_skipped:]

    @rule()
    def python_begins(self) -> None:
        self.witnesses.append(Witness(self.listeners.look(None), self.feed.position))

    @rule(data=st.data())
    def python_begins_after(self, data: st.DataObject) -> None:
        sequence = data.draw(st.integers(0, len(self.pushed)))
        reading = self.listeners.look(f"{self.channel.epoch}-{sequence}")
        self.witnesses.append(Witness(reading, sequence))

    @rule(data=st.data())
    def python_begins_with_an_id_that_is_none(self, data: st.DataObject) -> None:
        sequence = data.draw(st.integers(len(self.pushed) + 1, len(self.pushed) + 3))
        with pytest.raises(ValueError, match="which was never pushed"):
            self.listeners.look(f"{self.channel.epoch}-{sequence}")

    @precondition(lambda self: self.witnesses)
    @rule(data=st.data(), all_of_it=st.booleans())
    def python_reads(self, data: st.DataObject, all_of_it: bool) -> None:
        witness = data.draw(st.sampled_from(self.witnesses))
        if all_of_it:
            witness.hear(witness.reading.take_all(), self.pushed)
        else:
            try:
                witness.hear([witness.reading.next(0)], self.pushed)
            except WaitTimeout:
                self.has_read_everything(witness)

    @invariant()
    def all_that_was_received_is_counted_or_announced(self) -> None:
        assert self.feed.count + self.feed.lost == self.feed.position - self.start

    def teardown(self) -> None:
        for witness in self.witnesses:
            witness.hear(witness.reading.take_all(), self.pushed)
            self.has_read_everything(witness)

    def has_read_everything(self, witness: Witness) -> None:
        nothing_came = self.feed.log.newest == 0  # what lies before the feed's start is announced with the first event
        assert witness.sequence >= self.feed.position or nothing_came, "nothing is left behind"


def _nothing(*_arguments: object) -> None:
    """Do nothing."""


class TestChannel(ChannelMachine.TestCase):
    settings = settings(max_examples=120, stateful_step_count=40)


class TestFeed(FeedMachine.TestCase):
    settings = settings(max_examples=120, stateful_step_count=40)
