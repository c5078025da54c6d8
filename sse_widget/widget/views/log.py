"""The live log."""

from __future__ import annotations

from sse_widget.widget.widget import SSEWidget

__all__ = ["Log"]


class Log(SSEWidget):
    """A live log: one row per event, newest at the bottom; pause, filter, clear, open a row.

    What `SSEWidget` shows by default; see there for its parameters.
    """
