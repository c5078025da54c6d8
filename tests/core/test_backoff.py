import math
import re
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_widget.core.backoff import Backoff

FIXED = settings(derandomize=True, deadline=None)


def exactly(message):
    return rf"\A{re.escape(message)}\Z"


def delays(backoff, n):
    for _ in range(n):
        seconds, backoff = backoff.delay()
        yield seconds


def test_the_bound_doubles_from_a_quarter_second_up_to_ten_seconds():
    backoff = Backoff(random=lambda: 1.0)
    assert list(delays(backoff, 8)) == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_jitter_is_full():
    draws = iter([0.0, 0.5, 0.75])
    assert list(delays(Backoff(base_s=1.0, random=lambda: next(draws)), 3)) == [0.0, 1.0, 3.0]


def test_a_delay_changes_nothing_in_the_strategy_it_came_from():
    backoff = Backoff(random=lambda: 1.0)
    assert backoff.delay() == backoff.delay()
    with pytest.raises(FrozenInstanceError):
        backoff.base_s = 1.0


def test_reset_forgets_the_growth_and_keeps_the_rest():
    first = Backoff(base_s=2.0, max_s=7.0, factor=3.0, random=lambda: 1.0)
    _, later = first.delay()
    assert later != first
    assert later.delay()[0] == 6.0
    assert later.reset() == first


def test_a_factor_of_one_keeps_the_bound():
    assert list(delays(Backoff(factor=1.0, random=lambda: 1.0), 3)) == [0.25] * 3


def test_growth_beyond_all_numbers_leaves_the_delay_bounded():
    backoff = Backoff(factor=1e300, random=lambda: 1.0)
    assert list(delays(backoff, 5)) == [0.25, 10.0, 10.0, 10.0, 10.0]


def test_by_default_chance_is_pythons_own():
    assert all(0 <= seconds < 10 for seconds in delays(Backoff(), 50))


@FIXED
@given(
    base_s=st.floats(1e-6, 100),
    more_s=st.floats(0, 100),
    factor=st.floats(1, 1e10),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_every_delay_is_within_its_bounds(base_s, more_s, factor, chance):
    backoff = Backoff(base_s, base_s + more_s, factor, random=lambda: chance)
    seconds = list(delays(backoff, 40))
    assert seconds == sorted(seconds)
    assert seconds[0] == chance * base_s
    assert all(0 <= s <= base_s + more_s for s in seconds)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"base_s": 0}, "expected 0 < base_s <= max_s < inf, got 0 and 10.0"),
        ({"base_s": -1.0}, "expected 0 < base_s <= max_s < inf, got -1.0 and 10.0"),
        ({"base_s": 11.0}, "expected 0 < base_s <= max_s < inf, got 11.0 and 10.0"),
        ({"base_s": math.nan}, "expected 0 < base_s <= max_s < inf, got nan and 10.0"),
        ({"max_s": math.inf}, "expected 0 < base_s <= max_s < inf, got 0.25 and inf"),
        ({"factor": 0.5}, "expected 1 <= factor < inf, got 0.5"),
        ({"factor": math.inf}, "expected 1 <= factor < inf, got inf"),
        ({"factor": math.nan}, "expected 1 <= factor < inf, got nan"),
    ],
)
def test_a_strategy_that_would_not_wait_or_wait_for_ever_cannot_be_built(values, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Backoff(**values)
