"""The receiver: once and in order, whoever sends it and however often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sse_widget.core.cursor import Cursor
from sse_widget.core.log import Limits, Log
from sse_widget.core.receiver import Receiver, Taken


def receiver_at(sequence: int) -> Receiver:
    return Receiver(Cursor("e", sequence))


def test_the_next_events_are_taken() -> None:
    receiver = receiver_at(3)
    assert receiver.take("e", 4, 2, gap=False) == Taken(0, 0, joins=True)
    assert receiver.cursor == Cursor("e", 5)


def test_what_it_has_is_skipped() -> None:
    receiver = receiver_at(5)
    assert receiver.take("e", 4, 4, gap=False) == Taken(2, 0, joins=True)
    assert receiver.cursor == Cursor("e", 7)


def test_a_whole_repeat_is_skipped_and_moves_nothing() -> None:
    receiver = receiver_at(5)
    assert receiver.take("e", 1, 3, gap=True) == Taken(3, 0, joins=True)
    assert receiver.cursor == Cursor("e", 5)


def test_a_hole_that_nobody_announced_takes_nothing() -> None:
    receiver = receiver_at(5)
    assert receiver.take("e", 8, 2, gap=False) == Taken(2, 0, joins=False)
    assert receiver.cursor == Cursor("e", 5)


def test_an_announced_gap_tells_how_many_this_reader_lacks() -> None:
    receiver = receiver_at(5)
    assert receiver.take("e", 8, 2, gap=True) == Taken(0, 2, joins=True)
    assert receiver.cursor == Cursor("e", 9)


def test_a_gap_that_hides_losses_is_of_unknown_size() -> None:
    receiver = Receiver(Cursor("e", 5))
    assert receiver.take("e", 8, 2, gap=True, unsure=True) == Taken(0, None, joins=True)
    assert receiver.cursor == Cursor("e", 9)
    assert receiver.take("e", 10, 1, gap=True, unsure=True) == Taken(0, 0, joins=True)  # none for this reader


def test_a_gap_with_nothing_behind_it_moves_the_cursor() -> None:
    receiver = receiver_at(5)
    assert receiver.take("e", 8, 0, gap=True) == Taken(0, 2, joins=True)
    assert receiver.cursor == Cursor("e", 7)


def test_another_epoch_needs_an_announcement() -> None:
    receiver = receiver_at(5)
    assert receiver.take("f", 1, 2, gap=False) == Taken(2, 0, joins=False)
    assert receiver.take("f", 1, 2, gap=True) == Taken(0, None, joins=True)
    assert receiver.cursor == Cursor("f", 2)


def test_a_late_page_of_the_old_epoch_is_ignored() -> None:
    receiver = receiver_at(5)
    receiver.take("f", 1, 2, gap=True)
    assert receiver.take("e", 6, 2, gap=True) == Taken(2, 0, joins=True)
    assert receiver.cursor == Cursor("f", 2)


class Pages(RuleBasedStateMachine):
    """Several pages read one bounded log and send it to one receiver, late, repeatedly, and after cuts."""

    @initialize(max_items=st.integers(1, 6))
    def start(self, max_items: int) -> None:
        self.log: Log[Numbered] = Log(Limits(max_items, 10**9))
        self.receiver = receiver_at(0)
        self.taken: list[int] = []
        self.lost = 0
        self.cursors = [0, 0, 0]
        self.outbox: list[list[tuple[int, int, bool]]] = [[], [], []]

    @rule(n_events=st.integers(1, 9))
    def push(self, n_events: int) -> None:
        for _ in range(n_events):
            self.log.append(Numbered())

    @rule(page=st.integers(0, 2), limit=st.integers(1, 5))
    def page_reads(self, page: int, limit: int) -> None:
        piece = self.log.after(self.cursors[page], limit)
        if piece.items or piece.lost:
            self.outbox[page].append((piece.last - len(piece.items) + 1, len(piece.items), piece.lost > 0))
            self.cursors[page] = piece.last

    @rule(page=st.integers(0, 2), answered=st.booleans())
    def page_sends(self, page: int, answered: bool) -> None:
        for first, n_events, gap in self.outbox[page]:
            before = self.receiver.cursor.sequence
            taken = self.receiver.take("e", first, n_events, gap=gap)
            if not taken.joins:
                self.cursors[page] = before  # `resume`: the page goes back
                self.outbox[page] = []
                return
            self.lost += taken.lost or 0
            self.taken += range(first + taken.skip, first + n_events)
        if answered:  # else the page sends the same again
            self.outbox[page] = []

    @rule(page=st.integers(0, 2))
    def page_is_reloaded(self, page: int) -> None:
        self.cursors[page] = max(self.receiver.cursor.sequence - 2, 0)
        self.outbox[page] = []

    @invariant()
    def each_event_is_taken_once_in_order_or_counted_as_lost(self) -> None:
        if hasattr(self, "taken"):
            assert self.taken == sorted(set(self.taken))
            assert len(self.taken) + self.lost == self.receiver.cursor.sequence


class Numbered:
    size = 1
    time_us = 0


TestPages = Pages.TestCase


@given(st.integers(0, 20), st.integers(1, 20), st.integers(0, 20), st.booleans())
def test_taking_never_moves_back(last: int, first: int, n_events: int, gap: bool) -> None:
    receiver = receiver_at(last)
    taken = receiver.take("e", first, n_events, gap=gap)
    assert receiver.cursor.sequence >= last
    assert 0 <= taken.skip <= n_events
    if taken.joins:
        assert receiver.cursor.sequence == last + (taken.lost or 0) + n_events - taken.skip
