"""Mistyped keywords are told, not swallowed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_keywords"]


def check_keywords(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise a `TypeError` that names the nearest known keyword, if one is unknown."""
    names = sorted(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
            message = f"{owner} got an unexpected keyword {name!r}; {hint}"
            raise TypeError(message)
