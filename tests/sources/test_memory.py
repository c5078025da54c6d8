"""What a relay takes, leaves out and misses, judged by the ids that an upstream gives."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.core.wire import ServerSentEvent
from sse_widget.sources.memory import MAX_REMEMBERED, Memory, Verdict

TAKE, REPEATED, UNKNOWN = Verdict(take=True), Verdict(take=False), Verdict(take=True, lost=None)


def event(id_: str, data: str = "") -> ServerSentEvent:
    return ServerSentEvent("message", data or f"data of {id_}", id_)


def judged(memory: Memory, *ids: str) -> list[Verdict]:
    return [memory.judge(event(id_)) for id_ in ids]


def connected(*ids: str) -> Memory:
    """Return the memory of a relay whose connection has brought these, and broken."""
    memory = Memory()
    assert memory.opened() == TAKE
    assert judged(memory, *ids) == [TAKE] * len(ids)
    return memory


# Before the first event of a connection


def test_the_first_connection_misses_nothing_and_neither_does_one_that_goes_on_behind_an_id() -> None:
    memory = connected("a", "b")
    assert memory.resumable
    assert memory.opened() == TAKE


@pytest.mark.parametrize("ids", [[], [""], ["a", ""], ["a", "a"]], ids=["none", "without", "then without", "twice"])
def test_without_an_id_for_the_last_event_nobody_knows_what_is_missing(ids: list[str]) -> None:
    memory = connected(*ids)
    assert not memory.resumable
    assert memory.opened() == UNKNOWN


def test_an_id_without_an_event_is_a_place_to_go_on_from() -> None:
    memory = connected()
    memory.moved("a")
    assert memory.opened() == TAKE
    memory.moved("")
    assert memory.opened() == UNKNOWN


def test_a_cursor_that_has_not_moved_changes_nothing() -> None:
    memory = connected("a", "a")
    memory.moved("a")
    assert not memory.resumable


# What comes again


def test_what_an_upstream_sends_again_is_left_out_until_something_new_comes() -> None:
    memory = connected("a", "b", "c")
    memory.opened()
    assert judged(memory, "a", "b", "c", "d", "e") == [REPEATED] * 3 + [TAKE] * 2


def test_the_last_event_alone_may_come_again() -> None:
    memory = connected("a")
    memory.opened()
    assert judged(memory, "a", "b") == [REPEATED, TAKE]


def test_an_event_without_an_id_is_new_though_it_carries_the_last_one() -> None:
    memory = connected("a")
    assert memory.judge(event("a", "without")) == TAKE
    assert memory.opened() == UNKNOWN
    assert memory.judge(event("a", "another")) == TAKE
    assert not memory.resumable
    assert memory.judge(event("", "none")) == TAKE


def test_an_id_with_another_content_says_that_the_numbering_has_begun_anew() -> None:
    memory = connected("1", "2", "3")
    memory.opened()
    assert memory.judge(event("1", "of a new life")) == UNKNOWN
    assert judged(memory, "2", "3", "4") == [TAKE] * 3  # and they are no repeats
    assert memory.resumable


def test_the_last_id_with_another_content_is_of_a_new_life_where_every_event_had_an_id() -> None:
    memory = connected("1")
    assert memory.opened() == TAKE
    assert memory.judge(event("1", "of a new life")) == UNKNOWN
    assert memory.judge(event("2")) == TAKE


def test_where_ids_are_given_twice_they_identify_nothing() -> None:
    memory = connected("a", "b", "a", "b")
    assert not memory.resumable
    assert memory.opened() == UNKNOWN
    assert judged(memory, "a", "b", "a") == [TAKE] * 3


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    ids = [f"x{number}y" for number in range(MAX_REMEMBERED + 100)]
    memory = connected(*ids)
    assert len(memory._seen) == MAX_REMEMBERED
    memory.opened()
    assert set(judged(memory, *ids[-1000:])) == {REPEATED}


# What is missing


def test_where_ids_count_up_a_jump_over_a_reconnect_is_a_number_of_lost_events() -> None:
    memory = connected("7-1", "7-2", "7-3", "7-4")
    memory.opened()
    assert memory.judge(event("7-5")) == TAKE
    memory.opened()
    assert memory.judge(event("7-9")) == Verdict(take=True, lost=3)
    memory.opened()
    assert memory.judge(event("8-1")) == UNKNOWN  # another life


def test_ids_that_did_not_count_up_say_nothing_of_a_jump() -> None:
    for ids in (["1", "2"], ["1", "2", "3", "7", "8", "9", "10"], ["b1", "c2", "d3", "e4"], ["a", "b", "c", "d"]):
        memory = connected(*ids)
        memory.opened()
        assert memory.judge(event("99")) == TAKE


def test_a_jump_that_the_upstream_has_announced_or_the_relay_has_made_is_no_second_loss() -> None:
    memory = connected("1", "2", "3", "4")
    memory.opened()
    assert memory.judge(ServerSentEvent("gap", '{"lost": 5}', "9"), jumps=True) == TAKE
    assert memory.judge(event("10")) == TAKE
    memory.skipped()  # 11 was too large
    assert memory.judge(event("12")) == TAKE
    memory.opened()
    assert memory.judge(event("14")) == Verdict(take=True, lost=1)


@given(st.integers(0, 10_000), st.booleans())
def test_over_any_cuts_each_event_is_taken_once_in_order_or_counted_as_lost(seed: int, forgets: bool) -> None:
    """An upstream numbers its events, keeps some, and sends from any place that it thinks the reader needs."""
    rng = random.Random(seed)
    memory, taken, lost, newest, at, gone = Memory(), 0, 0, 4, 0, 0
    for _ in range(20):
        assert memory.opened().lost == 0
        newest += rng.randrange(6)
        if forgets and at and not rng.randrange(3):  # for good: what it has not sent by now, it never will
            gone = max(gone, at + rng.randrange(3))
            newest = max(newest, gone)
        start = max(gone, at - rng.randrange(4)) if at else 0
        stop = rng.randrange(start, newest + 1) if at else 4
        for number in range(start + 1, stop + 1):
            verdict = memory.judge(event(str(number)))
            lost += verdict.lost or 0
            taken += verdict.take
            if verdict.take:
                assert taken + lost == number
                at = number
        memory.moved(str(at))
