"""`sse-widget demo`: JupyterLab with a copy of the quickstart."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

import sse_widget

__all__ = ["run"]

NOTEBOOK: Final = "quickstart.ipynb"
_PACKAGE: Final = Path(sse_widget.__file__).parent


def run(folder: Path | None) -> None:
    """Open the quickstart.

    Parameters
    ----------
    folder : pathlib.Path or None
        Where its copy goes; one that is there already is opened as it is. None: a folder that is deleted afterwards.

    Raises
    ------
    click.ClickException
        If JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise click.ClickException("expected JupyterLab to be installed; pip install 'sse-widget[demo]'")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _open(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="sse-widget-") as made:
            _open(Path(made))


def _open(folder: Path) -> None:
    copy = folder / NOTEBOOK
    if not copy.exists():
        shutil.copyfile(_notebook(), copy)
    options = ["--notebook-dir", str(folder), f"--LabApp.default_url=/lab/tree/{NOTEBOOK}"]
    options.append("--ServerApp.log_level=WARN")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        options.append("--no-browser")
    click.echo(f"JupyterLab with {copy}; Ctrl-C ends it", err=True)
    ended = subprocess.run([sys.executable, "-m", "jupyterlab", *options], check=False)  # noqa: S603 - all ours
    raise SystemExit(ended.returncode)


def _notebook() -> Path:
    """Find it in the package, or beside it where the package is a checkout."""
    for path in (_PACKAGE / "notebooks" / NOTEBOOK, _PACKAGE.parent / "notebooks" / NOTEBOOK):
        if path.exists():
            return path
    raise click.ClickException(f"expected {NOTEBOOK} in the package, got none; is it installed as a whole?")
