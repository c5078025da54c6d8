"""One browser tab on one notebook, with a user's hands."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tests.e2e.rig.evidence import Evidence
from tests.e2e.rig.kernel import ANSI
from tools.kernels import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.e2e.rig.kernel import Kernel
    from tests.e2e.rig.notebook_file import NotebookFile

ARTIFACTS = ROOT / "test-artifacts"
FRONTEND = Path(__file__).with_name("frontend.js")
OPEN_S = 60
RUN_S = 30
POLL_MS = 25  # by timer: Playwright's default, animation frames, stops in a page that is not painted
_numbers = itertools.count(1)


class CellError(Exception):
    """A cell raised; the message is its output."""


class Run(NamedTuple):
    """A command that was started in a tab: a cell's run, a restart."""

    notebook: Notebook
    number: int
    what: str

    def wait(self, timeout_s: float = RUN_S) -> None:
        """Return when it has finished. It dies with the page: after a reload, use `Notebook.wait_idle`."""
        self.notebook.wait(f"rig.finished({self.number})", f"the end of {self.what}", timeout_s)
        result = self.notebook.page.evaluate(f"rig.finished({self.number})")
        if result["error"] is not None:
            raise RuntimeError(f"{self.what} failed in JupyterLab: {result['error']}")

    @property
    def done(self) -> bool:
        """Whether it has finished."""
        return bool(self.notebook.page.evaluate(f"rig.finished({self.number})"))


