"""Mistyped keywords are told, not swallowed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_keywords", "checked_history"]


def check_keywords(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise a `TypeError` that names the nearest known keyword, if one is unknown."""
    names = sorted(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
            message = f"{owner} got an unexpected keyword {name!r}; {hint}"
            raise TypeError(message)


def checked_history(history: object) -> int:
    """Return a number of events to keep; raise a `ValueError` if it is none."""
    if not isinstance(history, int) or isinstance(history, bool) or history < 1:
        raise ValueError(f"expected history to be a positive number of events, got {history!r}")
    return history
