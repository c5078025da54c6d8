"""Leases of the comm: no clock and no thread, so a cell takes as long as the test says."""

from __future__ import annotations

import pytest

from sse_widget.server.leases import GRACE_S, LEASE_S, Leases


class Kernel:
    """A main thread that is asked, and runs a cell or does not; one page; a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = False
        self.busy = False
        self.n_asked = 0
        self.left: list[str] = []
        self.leases = Leases(self.ask)

    def ask(self) -> None:
        assert not self.asked
        self.asked, self.n_asked = True, self.n_asked + 1

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1
            self.left += self.leases.sweep(self.now)
            self.is_free()

    def is_free(self) -> None:
        """Answer, if no cell runs."""
        if self.asked and not self.busy:
            self.asked = False
            self.leases.answered(self.now)

    def says(self, *, carry: bool = True) -> None:
        self.leases.report("page", carry=carry, now=self.now)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def test_a_page_that_says_nothing_while_the_main_thread_is_free_has_left(kernel: Kernel) -> None:
    kernel.says()
    kernel.passes(LEASE_S)
    assert (kernel.left, kernel.leases.carry) == ([], True)
    kernel.passes(1)
    assert (kernel.left, bool(kernel.leases)) == (["page"], False)
    kernel.passes(LEASE_S)
    assert kernel.left == ["page"]


def test_a_page_that_speaks_keeps_its_lease_and_troubles_nobody(kernel: Kernel) -> None:
    for _ in range(20):
        kernel.says()
        kernel.passes(15)
    assert (kernel.left, kernel.leases.carry, kernel.n_asked) == ([], True, 0)


@pytest.mark.parametrize("begins_after_s", [0, 15, 25, 40])
def test_no_lease_ends_while_a_cell_runs(kernel: Kernel, begins_after_s: float) -> None:
    kernel.says()
    kernel.passes(begins_after_s)
    kernel.busy = True
    kernel.passes(600)
    assert (kernel.left, kernel.leases.carry) == ([], True)


def test_after_a_cell_what_the_page_has_said_meanwhile_is_waited_for(kernel: Kernel) -> None:
    kernel.says()
    kernel.busy = True
    kernel.passes(600)
    kernel.busy = False
    kernel.is_free()
    kernel.passes(GRACE_S - 1)
    assert kernel.left == []
    kernel.says()
    kernel.passes(LEASE_S)
    assert kernel.left == []


def test_after_a_cell_a_page_that_has_left_in_it_is_noticed(kernel: Kernel) -> None:
    kernel.says()
    kernel.busy = True
    kernel.passes(600)
    kernel.busy = False
    kernel.is_free()
    kernel.passes(GRACE_S + 1)
    assert kernel.left == ["page"]


def test_many_short_cells_in_a_row_are_like_a_long_one(kernel: Kernel) -> None:
    """They were asked for before the page said anything, and come first."""
    kernel.says()
    for _ in range(100):
        kernel.busy = True
        kernel.passes(2)
        kernel.busy = False
        kernel.is_free()
    assert kernel.left == []


def test_who_does_not_need_the_comm_is_not_missed(kernel: Kernel) -> None:
    kernel.says(carry=False)
    assert (bool(kernel.leases), kernel.leases.carry) == (True, False)
    kernel.passes(LEASE_S + 1)
    assert (kernel.left, bool(kernel.leases)) == ([], False)


def test_who_has_gone_is_forgotten_but_not_who_has_just_come(kernel: Kernel) -> None:
    kernel.says()
    kernel.leases.forget("page")
    assert kernel.leases.carry
    kernel.says(carry=False)
    kernel.leases.forget("page")
    kernel.leases.forget("page")
    assert not kernel.leases
