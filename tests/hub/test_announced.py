"""Losses that come with the stream: a feeder announces them, and every reader takes them for a gap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import MAX_LOST, Event, Gap
from sse_widget.errors import ChannelClosed
from sse_widget.session import Session

if TYPE_CHECKING:
    from sse_widget.hub.subscription import Subscription


@pytest.mark.parametrize("lost", [1, 900, None])
def test_a_loss_has_its_place_in_the_order_of_events(session: Session, lost: int | None) -> None:
    channel = session.hub.channel("c")
    reader = channel.subscribe()
    before, gap, after = channel.push(1), channel.announce(lost), channel.push(2)
    assert [reader.next(0) for _ in range(3)] == [before, gap, after]
    assert (gap.type, gap.lost, gap.in_band, gap.id) == ("gap", lost, True, f"{channel.epoch}-2")
    assert gap.time > 0
    assert reader.lost == (lost or 0)
    assert channel.since(before) == [gap, after]
    assert channel.history == [before, after]
    assert not Gap.between(lost, "c", Cursor(channel.epoch, 1)).in_band


def test_a_wait_passes_over_a_loss(session: Session) -> None:
    channel = session.hub.channel("c")
    reader = channel.subscribe()
    channel.announce(3)
    event = channel.push("x")
    assert reader.wait(timeout=0) == event


@pytest.mark.parametrize("lost", [0, -1, MAX_LOST + 1])
def test_a_loss_of_no_events_is_none(session: Session, lost: int) -> None:
    channel = session.hub.channel("c")
    message = f"expected a number of lost events from 1 to {MAX_LOST}, or None, got {lost}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        channel.announce(lost)
    assert channel.stats().pushed == 0


def test_a_closed_channel_takes_no_loss(session: Session) -> None:
    channel = session.hub.channel("c")
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.announce(1)


def test_users_cannot_push_one(session: Session) -> None:
    channel = session.hub.channel("c")
    gap = channel.announce(1)
    with pytest.raises(ValueError, match="expected a type other than the stream's own"):
        channel.push(gap)


def test_who_has_lost_a_loss_is_not_told_a_number_that_is_too_small(session: Session) -> None:
    channel = session.hub.channel("c", history=2)
    first = channel.push(0)
    reader, late = channel.subscribe(), channel.subscribe()
    channel.announce(900)
    kept = channel.push_many([1, 2])
    gap = reader.next(0)
    assert isinstance(gap, Gap)
    assert gap.lost is None  # one item was dropped, and it stood for 900
    assert channel.since(first)[0] == gap
    channel.push_many([3, 4])
    assert [event.data for event in reader.take_all()] == [1, 2, 3, 4]  # the first two it had already
    numbered = channel.since(kept[0])
    assert isinstance(numbered[0], Gap)
    assert numbered[0].lost == 1  # none of what this reader lacks was a loss
    assert isinstance(missed := late.next(0), Gap)
    assert missed.lost is None


STEPS = st.lists(st.integers(1, 5) | st.integers(-5, -1) | st.just(0), max_size=40)


def read(reader: Subscription) -> tuple[int, int, bool]:
    """Return how many events and known losses there were, and whether a number was missing."""
    items: list[Event] = reader.take_all()
    gaps = [item for item in items if isinstance(item, Gap)]
    return len(items) - len(gaps), sum(gap.lost or 0 for gap in gaps), any(gap.lost is None for gap in gaps)


@given(STEPS, st.integers(1, 8))
def test_events_and_losses_add_up_to_what_there_was_or_the_reader_is_told_that_nobody_knows(
    steps: list[int], history: int
) -> None:
    """`n > 0`: so many are pushed; `n < 0`: so many are announced as lost; 0: one of the readers reads."""
    session = Session()
    channel = session.hub.channel("c", history=history)
    often, once = channel.subscribe(), channel.subscribe()
    total, seen, lost, unsure = 0, 0, 0, False
    for step in [*steps, 0]:
        total += abs(step)
        if step > 0:
            channel.push_many(range(step))
        elif step < 0:
            channel.announce(-step)
        else:
            more = read(often)
            seen, lost, unsure = seen + more[0], lost + more[1], unsure or more[2]
            assert seen + lost == total if not unsure else seen + lost < total
    seen, lost, unsure = read(once)
    assert seen + lost == total if not unsure else seen + lost < total
    session.close()
