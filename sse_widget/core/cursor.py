"""A reader's place in a log, as text: `<epoch>-<sequence>`.

Cursors come back from strangers (a header, a query, another program's file), so reading one never
raises: what is not exactly a cursor of ours is `None`, and the log answers that with a gap.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Cursor", "parse"]

# `[0-9]`, not `\d`, which takes every Unicode digit, as int() does. 15 digits are exact in JavaScript too
# (2**53), and a log at a million events a second needs 31 years to use them up; longer is not ours.
_PATTERN = re.compile(r"([0-9a-zA-Z_]{1,64})-(0|[1-9][0-9]{0,14})")


class Cursor(NamedTuple):
    """The id of the last event a reader has.

    Notes
    -----
    Sequences count from 1; `Cursor(epoch, 0)` is before the first event.
    """

    epoch: str
    sequence: int

    def __str__(self) -> str:
        """Write the id, as `parse` reads it."""
        return f"{self.epoch}-{self.sequence}"


def parse(text: str) -> Cursor | None:
    """Read a cursor, or find that it is none.

    Parameters
    ----------
    text : str
        Anything: an id, a `Last-Event-ID` header, a query argument.

    Returns
    -------
    Cursor or None
        None if `text` is not exactly what `str(Cursor(...))` writes, the empty text included.
    """
    match = _PATTERN.fullmatch(text)
    return Cursor(match[1], int(match[2])) if match else None