class Notebook:
    """A JupyterLab tab with one notebook open, in a workspace of its own.

    Cells are numbered from 0. Methods that wait take ``timeout_s`` and raise `RigTimeout` with the evidence's place.

    Attributes
    ----------
    page : playwright.sync_api.Page
        For everything that is not here.
    file : NotebookFile
        The notebook and its kernel.
    console : deque of str
        What the page wrote to its console, and its failed requests.
    """

    def __init__(self, file: NotebookFile, context: BrowserContext, artifacts: Path = ARTIFACTS) -> None:
        self.file, self.context, self._artifacts = file, context, artifacts
        self._workspace = f"rig-{next(_numbers)}"
        self.page = context.new_page()
        file.tabs.append(self)
        self.page.set_default_timeout(RUN_S * 1000)
        self.page.add_init_script(path=FRONTEND)
        self.page.on("dialog", lambda dialog: dialog.accept())  # "leave the page?"
        self.evidence = Evidence(self.page, file.lab, artifacts, f"{file.path.stem}.{self._workspace}")
        self.console = self.evidence.console

    # -- the tab ------------------------------------------------------------------------------------------------------

    def open(self, *, idle: bool = True, timeout_s: float = OPEN_S) -> Self:
        """Load JupyterLab on the notebook and wait for its kernel: to be there, and with ``idle`` to be free."""
        lab = self.file.lab
        url = f"{lab.url}/lab/workspaces/{self._workspace}/tree/{self.file.name}?token={lab.token}"
        with self.evidence.waiting_for("JupyterLab's page", self.file.name):
            self.page.goto(url, wait_until="commit")
        self.wait_ready(idle=idle, timeout_s=timeout_s)
        if idle:
            self.kernel.wait_ready()
        return self

    def second_tab(self, *, idle: bool = True) -> Notebook:
        """Open the same notebook in another tab; what it shows was saved, see `save`."""
        return Notebook(self.file, self.context, self._artifacts).open(idle=idle)

    def reload(self, *, idle: bool = True) -> None:
        """Reload the page, as F5 does. What was not saved is gone from the page."""
        with self.evidence.waiting_for("the page to reload", self.file.name):
            self.page.reload(wait_until="commit")
        self.wait_ready(idle=idle)

    def close(self) -> None:
        """Close the tab; the kernel goes on."""
        self.page.close()

    def close_panel(self) -> None:
        """Close the notebook within JupyterLab; the tab and the kernel go on. Saves first, or Lab would ask."""
        self.save()
        self._call("closePanel")
        self.wait(f"rig.status({self._name}).loaded === false", "the notebook's panel to close")

    def reopen_panel(self) -> None:
        """Open the notebook again in this tab, after `close_panel`."""
        arguments = json.dumps({"path": self.file.name})
        self.page.evaluate(f"void jupyterapp.commands.execute('docmanager:open', {arguments})")
        self.wait_ready()

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait(self, condition: str, what: str, timeout_s: float = RUN_S) -> None:
        """Wait until a JavaScript expression is true in the page."""
        with self.evidence.waiting_for(what, self.file.name):
            self.page.wait_for_function(f"() => ({condition})", polling=POLL_MS, timeout=timeout_s * 1000)

    def wait_ready(self, *, idle: bool = True, timeout_s: float = OPEN_S) -> None:
        """Wait until the notebook is loaded and connected to its kernel."""
        condition = f"globalThis.rig?.ready({self._name}, {json.dumps(idle)})"
        self.wait(condition, f"{self.file.name} to be open with an {'idle' if idle else 'attached'} kernel", timeout_s)

    def wait_idle(self, timeout_s: float = RUN_S) -> None:
        """Wait until the page sees the kernel idle."""
        self.wait_ready(timeout_s=timeout_s)

    def wait_busy(self, timeout_s: float = RUN_S) -> None:
        """Wait until a cell that was started in this tab runs: the kernel has said so."""
        self.wait("rig.busy()", "a cell to run", timeout_s)

    # -- cells --------------------------------------------------------------------------------------------------------

    def run(self, index: int, timeout_s: float = RUN_S, *, check: bool = True) -> str:
        """Run a cell to its end; return its output as text. If it raised, so does this, unless ``check`` is false."""
        self.run_async(index).wait(timeout_s)
        return self.result(index, check=check)

    def run_async(self, index: int) -> Run:
        """Start a cell and do not wait."""
        self._call("select", index)
        return self._start("notebook:run-cell", f"cell {index} of {self.file.name}")

    def run_all(self, timeout_s: float = RUN_S, *, check: bool = True) -> list[str]:
        """Run all cells to their end; return the output of each."""
        self._start("notebook:run-all-cells", f"all cells of {self.file.name}").wait(timeout_s)
        count = self.page.evaluate(f"rig.cellCount({self._name})")
        return [self.result(index, check=check) for index in range(count)]

    def add(self, source: str) -> int:
        """Append a code cell; return its number."""
        return int(self._call("addCell", source))

    def execute(self, source: str, timeout_s: float = RUN_S, *, check: bool = True) -> str:
        """Append a code cell and run it: `add` and `run`."""
        return self.run(self.add(source), timeout_s, check=check)

    def result(self, index: int, *, check: bool = True) -> str:
        """Return a cell's output so far as text: streams, results, tracebacks."""
        outputs = self.outputs(index)
        text = "".join(map(_text, outputs))
        if check and any(output["output_type"] == "error" for output in outputs):
            raise CellError(f"cell {index} of {self.file.name} raised:\n{text}")
        return text

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return a cell's outputs so far, in the notebook format."""
        return list(self._call("outputs", index))

    def cell(self, index: int) -> Locator:
        """Return the locator of a cell in the page."""
        return self.page.locator(f'.jp-Notebook [data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """Return the locator of a cell's output area."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def clear_outputs(self) -> None:
        """Clear the outputs of all cells."""
        self._start("notebook:clear-all-cell-outputs", "clearing the outputs").wait()

    def save(self) -> None:
        """Save the notebook, as Ctrl-S does."""
        self._call("save")

    # -- the kernel ---------------------------------------------------------------------------------------------------

    @property
    def kernel(self) -> Kernel:
        """A hidden client of the kernel, for looking into it while it is idle: ``nb.kernel.value("feed.count")``."""
        return self.file.kernel

    def restart_kernel(self) -> None:
        """Restart the kernel through JupyterLab's menu command and its dialog; return when it is idle."""
        run = self._start("kernelmenu:restart", "the kernel's restart")
        with self.evidence.waiting_for("the dialog that asks about the restart", self.file.name):
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        run.wait()
        self.wait_idle()

    def interrupt_kernel(self) -> None:
        """Interrupt the kernel, as the stop button does."""
        self._start("kernelmenu:interrupt", "the interrupt").wait()

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return json.dumps(self.file.name)

    def _call(self, function: str, *arguments: Any) -> Any:
        return self.page.evaluate(f"([path, ...rest]) => rig.{function}(path, ...rest)", [self.file.name, *arguments])

    def _start(self, command: str, what: str) -> Run:
        return Run(self, self._call("start", command), what)


def _text(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    if output["output_type"] == "error":
        return ANSI.sub("", "\n".join(output["traceback"])) + "\n"
    return "".join(output["data"].get("text/plain", "")) + "\n"
