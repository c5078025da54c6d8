"""The hook of hatchling: no wheel and no editable install from a stale bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["BundleHook"]


class BundleHook(BuildHookInterface[Any]):
    """Refuses to build while `sse_widget/static/` does not fit `js/src/`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Check the bundle before anything is packed.

        Raises
        ------
        StaleBundle
            If it is stale; its text says what to run.
        """
        if self.target_name == "wheel" and version != "editable":  # there it is beside the package
            build_data["force_include"]["notebooks/quickstart.ipynb"] = "sse_widget/notebooks/quickstart.ipynb"
        # By path: hatchling loads this file alone, with neither the repository nor its tools on the import path.
        path = Path(self.root) / "tools" / "check_bundle.py"
        spec = importlib.util.spec_from_file_location("check_bundle", path)
        if spec is None or spec.loader is None:
            msg = f"{path} cannot be loaded"
            raise AssertionError(msg)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.check(Path(self.root))
