"""Benchmark 1: one cell produces 20,000 small events; the page should have them all, Python should have them all.

Each way of doing it is a module with `NAME` and `measure(notebook, events)`; its docstring says which configuration
serves that way best. All carry the event's number, so that order can be seen, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.round_trip import comm, message, ours, trait

if TYPE_CHECKING:
    from types import ModuleType

WAYS: list[ModuleType] = [ours, message, trait, comm]
"""In the order of the table."""
