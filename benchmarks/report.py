"""The results as a table, as JSON, and in the README."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.round_trip import ours

if TYPE_CHECKING:
    from benchmarks.round_trip.arrivals import Outcome

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "round_trip.json"
START, END = "<!-- benchmark:start -->", "<!-- benchmark:end -->"
HEAD = """\
| one cell, {events:,} small events | reach the page | reach Python | in order | seconds | events/s against ours |
|---|--:|--:|---|--:|--:|"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way of doing it, measured.

    Attributes
    ----------
    page, python : int or None
        Events that arrived there; None where this way does not go.
    in_order : bool
        At every end, nothing repeated and nothing overtaken.
    seconds : float [s]
        From the first event's production to the last arrival at the farthest end.
    """

    name: str
    page: int
    python: int | None
    in_order: bool
    seconds: float

    @classmethod
    def of(cls, name: str, outcome: Outcome) -> Self:
        """Summarise an outcome."""
        ends = [end for end in (outcome.page, outcome.python) if end is not None]
        return cls(
            name=name,
            page=outcome.page.count,
            python=None if outcome.python is None else outcome.python.count,
            in_order=all(end.in_order for end in ends),
            seconds=round(max(end.at for end in ends) - outcome.started, 3),
        )

    @property
    def per_second(self) -> float:
        """Events that got to the end of this way, a second."""
        return (self.page if self.python is None else self.python) / self.seconds


@dataclass(frozen=True, kw_only=True)
class Report:
    """All ways, and what they ran on."""

    events: int
    rows: list[Row]
    versions: dict[str, str]

    @staticmethod
    def versions_here(chromium: str) -> dict[str, str]:
        """Name what was measured with."""
        packages = {name: version(name) for name in ("jupyterlab", "ipykernel", "ipywidgets", "anywidget", "tornado")}
        return {"chromium": chromium, "python": platform.python_version(), **packages}

    def markdown(self) -> str:
        """Return the table and what it was measured with."""
        best = next(row for row in self.rows if row.name == ours.NAME).per_second
        lines = [HEAD.format(events=self.events), *(_line(row, row.per_second / best) for row in self.rows)]
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return "\n".join([*lines, "", f"Measured with {versions}."])

    def wrong(self) -> str:
        """Say what of ours did not arrive as promised, or nothing. Others may lose, and time is not judged."""
        row = next(row for row in self.rows if row.name == ours.NAME)
        if (row.page, row.python, row.in_order) == (self.events, self.events, True):
            return ""
        return f"of {self.events} events {row.page} reached the page and {row.python} Python, in order: {row.in_order}"

    def save(self) -> None:
        """Write the JSON that the README is made from."""
        RESULTS.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls) -> Self:
        """Read the last results."""
        stored = json.loads(RESULTS.read_text())
        return cls(events=stored["events"], rows=[Row(**row) for row in stored["rows"]], versions=stored["versions"])


def write_readme(report: Report, readme: Path = ROOT / "README.md") -> None:
    """Replace what is between the two marks."""
    text = readme.read_text()
    if START not in text or END not in text:
        raise ValueError(f"expected the marks {START} and {END} in {readme.name}")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{report.markdown()}\n{END}{after}")


def _line(row: Row, ratio: float) -> str:
    python = "–" if row.python is None else f"{row.python:,}"
    order = "yes" if row.in_order else "no"
    return f"| {row.name} | {row.page:,} | {python} | {order} | {row.seconds:.1f} | {_ratio(ratio)} |"


def _ratio(ratio: float) -> str:
    return "1" if ratio == 1 else f"1/{1 / ratio:,.0f}" if ratio < 1 else f"{ratio:.1f}"
