"""The face of the package: what `import sse_widget as sse` offers, no more and no less."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import sse_widget
from sse_widget.widget.live import Live

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


# docs/reference.md

REFERENCE = (ROOT / "docs/reference.md").read_text()


def test_the_reference_lists_exactly_the_public_names() -> None:
    listed = re.findall(r"^\* `(\w+)", REFERENCE, re.MULTILINE)
    assert sorted(listed) == sorted(sse_widget.__all__)


@pytest.mark.parametrize("owner", [sse_widget.Channel, sse_widget.SSEWidget, sse_widget.Subscription, sse_widget.Event])
def test_what_the_reference_says_of_a_class_is_there(owner: type) -> None:
    listed = set(re.findall(rf"`{owner.__name__}\.(\w+)", REFERENCE))
    assert listed
    set_by_init = set(re.findall(r"self\.(\w+)(?::[^=\n]+)? = ", inspect.getsource(owner)))
    assert [name for name in listed if not hasattr(owner, name) and name not in set_by_init] == []


@pytest.mark.parametrize(
    ("owner", "internal"),
    [
        (sse_widget.Channel, {"announce", "lost_before", "resolve"}),
        (sse_widget.SSEWidget, set()),
        (sse_widget.Subscription, {"label", "position", "sleep"}),
    ],
)
def test_the_reference_names_all_that_a_class_of_ours_offers(owner: type, internal: set[str]) -> None:
    listed = set(re.findall(rf"`{owner.__name__}\.(\w+)", REFERENCE))
    ours = {
        name
        for base in owner.__mro__
        if base.__module__.startswith("sse_widget")
        for name, value in vars(base).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property | Live))
    }
    hidden = {"tell", "observers_of", "unobserve", "unobserve_all"} | internal
    assert ours - hidden - listed == set()
