"""The rig: a real JupyterLab with real kernels, and a real Chromium that looks at it.

Start with `Notebook`: one browser tab on one notebook. `Lab` and `Browser` are what it stands on, `Kernel` the hidden
way into the notebook's kernel. `tests/e2e/conftest.py` makes fixtures of them; `benchmarks/` uses them directly.

Everything here waits on conditions with a deadline. When one passes, the error says what was waited for, and a
screenshot, the browser's console and the notebook are in `test-artifacts/`.
"""

from tests.e2e.rig.browser import Browser
from tests.e2e.rig.evidence import RigTimeout
from tests.e2e.rig.kernel import Kernel, KernelError
from tests.e2e.rig.lab import Lab
from tests.e2e.rig.notebook import CellError, Notebook
from tests.e2e.rig.notebook_file import NotebookFile

__all__ = ["Browser", "CellError", "Kernel", "KernelError", "Lab", "Notebook", "NotebookFile", "RigTimeout"]
