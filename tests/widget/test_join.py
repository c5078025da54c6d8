"""How a reader of a feed's log goes on from its cursor."""

from __future__ import annotations

import pytest

from sse_widget.core.cursor import Cursor
from sse_widget.core.event import Event, Gap
from sse_widget.core.log import Slice
from sse_widget.widget.join import Losses, join


def event(sequence: int, epoch: str = "e") -> Event:
    return Event(sequence, id=f"{epoch}-{sequence}")


def gap(lost: int | None, end: int, epoch: str = "e") -> Gap:
    return Gap.between(lost, "c", Cursor(epoch, end))


def announced(lost: int | None, sequence: int, epoch: str = "e") -> Gap:
    return Gap.between(lost, "c", Cursor(epoch, sequence), time_us=1)


@pytest.mark.parametrize(
    ("items", "cursor", "events", "then"),
    [
        ([], ("e", 5), [], ("e", 5)),
        ([event(6), event(7)], ("e", 5), [event(6), event(7)], ("e", 7)),
        ([event(4), event(5), event(6)], ("e", 5), [event(6)], ("e", 6)),
        ([event(9)], ("e", 5), [gap(3, 8), event(9)], ("e", 9)),
        ([gap(3, 8), event(9)], ("e", 5), [gap(3, 8), event(9)], ("e", 9)),
        ([gap(5, 8), event(9)], ("e", 5), [gap(3, 8), event(9)], ("e", 9)),  # it began before this reader did
        ([gap(1, 8), event(9)], ("e", 5), [gap(3, 8), event(9)], ("e", 9)),  # and what was dropped before it
        ([gap(5, 8)], ("e", 8), [], ("e", 8)),
        ([gap(5, 8)], ("e", 9), [], ("e", 9)),
        ([gap(None, 4, "f"), event(5, "f")], ("e", 9), [gap(None, 4, "f"), event(5, "f")], ("f", 5)),
        ([event(5, "f")], ("e", 9), [gap(None, 4, "f"), event(5, "f")], ("f", 5)),  # its gap was dropped
        ([gap(2, 4, "f"), event(5, "f")], ("e", 9), [gap(None, 4, "f"), event(5, "f")], ("f", 5)),
        ([announced(9, 6), event(7)], ("e", 5), [announced(9, 6), event(7)], ("e", 7)),
        ([announced(9, 6), event(7)], ("e", 6), [event(7)], ("e", 7)),
        ([announced(9, 8)], ("e", 5), [gap(2, 7), announced(9, 8)], ("e", 8)),
        ([announced(None, 1, "f")], ("e", 5), [gap(None, 0, "f"), announced(None, 1, "f")], ("f", 1)),
        ([event(30)], ("e", 10), [gap(None, 29), event(30)], ("e", 30)),  # a loss at 20 was dropped
        ([event(30)], ("e", 20), [gap(9, 29), event(30)], ("e", 30)),
        ([gap(None, 29), event(30)], ("e", 10), [gap(None, 29), event(30)], ("e", 30)),
        ([event(20)], ("e", 19), [event(20)], ("e", 20)),
        ([gap(None, 4, "f"), event(5, "f")], ("f", 0), [gap(4, 4, "f"), event(5, "f")], ("f", 5)),
    ],
)
def test_a_reader_is_told_what_follows_its_cursor_and_what_it_lacks(
    items: list[Event], cursor: tuple[str, int], events: list[Event], then: tuple[str, int]
) -> None:
    losses = Losses()
    losses.add(Cursor("e", 20))
    assert join("c", losses, Slice(items, 0, 0), Cursor(*cursor)) == (events, Cursor(*then))


def test_losses_of_epochs_long_gone_are_forgotten() -> None:
    losses = Losses()
    for number in range(20):
        losses.add(Cursor(f"e{number}", 5))
        losses.add(Cursor(f"e{number}", 8))
    assert losses.between(Cursor("e19", 4), 5)
    assert not losses.between(Cursor("e19", 5), 7)
    assert not losses.between(Cursor("e0", 4), 5)  # no reader is there any more
    assert len(losses._epochs) == 16
