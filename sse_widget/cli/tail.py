"""`sse-widget tail`: follow a stream, for people or for the next program of the pipe."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import click
import orjson

from sse_widget.cli.follow import Follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from sse_widget.cli.http import Door
    from sse_widget.cli.where import Where
    from sse_widget.core.wire import ServerSentEvent

__all__ = ["Options", "Tail"]

_OWN_TYPES: Final = frozenset({"heartbeat", "gap", "ended"})
_CHANNEL_URL = re.compile(r"/channels/[^/?#]+$")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red", "bright_cyan", "bright_green")


class Options(NamedTuple):
    """Those of `sse-widget tail`."""

    after: str
    types: tuple[str, ...]
    number: int | None
    raw: bool
    full: bool
    headers: tuple[str, ...]


class Tail:
    """One run of the command."""

    def __init__(self, where: Where, source: str, options: Options) -> None:
        is_url = source.startswith(("http://", "https://"))
        if is_url and where.url:
            raise click.UsageError("expected either --url or the stream's own URL, got both")
        find: Callable[[], Door] = (lambda: where.door_of(source)) if is_url else (lambda: where.door(source))
        path = "" if is_url else f"/channels/{quote(source, safe='')}"
        if options.after == "oldest" and (not is_url or _CHANNEL_URL.search(source)):
            path += "?after="
        cursor = "" if options.after in {"oldest", "newest"} else options.after
        if not cursor.isascii() or _CONTROL.search(cursor):
            raise click.UsageError(f"expected an event id after --after, got {cursor!r}")
        self._follow = Follow(find, path, cursor, dict(map(_header, options.headers)), _say)
        self._types = frozenset(options.types)
        self._left = options.number
        lines = options.raw or options.full or not _is_terminal()
        self._show = (_full if options.full else _line) if lines else _Pretty()

    def run(self) -> None:
        """Show events until the stream ends or nobody reads any more."""
        try:
            for events in self._follow:
                if self._take(events) or _nobody_reads():
                    return
        except BrokenPipeError:
            # Python writes what is left when it ends, and would complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _take(self, events: list[ServerSentEvent]) -> bool:
        """Show events; True if there is nothing more to show."""
        shown: list[str] = []
        over = False
        for event in events:
            if self._follow.ours and event.type in _OWN_TYPES:
                over = self._own(event) or over
            elif not self._types or event.type in self._types:
                shown.append(self._show(event))
                if self._left is not None and len(shown) >= self._left:
                    over = True
                    break
        if self._left is not None:
            self._left -= len(shown)
        if shown:
            sys.stdout.write("".join(shown))
            sys.stdout.flush()
        return over

    def _own(self, event: ServerSentEvent) -> bool:
        if event.type == "gap":
            lost = orjson.loads(event.data)["lost"]
            number = "an unknown number of events" if lost is None else f"{lost} event{'s' * (lost != 1)}"
            _say(f"gap: {number} lost, up to {event.id}")
        return event.type == "ended"


class _Pretty:
    """For a terminal."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only where there is somebody to look
        from rich.highlighter import JSONHighlighter  # noqa: PLC0415

        self._console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._highlight = JSONHighlighter()

    def __call__(self, event: ServerSentEvent) -> str:
        from rich.text import Text  # noqa: PLC0415

        line = Text(time.strftime("%H:%M:%S "), style="dim")
        if event.type != "message":
            colour = _COLOURS[sum(event.type.encode()) % len(_COLOURS)]
            line.append(f"{_printable(event.type)} ", style=f"bold {colour}")
        data = Text(_printable(_compact(event.data)))
        self._highlight.highlight(data)
        with self._console.capture() as captured:
            self._console.print(line + data)
        return captured.get()


def _line(event: ServerSentEvent) -> str:
    return _compact(event.data) + "\n"


def _full(event: ServerSentEvent) -> str:
    data = orjson.Fragment(_compact(event.data))
    return orjson.dumps({"id": event.id, "type": event.type, "data": data}).decode() + "\n"


def _compact(data: str) -> str:
    """Return data as one line of JSON; what is none becomes a text."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return orjson.dumps(data).decode()
    return orjson.dumps(value).decode() if "\n" in data else data


def _printable(text: str) -> str:
    """Return text that does nothing to a terminal."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _header(text: str) -> tuple[str, str]:
    name, found, value = text.partition(":")
    if not found or not name.strip() or _CONTROL.search(text):
        raise click.UsageError(f"expected a header as 'Name: value', got {text!r}")
    return name.strip(), value.strip()


def _say(text: str) -> None:
    click.echo(_printable(text), err=True)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _nobody_reads() -> bool:
    """Tell whether the other end of the pipe is closed: `| head` has what it wanted, and no event may come for long."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are told unasked
    return any(event & (select.POLLERR | select.POLLNVAL) for _file, event in poll.poll(0))
