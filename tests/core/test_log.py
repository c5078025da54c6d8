"""The bounded log: positions, bounds, and losses that add up."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.log import Limits, Log


class Item(NamedTuple):
    value: int
    size: int = 1
    time_us: int = 0


def log_of(n_items: int, **limits: int) -> Log[Item]:
    log: Log[Item] = Log(Limits(**{"max_items": 1000, "max_bytes": 10**9, **limits}))
    for value in range(1, n_items + 1):
        log.append(Item(value))
    return log


def values(items: list[Item]) -> list[int]:
    return [item.value for item in items]


def test_after_the_newest_position_nothing_follows() -> None:
    assert log_of(5).after(5) == ([], 0, 5)


def test_after_zero_follows_everything() -> None:
    piece = log_of(3).after(0)
    assert (values(piece.items), piece.lost, piece.last) == ([1, 2, 3], 0, 3)


def test_a_position_before_the_oldest_tells_how_many_are_lost() -> None:
    piece = log_of(10, max_items=4).after(2)
    assert (values(piece.items), piece.lost, piece.last) == ([7, 8, 9, 10], 4, 10)


def test_an_empty_log_has_no_oldest() -> None:
    log = log_of(0)
    assert (len(log), log.oldest, log.newest, log.after(0)) == (0, 1, 0, ([], 0, 0))


def test_max_items_of_a_slice_leaves_the_rest_for_the_next_one() -> None:
    log = log_of(5)
    first = log.after(0, max_items=2)
    assert (values(first.items), first.last) == ([1, 2], 2)
    assert values(log.after(first.last, max_items=9).items) == [3, 4, 5]


def test_max_bytes_of_a_slice_lets_at_least_one_through() -> None:
    log: Log[Item] = Log(Limits(10, 100))
    for value in range(3):
        log.append(Item(value, size=30))
    assert values(log.after(0, max_bytes=60).items) == [0, 1]
    assert values(log.after(0, max_bytes=10).items) == [0]


def test_the_newest_item_stays_even_if_it_is_larger_than_the_bound() -> None:
    log: Log[Item] = Log(Limits(10, 100))
    log.append(Item(1, size=60))
    log.append(Item(2, size=500))
    assert (values(log.after(0).items), log.n_bytes, log.dropped) == ([2], 500, 1)


def test_old_items_leave_when_a_newer_one_comes_and_when_asked() -> None:
    log: Log[Item] = Log(Limits(10, 100, max_age_us=10))
    for time_us in (0, 5, 12):
        log.append(Item(time_us, time_us=time_us))
    assert values(log.after(0).items) == [5, 12]
    log.expire(100)
    assert (len(log), log.after(1)) == (0, ([], 2, 3))


def test_expiring_without_an_age_drops_nothing() -> None:
    log = log_of(3)
    log.expire(10**18)
    assert len(log) == 3


def test_clearing_keeps_the_positions() -> None:
    log = log_of(3)
    log.clear()
    log.append(Item(4))
    piece = log.after(1)
    assert (values(piece.items), piece.lost, piece.last, log.n_bytes) == ([4], 2, 4, 1)


def test_smaller_limits_drop_at_once() -> None:
    log = log_of(10)
    log.limits = Limits(2, 10**9)
    assert values(log.after(0).items) == [9, 10]
    assert log.limits == Limits(2, 10**9)


@pytest.mark.parametrize("limits", [Limits(0, 1), Limits(1, 0), Limits(1, 1, 0), Limits(True, 1), Limits(1.5, 1)])  # type: ignore[arg-type]
def test_limits_that_make_no_sense_are_refused(limits: Limits) -> None:
    with pytest.raises(ValueError, match=r"^expected max_\w+ to be a whole number of at least 1, got "):
        Log(limits)


def test_a_bad_limit_leaves_the_old_ones() -> None:
    log = log_of(3)
    before = log.limits
    with pytest.raises(ValueError, match="max_items"):
        log.limits = Limits(0, 1)
    assert (log.limits, len(log)) == (before, 3)


def test_dropping_for_long_keeps_the_storage_short() -> None:
    log = log_of(50_000, max_items=10)
    assert values(log.after(0).items) == list(range(49_991, 50_001))
    assert len(log._items) < 3000


@given(
    st.integers(1, 8),
    st.integers(1, 40),
    st.lists(st.integers(1, 10), max_size=60),
    st.data(),
)
def test_a_slice_never_repeats_and_never_hides_a_loss(
    max_items: int, max_bytes: int, sizes: list[int], data: st.DataObject
) -> None:
    log: Log[Item] = Log(Limits(max_items, max_bytes))
    for value, size in enumerate(sizes, 1):
        assert log.append(Item(value, size)) == value
        assert len(log) <= max_items
        assert log.n_bytes <= max_bytes or len(log) == 1
    seen = data.draw(st.integers(0, len(sizes)))
    piece = log.after(seen, data.draw(st.none() | st.integers(1, 5)), data.draw(st.none() | st.integers(1, 30)))
    assert values(piece.items) == list(range(seen + piece.lost + 1, piece.last + 1))
    assert log.dropped + len(log) == len(sizes)
    assert bool(piece.items) == (log.newest > seen and len(log) > 0)


@given(
    st.lists(st.integers(1, 9), max_size=30),
    st.lists(st.integers(1, 9), min_size=1, max_size=10),
    st.integers(1, 20),
    st.integers(1, 60),
)
def test_what_would_be_dropped_is_what_is_dropped(held: list[int], come: list[int], items: int, n_bytes: int) -> None:
    log: Log[Item] = Log(Limits(items, n_bytes))
    for size in held:
        log.append(Item(0, size))
    foreseen = log.dropped_by(len(come), sum(come))
    newest = log.newest
    for size in come:
        log.append(Item(0, size))
    # Of what was there before: the new ones may have to go, too, but who waits has read none of them.
    assert foreseen == min(log.oldest - 1, newest)
