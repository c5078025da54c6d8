"""The command `sse-widget`: push to channels and follow them, from a shell."""

from __future__ import annotations

from sse_widget.cli.main import main

__all__ = ["main"]
