"""Where announced losses lie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.gaps import MAX_PLACES, GapPlaces


def test_there_is_none_before_the_first() -> None:
    places = GapPlaces()
    assert not places
    assert not places.between(0, 10**9)


@given(st.sets(st.integers(1, 60)), st.integers(0, 60), st.integers(0, 60))
def test_a_place_is_found_exactly_in_the_stretches_that_hold_it(held: set[int], after: int, until: int) -> None:
    places = GapPlaces()
    for place in sorted(held):
        places.add(place)
    assert bool(places) == bool(held)
    assert places.between(after, until) == any(after < place <= until for place in held)


def test_old_places_cost_no_memory_and_are_never_denied() -> None:
    places = GapPlaces()
    for place in range(10, 100 * MAX_PLACES, 10):
        places.add(place)
    assert len(places._places) <= MAX_PLACES
    assert places.between(9, 10)
    newest = 100 * MAX_PLACES // 10 * 10 - 10
    assert places.between(newest - 1, newest)
    assert not places.between(newest - 10, newest - 1)


def test_where_nothing_is_missing_there_is_none_however_long_ago_it_was() -> None:
    places = GapPlaces()
    for place in range(1, 2 * MAX_PLACES):
        places.add(place)
    assert places.between(0, 1)
    assert not places.between(1, 1)
