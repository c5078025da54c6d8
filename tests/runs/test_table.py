"""All runs of one session: once, bounded, cancelled, forgotten."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.errors import RequestRefused
from sse_widget.runs.routes import Target
from sse_widget.server.state import Limits
from sse_widget.session import Session
from tests.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sse_widget.runs.run import Run
    from sse_widget.runs.table import Runs

ONE, TWO = Target.of("/one"), Target.of("/two")
LONG_AGO = float("-inf")


@pytest.fixture
def with_limits() -> Iterator[Callable[..., Runs]]:
    sessions = []

    def make(**limits: Any) -> Runs:
        sessions.append(Session(Limits(**limits)))
        runs = sessions[-1].runs
        runs.routes.add("/one", lambda _request: 1)
        runs.routes.add("/big", lambda _request: "x" * 1000)
        return runs

    yield make
    for session in sessions:
        session.close()


def ids(number: int) -> str:
    return f"{number:032x}"


def done(runs: Runs, target: Target = ONE, run_id: str = "") -> Run:
    run, _new = runs.start(target, run_id)
    run.result(10)
    eventually(lambda: run not in runs._working)
    return run


def test_an_id_is_run_once_however_many_ask_at_a_time(with_limits) -> None:
    runs = with_limits()
    calls = []
    runs.routes.add("/two", lambda request: calls.append(request.run))
    barrier = threading.Barrier(8)
    answers = []

    def ask() -> None:
        barrier.wait()
        answers.append(runs.start(TWO, ids(1)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [new for _run, new in answers].count(True) == 1
    assert len({run for run, _new in answers}) == 1
    answers[0][0].result(10)
    assert calls == [ids(1)]


def test_ids_are_made_where_none_is_given(with_limits) -> None:
    runs = with_limits()
    first, second = done(runs), done(runs)
    assert first.id != second.id
    assert len(first.id) == 32
    assert runs.n_started == 2


def test_ended_runs_are_forgotten_after_a_while_and_never_run_again(with_limits) -> None:
    runs = with_limits(ended_run_s=1000)
    run = done(runs, ONE, ids(1))
    assert runs.sweep()
    assert runs.get(run.id) is run
    run.ended_at = LONG_AGO
    assert not runs.sweep()
    assert runs.get(run.id) is None
    assert runs.channel(run.channel.name) is None
    with pytest.raises(RequestRefused, match=f"^expected a run that is still known, got '{run.id}'") as caught:
        runs.start(ONE, run.id)
    assert caught.value.status == 410
    assert runs.n_started == 1


def test_only_so_many_ended_runs_are_kept_the_oldest_go_first(with_limits) -> None:
    runs = with_limits(max_ended_runs=3)
    made = [done(runs) for _ in range(5)]
    assert [runs.get(run.id) is run for run in made] == [False, False, True, True, True]


def test_ended_runs_are_kept_in_so_much_memory(with_limits) -> None:
    runs = with_limits(ended_runs_bytes=3000)
    made = [done(runs, Target.of("/big")) for _ in range(5)]
    assert [runs.get(run.id) is run for run in made] == [False, False, False, True, True]


def test_only_so_many_forgotten_ids_are_remembered(with_limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sse_widget.runs.table.MAX_REMEMBERED_IDS", 2)
    runs = with_limits(max_ended_runs=1)
    for number in range(5):
        done(runs, ONE, ids(number))
    assert list(runs._forgotten) == [ids(2), ids(3)]


def test_what_runs_is_never_forgotten(with_limits) -> None:
    runs = with_limits(max_ended_runs=1)
    go_on = threading.Event()
    runs.routes.add("/two", lambda _request: go_on.wait(10))
    running, _new = runs.start(TWO)
    for _ in range(5):
        done(runs)
    assert runs.get(running.id) is running
    assert runs.running() == [running]
    go_on.set()
    assert running.result(10)[0].data is True


def test_a_run_is_found_by_the_name_of_its_channel(with_limits) -> None:
    runs = with_limits()
    run = done(runs)
    assert runs.channel(f"/one#{run.id}") is run.channel
    assert runs.channel(f"/two#{run.id}") is None
    assert runs.channel("one") is None
    assert repr(run) == f"<Run {run.id} of /one: ended, 1 events>"


def test_a_long_path_makes_a_short_name(with_limits) -> None:
    runs = with_limits()
    runs.routes.add("/two/{rest:path}", lambda _request, rest: rest)
    run = done(runs, Target.of("/two/" + 1000 * "a"))
    assert len(run.channel.name) == 120 + 1 + 32
    assert runs.channel(run.channel.name) is run.channel


def test_asking_for_a_run_renews_its_lease(with_limits) -> None:
    runs = with_limits(run_lease_s=1000)
    go_on = threading.Event()
    runs.routes.add("/two", lambda _request: go_on.wait(10))
    run, _new = runs.start(TWO)
    run.alone_since = LONG_AGO
    runs.channel(run.channel.name)
    assert runs.sweep()
    assert run.state == "running"
    run.alone_since = LONG_AGO
    runs.sweep()
    assert (run.state, runs.n_abandoned) == ("cancelled", 1)
    assert len(runs._working) == 1, "nothing can interrupt it"
    go_on.set()
    eventually(lambda: not runs._working)


def test_a_handler_that_does_not_end_keeps_its_place(with_limits) -> None:
    runs = with_limits(max_runs=1)
    go_on = threading.Event()
    runs.routes.add("/two", lambda _request: go_on.wait(10))
    run, _new = runs.start(TWO)
    run.cancel()
    with pytest.raises(RequestRefused, match=r"^expected at most 1 runs at a time, got one more; try again$"):
        runs.start(ONE)
    go_on.set()
    eventually(lambda: not runs._working)
    assert done(runs).state == "ended"


def test_a_run_that_is_forgotten_while_it_is_asked_for_is_not_run_again(with_limits) -> None:
    runs = with_limits(ended_run_s=1000)
    run = done(runs, ONE, ids(1))

    class Forgetful(dict):  # as another thread would between the look and the lock
        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            self.pop(key, None)
            return found

    runs._runs = Forgetful(runs._runs)
    with pytest.raises(RequestRefused) as caught:
        runs.start(ONE, run.id)
    assert caught.value.status == 410
