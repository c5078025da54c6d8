"""Fixtures of the hosts: each host is started once, and only if a test wants it."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.hosts.chromium import REMOTE, Chromiums
from tests.e2e.hosts.hub import HubHost
from tests.e2e.hosts.lab import LabHost, Notebook7Host
from tests.e2e.hosts.marimo_host import MarimoHost
from tests.e2e.hosts.nginx import why_no_nginx
from tests.e2e.hosts.programs import Burst
from tests.e2e.hosts.remote import RemoteHost, why_not_isolated
from tests.e2e.hosts.stranger import Stranger
from tests.e2e.hosts.voila_host import VoilaExtensionHost, VoilaHost
from tests.e2e.rig.notebook import ARTIFACTS
from tools.hosts import PYTHON, link_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from tests.e2e.hosts.shown import Program, Shown

HOST_TIMEOUT_S = 240
running_key = pytest.StashKey["Stage"]()


def always() -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """How a host is made, and what is expected of it."""

    make: Callable[[Path], Any]
    transport: str
    """What the page ends on."""
    why_not: Callable[[], str] = field(default=always)
    """Why it cannot be had here; "" if it can."""


KINDS = {
    "lab": Kind(LabHost, "direct"),
    "notebook7": Kind(Notebook7Host, "direct"),
    "isolated": Kind(lambda home: RemoteHost(home, isolated=True), "jupyter", why_not_isolated),
    "hub": Kind(HubHost, "jupyter"),
    "no-extension": Kind(lambda home: LabHost(home, hostname=REMOTE, extension=False), "comm"),
    "voila": Kind(VoilaHost, "direct"),
    "voila-extension": Kind(VoilaExtensionHost, "direct"),
    "marimo-run": Kind(lambda home: MarimoHost(home, "run"), "direct"),
    "marimo-edit": Kind(lambda home: MarimoHost(home, "edit"), "direct"),
    "public": Kind(lambda home: RemoteHost(home, isolated=False), "jupyter", why_no_nginx),
}
# For tests that name it: nothing in front of it, HTTP/1.1, and its page cannot take the direct way.
MORE_KINDS = {"remote": Kind(lambda home: LabHost(home, hostname=REMOTE), "jupyter")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(HOST_TIMEOUT_S), append=False)


@dataclass
class Running:
    """A host that has been started."""

    name: str
    kind: Kind
    host: Any
    home: Path


@dataclass
class Stage:
    """What one test shows."""

    host: Running
    chromiums: Chromiums
    folder: Path
    stack: ExitStack
    people: list[tuple[BrowserContext, list[str]]] = field(default_factory=list)
    """Each with all that its pages wrote to their consoles, and their failed requests."""
    tabs: list[Shown] = field(default_factory=list)

    def person(self, *flags: str) -> BrowserContext:
        """Return a browser context of its own: another person."""
        own = (self.host.host.flag,) if self.host.name == "public" else ()
        context = self.chromiums.context(*own, *flags)
        self.stack.callback(context.close)
        lines: list[str] = []
        context.on("console", lambda message: lines.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: lines.append(f"uncaught: {error.error}"))
        context.on("requestfailed", lambda request: lines.append(f"failed: {request.method} {request.url}"))
        self.people.append((context, lines))
        return context

    def show(self, program: Program, person: BrowserContext | None = None, **how: Any) -> Any:
        """Show a program in the host; return its tab."""
        tab = self.host.host.open(person or self.person(), program, **how)
        return self.keep(tab)

    def keep(self, tab: Any) -> Any:
        """Close this tab after the test, and keep what it shows if the test fails."""
        self.tabs.append(tab)
        self.stack.callback(tab.close)
        return tab

    def burst(self, **how: Any) -> Burst:
        """Return a program that pushes 20,000 events."""
        return Burst(self.folder / f"facts-{len(self.tabs)}.json", **how)

    def save_evidence(self, directory: Path) -> None:
        """Write what all pages show, also those that never got ready, their consoles, and the host's logs."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for who, (context, lines) in enumerate(self.people):
            for number, page in enumerate(context.pages):
                with suppress(Exception):  # a page that is gone has no picture
                    page.screenshot(path=directory / f"{who}.{number}.png", timeout=5_000)
            (directory / f"{who}.console.txt").write_text("\n".join(lines) + "\n")
        for log in (*self.host.home.rglob("*.log"), *self.folder.glob("*.json")):
            shutil.copy(log, directory / log.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    stage = item.stash.get(running_key, None)
    if report.failed and report.when != "teardown" and stage is not None:
        directory = ARTIFACTS / re.sub(r"[^\w.-]+", "-", item.nodeid.removeprefix("tests/e2e/"))
        stage.save_evidence(directory)
        report.sections.append(("host", f"the tabs, their consoles and the host's logs are in {directory}"))
    return report


@pytest.fixture(scope="session")
def chromiums(browser: Any) -> Iterator[Chromiums]:
    with Chromiums(browser) as running:
        yield running


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The host that the test names; the tests of one host share it."""
    if not PYTHON.exists():
        pytest.fail("the hosts are not installed; run: make hosts")
    link_package()
    kind = (KINDS | MORE_KINDS)[request.param]
    reason = kind.why_not()
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    home = tmp_path_factory.mktemp("host") / "home"
    with kind.make(home) as running:
        yield Running(request.param, kind, running, home)


@pytest.fixture
def stage(request: pytest.FixtureRequest, host: Running, chromiums: Chromiums, tmp_path: Path) -> Iterator[Stage]:
    """Where a test shows its programs in its host; everything is closed afterwards."""
    with ExitStack() as stack:
        made = Stage(host, chromiums, tmp_path, stack)
        request.node.stash[running_key] = made
        yield made


@pytest.fixture
def stranger_at() -> Iterator[Callable[[int], Stranger]]:
    """Return a function that puts a stranger's server on a port of the page's side."""
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(Stranger(port))
