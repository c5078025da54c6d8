"""The rig itself, on a plain anywidget: what the other end-to-end tests stand on."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.e2e.rig import CellError, KernelError, RigTimeout
from tools.kernels import KERNELS, ROOT

COUNTER = """
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = '''
    export default {
        render({ model, el }) {
            const button = document.createElement("button");
            const show = () => { button.textContent = `count is ${model.get("count")}`; };
            button.className = "counter";
            button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
            model.on("change:count", show);
            show();
            el.append(button);
        },
    };
    '''
    count = traitlets.Int(0).tag(sync=True)

counter = Counter()
counter
"""


ABANDONED_LAB = """
import os, pathlib, sys
from tests.e2e.rig import Lab
lab = Lab(pathlib.Path(sys.argv[1])).start()
lab.api("POST", "kernels", {"name": "ipykernel-7.4"})
print(*lab.pids(), flush=True)
os._exit(1)
"""


def button(notebook):
    return notebook.page.locator("button.counter")


def wait_for_text(notebook, text):
    notebook.wait(f"document.querySelector('button.counter')?.textContent === '{text}'", f"the button to say '{text}'")


def test_each_kernel_runs_its_own_version_of_ipykernel(open_notebook, kernel_name):
    notebook = open_notebook("import ipykernel\nipykernel.__version__", kernel=kernel_name)
    version, _ = KERNELS[kernel_name]
    assert notebook.run(0) == f"'{version}'\n"
    assert notebook.kernel.value("__import__('ipykernel').__version__") == version


def test_widget_talks_both_ways(open_notebook, kernel_name):
    notebook = open_notebook(COUNTER, "counter.count = 7", kernel=kernel_name)
    notebook.run_all()
    wait_for_text(notebook, "count is 7")
    button(notebook).click()
    assert notebook.kernel.wait_for("counter.count == 8")


def test_two_tabs_show_one_widget(open_notebook, kernel_name):
    notebook = open_notebook(COUNTER, kernel=kernel_name)
    notebook.run(0)
    notebook.save()
    other = notebook.second_tab()
    wait_for_text(other, "count is 0")
    button(other).click()
    wait_for_text(notebook, "count is 1")
    other.close()
    button(notebook).click()
    assert notebook.kernel.wait_for("counter.count == 2")


def test_widget_is_back_after_a_reload(open_notebook, kernel_name):
    notebook = open_notebook(COUNTER, kernel=kernel_name)
    notebook.run(0)
    button(notebook).click()
    wait_for_text(notebook, "count is 1")
    notebook.save()
    notebook.reload()
    wait_for_text(notebook, "count is 1")


def test_reload_while_a_cell_runs(open_notebook, kernel_name):
    notebook = open_notebook("import threading; go = threading.Event(); go.wait(60); done = True", kernel=kernel_name)
    notebook.run_async(0)
    notebook.wait_busy()
    notebook.reload(idle=False)
    notebook.interrupt_kernel()
    notebook.wait_idle()
    assert notebook.kernel.value("'done' in globals()") is False


def test_restart_gives_an_empty_kernel(open_notebook, kernel_name):
    notebook = open_notebook("x = 1; import os; os.getpid()", "x", kernel=kernel_name)
    before, _ = notebook.run_all()
    notebook.restart_kernel()
    assert notebook.kernel.value("'x' in globals()") is False
    with pytest.raises(CellError, match="NameError"):
        notebook.run(1)
    assert notebook.run(0) != before


def test_interrupt_ends_a_running_cell(open_notebook, kernel_name):
    notebook = open_notebook("import time\nwhile True: time.sleep(0.01)", "'alive'", kernel=kernel_name)
    run = notebook.run_async(0)
    notebook.wait_busy()
    assert not run.done
    notebook.interrupt_kernel()
    run.wait()
    assert "KeyboardInterrupt" in notebook.result(0, check=False)
    assert notebook.run(1) == "'alive'\n"


def test_hidden_client_leaves_no_trace(open_notebook):
    notebook = open_notebook("x = 41\nprint('hello')", "x")
    assert notebook.run(0) == "hello\n"
    notebook.kernel.run("x += 1; print('unseen')")
    assert notebook.kernel.value("{'x': x, 'text': 'line\\n' * 1000}") == {"x": 42, "text": "line\n" * 1000}
    assert notebook.run(1) == "42\n"
    assert notebook.page.locator(".jp-Notebook").get_by_text("unseen").count() == 0
    assert notebook.cell(1).locator(".jp-InputPrompt").first.inner_text() == "[2]:"
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.kernel.run("1 / 0")
    with pytest.raises(KernelError, match="NameError"):
        notebook.kernel.value("no_such_name")


def test_clear_outputs_removes_the_view(open_notebook):
    notebook = open_notebook(COUNTER)
    notebook.run(0)
    assert button(notebook).count() == 1
    notebook.clear_outputs()
    assert button(notebook).count() == 0
    assert notebook.outputs(0) == []


def test_panel_is_closed_and_opened_again(open_notebook):
    notebook = open_notebook(COUNTER)
    notebook.run(0)
    notebook.close_panel()
    assert button(notebook).count() == 0
    assert notebook.kernel.value("counter.count") == 0
    notebook.reopen_panel()
    wait_for_text(notebook, "count is 0")


def test_saved_notebook_holds_the_outputs(open_notebook):
    notebook = open_notebook("print('kept')")
    notebook.run(0)
    notebook.save()
    assert notebook.file.saved()["cells"][0]["outputs"][0]["text"] == ["kept\n"]


def test_cells_are_added_and_run(open_notebook):
    notebook = open_notebook("x = 20")
    notebook.run(0)
    assert notebook.execute("x + 1") == "21\n"
    assert notebook.outputs(1)[0]["data"]["text/plain"] == "21"


def test_lab_of_a_killed_run_does_not_stay_behind(tmp_path):
    command = [sys.executable, "-c", ABANDONED_LAB, str(tmp_path / "home")]
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    processes = [int(pid) for pid in found.stdout.split()]
    assert len(processes) >= 2  # the server and a kernel
    left = psutil.wait_procs([psutil.Process(pid) for pid in processes if psutil.pid_exists(pid)], timeout=30)[1]
    assert left == []


def test_timeout_says_what_was_waited_for_and_keeps_evidence(open_notebook, tmp_path):
    notebook = open_notebook("1")
    notebook.evidence.directory = tmp_path / "evidence"
    notebook.page.evaluate("console.log('a line on the console')")
    with pytest.raises(RigTimeout, match="waited in vain for the moon; screenshot, console and notebook are in"):
        notebook.wait("false", "the moon", timeout_s=0.2)
    kept = {file.suffix: file for file in notebook.evidence.directory.iterdir()}
    assert kept[".png"].stat().st_size > 1000
    assert "a line on the console" in kept[".txt"].read_text()
    assert kept[".ipynb"].stat().st_size > 0
    assert "Jupyter Server" in kept[".log"].read_text()
