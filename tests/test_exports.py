"""The face of the package: what `import sse_widget as sse` offers, no more and no less."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import sse_widget

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(module.name for module in pkgutil.walk_packages(sse_widget.__path__, "sse_widget."))


def test_face_offers_exactly_what_it_declares() -> None:
    public = {name for name in vars(sse_widget) if not name.startswith("_")}
    modules = {name for name, value in vars(sse_widget).items() if isinstance(value, ModuleType)}
    assert public - modules - {"annotations"} == set(sse_widget.__all__)


def test_face_declares_each_name_once() -> None:
    assert len(set(sse_widget.__all__)) == len(sse_widget.__all__)


@pytest.mark.parametrize("name", sse_widget.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    value = getattr(sse_widget, name)
    assert inspect.getdoc(value), f"sse_widget.{name} has no docstring"
    assert value.__module__.startswith("sse_widget")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_what_it_declares(name: str) -> None:
    module = importlib.import_module(name)
    assert inspect.getdoc(module), f"{name} has no docstring"
    missing = [each for each in getattr(module, "__all__", []) if not hasattr(module, each)]
    assert missing == []


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sse_widget.__version__ == project["version"]
