"""The rules of the house that a machine can check (docs: DESIGN 5, STYLE 1)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sse_widget"

# The clock, threads, sockets and loops: whoever uses the core brings them along.
SHELL = {
    "asyncio",
    "concurrent",
    "http",
    "multiprocessing",
    "queue",
    "select",
    "selectors",
    "signal",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib",
    "_thread",
}
CORE_MAY = (set(sys.stdlib_module_names) - SHELL) | {"orjson", "sse_widget.core", "sse_widget.errors"}
WIDGET_MAY_NOT = {"socket", "socketserver", "ssl", "http", "urllib", "tornado", "sse_widget.server"}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
# Test files are not here: each mirrors a module, and its scenarios are as long as they are. The rig is.
SOURCES = [PACKAGE, ROOT / "tools", ROOT / "benchmarks", ROOT / "tests" / "e2e" / "rig", ROOT / "js" / "src"]


def files(directory: Path, suffix: str = ".py") -> list[Path]:
    return sorted(directory.rglob(f"*{suffix}"))


def names(path: Path) -> set[str]:
    """Every module that a file imports, at any depth, also for type checking only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer; write the whole name"
            # `from sse_widget import widget` names the module in the second half.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def under(name: str, allowed: set[str]) -> bool:
    """Whether a dotted name is one of these or inside one of them."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in allowed for length in range(1, len(parts) + 1))


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", files(PACKAGE / "core"), ids=ids)
def test_core_imports_no_io_no_thread_and_no_clock(path: Path) -> None:
    assert [name for name in sorted(names(path)) if not under(name, CORE_MAY)] == []


@pytest.mark.parametrize("path", files(PACKAGE / "server") + files(PACKAGE / "hub"), ids=ids)
def test_server_and_hub_do_not_know_the_widget(path: Path) -> None:
    assert [name for name in sorted(names(path)) if under(name, {"sse_widget.widget"})] == []


@pytest.mark.parametrize("path", files(PACKAGE / "hub"), ids=ids)
def test_hub_knows_neither_the_server_nor_what_feeds_it(path: Path) -> None:
    not_its_own = {"sse_widget.server", "sse_widget.sources", "tornado"}
    assert [name for name in sorted(names(path)) if under(name, not_its_own)] == []


@pytest.mark.parametrize("path", files(PACKAGE / "sources"), ids=ids)
def test_sources_know_neither_the_widget_nor_the_server(path: Path) -> None:
    assert [name for name in sorted(names(path)) if under(name, {"sse_widget.server", "sse_widget.widget"})] == []


@pytest.mark.parametrize("path", files(PACKAGE / "widget"), ids=ids)
def test_widget_opens_no_socket(path: Path) -> None:
    assert [name for name in sorted(names(path)) if under(name, WIDGET_MAY_NOT)] == []


def test_the_layers_are_where_the_rules_look_for_them() -> None:
    for layer in ("core", "server", "hub", "sources", "widget"):
        assert len(files(PACKAGE / layer)) > 1, f"sse_widget/{layer} is empty; the tests above checked nothing"


def test_files_are_short() -> None:
    paths = [path for source in SOURCES for suffix in (".py", ".ts") for path in files(source, suffix)]
    lines = {ids(path): len(path.read_text().splitlines()) for path in paths}
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    long = {}
    for path in [path for source in SOURCES for path in files(source)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                count = (node.end_lineno or 0) - first.lineno + 1  # docstrings may be as long as they need
                if count > MAX_FUNCTION_LINES:
                    long[f"{ids(path)}:{node.name}"] = count
    assert long == {}
