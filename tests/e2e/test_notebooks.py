"""The notebooks of notebooks/, run as a reader runs them: opened in JupyterLab, "Run all cells"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.kernels import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN_S = 100
FEEDS_SHOWN = """
    [...globalThis[Symbol.for("sse_widget")]["1"].feeds.values()]
        .map((feed) => feed.stats())
        .filter((stats) => stats.views > 0)
"""

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_quickstart_is_there() -> None:
    assert "quickstart" in {path.stem for path in NOTEBOOKS}


@each_notebook
def test_notebook_is_committed_without_outputs(path: Path) -> None:
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs"), f"{path.name} has outputs; run: jupyter nbconvert --clear-output --inplace"
        assert cell.get("execution_count") is None


@each_notebook
def test_notebook_runs_and_its_feeds_move(path: Path, copy_notebook) -> None:
    notebook = copy_notebook(path)
    notebook.run_all(RUN_S)
    notebook.wait(f"({FEEDS_SHOWN}).length > 0", "a feed to be shown")
    notebook.wait(f"({FEEDS_SHOWN}).every((stats) => stats.count > 0)", "events in every feed that is shown")
