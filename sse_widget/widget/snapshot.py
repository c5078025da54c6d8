"""What a saved notebook shows where no kernel runs: the last events, as plain HTML."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sse_widget.core.event import Event

__all__ = ["snapshot"]

MAX_ROWS: Final = 20
MAX_CHARS: Final = 200
_CELL = "padding:2px 12px 2px 0;text-align:left;font-family:monospace;white-space:pre-wrap"


def snapshot(title: str, events: Sequence[Event], count: int) -> str:
    """Return a table of the last events: no script, no secret, under 50 KB."""
    name = html.escape(title[:MAX_CHARS])
    if not events:
        return f"<p><b>{name}</b>: no events yet. The live log needs a running kernel.</p>"
    rows = "".join(_row(event) for event in events[-MAX_ROWS:])
    shown = min(len(events), MAX_ROWS)
    return f"<p><b>{name}</b>: the last {shown} of {count} events</p><table>{rows}</table>"


def _row(event: Event) -> str:
    time = datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    text = event.json[: MAX_CHARS * 4].decode(errors="ignore")
    text = text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
    cells = "".join(f'<td style="{_CELL}">{html.escape(cell)}</td>' for cell in (f"{time} UTC", event.type, text))
    return f"<tr>{cells}</tr>"
