"""The hosts themselves, with a plain anywidget: messages both ways, and a reload."""

from __future__ import annotations

import re

import pytest

from tests.e2e.hosts.conftest import KINDS
from tests.e2e.hosts.programs import Echo

pytestmark = pytest.mark.parametrize("host", tuple(KINDS), indirect=True)


def says(tab, text):
    tab.page.locator("button.echo", has_text=re.compile(text)).wait_for()


def test_a_plain_anywidget_talks_both_ways(stage):
    tab = stage.show(Echo())
    button = tab.page.locator("button.echo")
    says(tab, "waiting")
    tab.go()
    says(tab, "pushed by a cell")
    button.click()
    says(tab, "heard hello 1")

    tab.reload()
    says(tab, ".")
    button.click()
    says(tab, "heard hello [12]")
