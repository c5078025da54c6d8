"""Run the benchmarks, or put their last results into the README.

python -m benchmarks                   20,000 events; prints the table, writes benchmarks/results/
python -m benchmarks --events 2000     a quick look; prints only
python -m benchmarks --readme          no run: the README's table from benchmarks/results/
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Report, Row, write_readme
from benchmarks.round_trip import WAYS
from tests.e2e.rig import Browser, Lab, Notebook, NotebookFile

EVENTS = 20_000


def run(events: int) -> Report:
    """Measure every way in a fresh notebook of one JupyterLab."""
    rows = []
    with tempfile.TemporaryDirectory() as directory, Lab(Path(directory) / "home") as lab, Browser() as browser:
        for way in WAYS:
            print(f"measuring: {way.NAME}", file=sys.stderr, flush=True)
            file = NotebookFile.create(lab, [])
            outcome = way.measure(Notebook(file, browser.context).open(), events)
            file.close()
            rows.append(Row.of(way.NAME, outcome))
        return Report(events=events, rows=rows, versions=Report.versions_here(browser.chromium.version))


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side by side with the alternatives.")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"how many, {EVENTS} unless said otherwise")
    parser.add_argument("--readme", action="store_true", help="put the last results into README.md and stop")
    arguments = parser.parse_args()
    if arguments.readme:
        write_readme(Report.load())
        return
    report = run(arguments.events)
    print(report.markdown())
    if arguments.events == EVENTS:
        report.save()
    wrong = report.wrong()
    if wrong:
        sys.exit(f"sse_widget broke its promise: {wrong}")


if __name__ == "__main__":
    main()
