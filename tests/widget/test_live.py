"""Traits that are looked up when they are read."""

from __future__ import annotations

from typing import Any

import pytest
import traitlets

from sse_widget.widget.live import EVENT_TRAITS, LIVE_TRAITS, STATE_TRAITS, Live, LiveTraits


class Clock(LiveTraits):
    now = Live(lambda self: self.ticks, "How late it is.")
    other = traitlets.Int()

    ticks = 0

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Any]] = []

    @traitlets.observe("now")
    def _on_now(self, change: traitlets.Bunch) -> None:
        self.heard.append(("decorated", change.new))


def fail(error: BaseException) -> None:
    raise AssertionError(error)


def test_a_live_trait_always_shows_the_newest_value() -> None:
    clock = Clock()
    assert clock.now == 0
    clock.ticks = 5
    assert clock.now == 5
    assert clock.trait_values()["now"] == 5


def test_it_cannot_be_set() -> None:
    with pytest.raises(traitlets.TraitError, match=r'^The "now" trait is read-only\.$'):
        Clock().now = 1


def test_its_help_is_there() -> None:
    assert Clock.now.help == "How late it is."


def test_telling_calls_all_who_observe_the_trait_and_nobody_else() -> None:
    clock, heard = Clock(), []
    clock.observe(lambda change: heard.append(("by name", change)), "now")
    clock.observe(lambda change: heard.append(("all names", change)))
    clock.observe(lambda change: heard.append(("all types", change)), "now", traitlets.All)
    clock.observe(lambda change: heard.append(("other", change)), "other")
    clock.observe(lambda change: heard.append(("other type", change)), "now", "delete")
    clock.tell("now", 1, 2, fail)
    assert [who for who, _ in heard] == ["by name", "all types", "all names"]
    assert clock.heard == [("decorated", 2)]
    change = heard[0][1]
    assert (change.name, change.old, change.new, change.owner, change.type) == ("now", 1, 2, clock, "change")


def test_observers_are_known_by_name() -> None:
    clock = Clock()
    assert len(clock.observers_of("now")) == 1  # the decorated one
    assert clock.observers_of("other") == []
    clock.observe(print)
    assert clock.observers_of("other") == [print]


def test_an_observer_that_raises_does_not_stop_the_others() -> None:
    clock, heard, failed = Clock(), [], []

    def bad(_change: object) -> None:
        raise SystemExit("out")

    clock.observe(bad, "now")
    clock.observe(lambda change: heard.append(change.new), "now")
    clock.tell("now", 1, 2, failed.append)
    assert heard == [2]
    assert [type(error) for error in failed] == [SystemExit]


def test_an_interrupt_is_not_an_error_of_the_observer() -> None:
    clock = Clock()

    def interrupted(_change: object) -> None:
        raise KeyboardInterrupt

    clock.observe(interrupted, "now")
    with pytest.raises(KeyboardInterrupt):
        clock.tell("now", 1, 2, fail)


def test_the_lists_of_traits_fit_together() -> None:
    assert LIVE_TRAITS == EVENT_TRAITS + STATE_TRAITS
    assert len(set(LIVE_TRAITS)) == len(LIVE_TRAITS)
