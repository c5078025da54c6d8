"""Fixtures of the end-to-end tests; the rig itself is in `rig/`."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from sse_widget.session import Session
from tests.e2e.rig import Browser, Lab, Notebook, NotebookFile
from tests.e2e.rig.notebook import ARTIFACTS
from tests.e2e.site import Site
from tools.kernels import KERNELS, NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    OpenNotebook = Callable[..., Notebook]

TEST_TIMEOUT_S = 120
opened = pytest.StashKey[list[NotebookFile]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker("e2e")
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what the tabs of a failed test show, while they are still open."""
    report = yield
    if report.failed and report.when != "teardown":
        for file in item.stash.get(opened, []):
            for tab in file.tabs:
                report.sections.append(("rig", tab.evidence.save(file.name)))
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for the whole run."""
    with Lab(tmp_path_factory.mktemp("lab") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    with Browser() as running:
        yield running


@pytest.fixture(params=KERNELS)
def kernel_name(request: pytest.FixtureRequest) -> str:
    """Run the test once on each generation of ipykernel."""
    return str(request.param)


@pytest.fixture
def show(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Callable[[NotebookFile], Notebook]]:
    """Return a function that opens a notebook file in a tab.

    After the test all its tabs are closed and its kernel is shut down.
    """
    artifacts = ARTIFACTS / re.sub(r"[^\w.-]+", "-", request.node.nodeid.removeprefix("tests/e2e/"))
    files = request.node.stash.setdefault(opened, [])

    def show_it(file: NotebookFile) -> Notebook:
        files.append(file)
        return Notebook(file, browser.context, artifacts).open()

    yield show_it
    for file in files:
        file.close()


@pytest.fixture
def open_notebook(lab: Lab, show: Callable[[NotebookFile], Notebook]) -> OpenNotebook:
    """Return a function that opens a new notebook: ``open_notebook("x = 1", "x", kernel=kernel_name)``."""

    def open_it(*cells: str, kernel: str = NEWEST) -> Notebook:
        return show(NotebookFile.create(lab, cells, kernel))

    return open_it


@pytest.fixture
def copy_notebook(lab: Lab, show: Callable[[NotebookFile], Notebook]) -> Callable[[Path], Notebook]:
    """Return a function that opens a copy of a notebook file on the newest kernel."""

    def copy_it(path: Path) -> Notebook:
        for recording in path.parent.glob("*.jsonl"):
            shutil.copy(recording, lab.notebooks)
        return show(NotebookFile.copy(lab, json.loads(path.read_text()), name=path.name))

    return copy_it


# Without a notebook: the kernel's half is in the test's own process.


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Return a function that opens an address in a browser of its own."""
    context = browser.new_context()

    def open_it(url: str) -> Page:
        page = context.new_page()
        page.goto(url)
        return page

    yield open_it
    context.close()
