"""Whose thread is this, where marimo runs many visitors in one process? tests/e2e/hosts asks marimo itself."""

from __future__ import annotations

import gc
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

import sse_widget.session
from sse_widget.marimo import Visitors, when_over
from sse_widget.session import Session
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Registry:
    """A part of a context, shared by its copies."""


class Marimo:
    """The two modules of marimo that are looked at."""

    def __init__(self) -> None:
        self.local = threading.local()
        self.context = SimpleNamespace(
            runtime_context_installed=lambda: hasattr(self.local, "context"), get_context=lambda: self.local.context
        )
        self.threads = SimpleNamespace(is_marimo_thread=lambda: getattr(self.local, "is_marimos", False))

    def enter(self, visitor: object, mode: str = "run", *, is_marimos: bool = False) -> None:
        """Let this thread run a visitor's cells, or be a `mo.Thread` of his."""
        self.local.context = SimpleNamespace(session_mode=mode, app_kernel_runner_registry=visitor)
        self.local.is_marimos = is_marimos


@pytest.fixture
def marimo(monkeypatch: pytest.MonkeyPatch) -> Marimo:
    made = Marimo()
    monkeypatch.setitem(sys.modules, "marimo._runtime.context", made.context)
    monkeypatch.setitem(sys.modules, "marimo._runtime.threads", made.threads)
    return made


@pytest.fixture
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in which nobody has asked for a session yet."""
    monkeypatch.setattr(sse_widget.session, "_current", None)
    monkeypatch.setattr(sse_widget.session, "_visitors", Visitors(Session))
    yield
    made = sse_widget.session._current
    if made is not None:
        made.close()


def in_thread(function: Callable[[], T]) -> T:
    """Call it on another thread, and return or raise what it does."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((function(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            done.append((None, error))

    thread = threading.Thread(target=run, name="plain")
    thread.start()
    thread.join(10)
    result, error = done[0]
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def session_of(marimo: Marimo, visitor: object, *, is_marimos: bool = False) -> Session:
    """Return what `current` says on a thread of a visitor's, which ends then."""

    def run() -> Session:
        marimo.enter(visitor, is_marimos=is_marimos)
        return sse_widget.session.current()

    return in_thread(run)


def test_without_marimo_there_are_no_visitors() -> None:
    assert "marimo._runtime.context" not in sys.modules
    assert Visitors(Session).find() is None
    assert in_thread(Visitors(Session).find) is None


@pytest.mark.parametrize("mode", ["edit", None])
def test_a_notebook_that_is_edited_or_run_as_a_script_has_its_process_for_itself(marimo: Marimo, mode: Any) -> None:
    visitors = Visitors(Session)
    marimo.enter(object(), mode)
    assert visitors.find() is None
    assert in_thread(visitors.find) is None


def test_a_kernel_that_has_only_imported_marimo_has_no_visitors(marimo: Marimo) -> None:
    assert not marimo.context.runtime_context_installed()
    assert Visitors(Session).find() is None


def test_a_visitors_thread_is_known_and_a_plain_one_is_refused_with_what_to_do(marimo: Marimo) -> None:
    visitors, visitor = Visitors(Session), Registry()
    marimo.enter(visitor)
    assert visitors.find() is visitor
    with pytest.raises(RuntimeError) as error:
        in_thread(visitors.find)
    assert str(error.value) == (
        "expected a thread of marimo's, which runs one process for all visitors of an app, "
        "got 'plain', which may be anybody's; "
        "make channels and widgets in a cell and use them here, or start this thread as a marimo.Thread"
    )


def test_a_plain_thread_is_refused_even_if_it_is_the_first_to_ask(marimo: Marimo) -> None:
    marimo.enter(Registry())
    visitors = Visitors(Session)  # imported in a cell
    with pytest.raises(RuntimeError):
        in_thread(visitors.find)


@pytest.mark.usefixtures("_fresh")
def test_two_visitors_share_nothing_and_each_has_one_session(marimo: Marimo) -> None:
    one, two = Registry(), Registry()
    done = threading.Event()
    got: list[Session] = []

    def cells(visitor: object) -> None:
        marimo.enter(visitor)
        got.append(sse_widget.session.current())
        assert sse_widget.channel("prices") is sse_widget.channel("prices")
        done.wait(10)

    threads = [threading.Thread(target=cells, args=(visitor,)) for visitor in (one, two)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(got) == 2)
    first, second = got
    assert first is not second
    assert {session_of(marimo, visitor, is_marimos=True) for visitor in (one, two)} == {first, second}
    with pytest.raises(RuntimeError):
        in_thread(sse_widget.session.current)
    assert sse_widget.session._current is None
    done.set()
    for thread in threads:
        thread.join(10)


@pytest.mark.usefixtures("_fresh")
def test_the_session_ends_with_the_thread_that_runs_its_visitors_cells(marimo: Marimo) -> None:
    visitor = Registry()

    def cells() -> Any:
        marimo.enter(visitor)
        return sse_widget.channel("prices")

    prices = in_thread(cells)
    eventually(lambda: prices.closed, "the channel of a visitor who has gone to be closed")


@pytest.mark.usefixtures("_fresh")
def test_the_session_does_not_end_with_a_thread_that_a_cell_has_started(marimo: Marimo) -> None:
    visitor = Registry()
    session = session_of(marimo, visitor, is_marimos=True)
    prices = session.hub.channel("prices")
    assert session_of(marimo, visitor, is_marimos=True) is session
    assert not prices.closed
    del visitor  # but with all that is the visitor's
    gc.collect()
    eventually(lambda: prices.closed, "the channel of a visitor who has gone to be closed")


def test_it_ends_once_and_where_it_can_wait(marimo: Marimo) -> None:
    visitor: Any = Registry()
    ends: list[str] = []
    marimo.enter(visitor, is_marimos=True)
    when_over(visitor, lambda: ends.append(threading.current_thread().name))
    del visitor, marimo.local.context
    gc.collect()
    eventually(lambda: ends == ["sse_widget visitor"])
