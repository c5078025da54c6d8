"""A notebook on the server, whichever tabs show it."""

from __future__ import annotations

import itertools
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.rig.kernel import Kernel
from tools.kernels import NEWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.rig.lab import Lab
    from tests.e2e.rig.notebook import Notebook

_numbers = itertools.count(1)


class NotebookFile:
    """A notebook on the server and its kernel, whichever tabs show it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.path = lab.notebooks / name
        self.tabs: list[Notebook] = []

    @classmethod
    def create(cls, lab: Lab, cells: Sequence[str], kernel: str = NEWEST, name: str = "") -> Self:
        """Write a notebook with these code cells for this kernel."""
        return cls.copy(lab, {"cells": [_code_cell(source) for source in cells]}, kernel, name)

    @classmethod
    def copy(cls, lab: Lab, content: dict[str, Any], kernel: str = NEWEST, name: str = "") -> Self:
        """Write a notebook with the cells of another one."""
        file = cls(lab, name or f"notebook-{next(_numbers)}.ipynb")
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": content["cells"]}
        file.path.write_text(json.dumps(notebook))
        # The kernel starts while the browser still loads JupyterLab, which then finds it: about two seconds a test.
        session = {"path": file.name, "name": file.name, "type": "notebook", "kernel": {"name": kernel}}
        lab.api("POST", "sessions", session)
        return file

    @cached_property
    def kernel(self) -> Kernel:
        """A hidden client of the kernel; see `Kernel`."""
        session = next(each for each in self.lab.api("GET", "sessions") if each["path"] == self.name)
        return Kernel(self.lab.runtime / f"kernel-{session['kernel']['id']}.json")

    def saved(self) -> dict[str, Any]:
        """Return the notebook as it is on disk."""
        return dict(json.loads(self.path.read_text()))

    def close(self) -> None:
        """Close the tabs and shut the kernel down."""
        for tab in self.tabs:
            tab.close()
        if "kernel" in self.__dict__:
            self.kernel.close()
        self.lab.shutdown_kernel(self.name)


def _code_cell(source: str) -> dict[str, Any]:
    number = next(_numbers)
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
