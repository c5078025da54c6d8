"""What the benchmarks make of their measurements; the measuring itself is `make bench-quick`."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks import report as reports
from benchmarks.report import END, START, Report, Row, write_readme
from benchmarks.round_trip import WAYS, ours, trait
from benchmarks.round_trip.arrivals import Arrivals, Outcome

OURS = Row(name=ours.NAME, page=2000, python=2000, in_order=True, seconds=0.5)
TRAIT = Row(name=trait.NAME, page=2000, python=2, in_order=True, seconds=1.0)
REPORT = Report(events=2000, rows=[OURS, TRAIT], versions={"python": "3.11.7"})


def arrivals(count: int, at: float, *, in_order: bool = True) -> Arrivals:
    return Arrivals(count=count, in_order=in_order, at=at)


def test_row_takes_the_time_to_the_last_arrival_and_the_order_of_both_ends() -> None:
    outcome = Outcome(started=100.0, page=arrivals(10, 101.0), python=arrivals(9, 102.5, in_order=False))
    assert Row.of("way", outcome) == Row(name="way", page=10, python=9, in_order=False, seconds=2.5)


def test_row_of_a_way_that_does_not_go_to_python() -> None:
    row = Row.of("way", Outcome(started=100.0, page=arrivals(10, 102.0), python=None))
    assert (row.python, row.seconds, row.per_second) == (None, 2.0, 5.0)


def test_table_counts_what_got_to_the_end_against_ours() -> None:
    assert REPORT.markdown().splitlines()[2:] == [
        f"| {ours.NAME} | 2,000 | 2,000 | yes | 0.5 | 1 |",
        f"| {trait.NAME} | 2,000 | 2 | yes | 1.0 | 1/2,000 |",
        "",
        "Measured with python 3.11.7.",
    ]


@pytest.mark.parametrize("change", [{"page": 1999}, {"python": 2001}, {"in_order": False}])
def test_wrong_count_or_order_of_ours_is_told(change: dict[str, object]) -> None:
    assert REPORT.wrong() == ""
    assert dataclasses.replace(REPORT, rows=[dataclasses.replace(OURS, **change), TRAIT]).wrong() != ""


def test_time_and_the_losses_of_others_are_not_judged() -> None:
    slow = dataclasses.replace(OURS, seconds=1e6)
    assert dataclasses.replace(REPORT, rows=[slow, TRAIT]).wrong() == ""


def test_readme_gets_the_table_between_its_marks(tmp_path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    write_readme(REPORT, readme)
    assert readme.read_text() == f"before\n{START}\n{REPORT.markdown()}\n{END}\nafter\n"


def test_readme_without_marks_is_refused(tmp_path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing")
    with pytest.raises(ValueError, match=r"^expected the marks"):
        write_readme(REPORT, readme)


def test_results_are_stored_and_read_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(reports, "RESULTS", tmp_path / "results.json")
    REPORT.save()
    assert Report.load() == REPORT


def test_readme_shows_the_stored_results() -> None:
    """As committed: whoever measures again writes both."""
    report = Report.load()
    assert {row.name for row in report.rows} == {way.NAME for way in WAYS}
    assert report.markdown() in (reports.ROOT / "README.md").read_text(), "run: python -m benchmarks --readme"
