"""Which server is meant: a kernel of this machine, found by its runtime file, or an address."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click
from jupyter_core.paths import jupyter_runtime_dir

from sse_widget.cli.http import Door, NoAnswer
from sse_widget.server import runtime
from sse_widget.server.runtime import FOLDER_PREFIX, Runtime

__all__ = ["Kernel", "Where", "is_loopback", "kernels"]

_CLIENT = "sse-widget"
_OK, _NOT_FOUND = 200, 404
_SHOWN = 8  # characters of a kernel's id, which are enough to tell two apart


class Kernel(NamedTuple):
    """A kernel of this user on this machine that has a server."""

    id: str
    runtime: Runtime

    @property
    def door(self) -> Door:
        """How to reach its server."""
        return Door.of(self.runtime)

    def has(self, channel: str) -> bool | None:
        """Tell whether it has the channel; None if it does not answer."""
        try:  # a ticket is not needed here; but who asks for one is told whether the channel is there
            status, _answer = self.door.ask("POST", "/tickets", {"client": _CLIENT, "channels": [channel]})
        except NoAnswer:
            return None
        return {_OK: True, _NOT_FOUND: False}.get(status)

    def __str__(self) -> str:
        return f"{self.id[:_SHOWN]} (pid {self.runtime.pid})"


def kernels() -> list[Kernel]:
    """Return the kernels that can be reached from here, the one that began last first."""
    folder = Path(jupyter_runtime_dir())
    found: list[tuple[float, Kernel]] = []
    for path in folder.glob(f"{FOLDER_PREFIX}*.json"):
        content = runtime.read(path)  # None for a dead kernel's, which it takes away
        if content is not None and content.node == socket.gethostname():
            found.append((path.stat().st_mtime, Kernel(path.stem.removeprefix(FOLDER_PREFIX), content)))
    return [kernel for _time, kernel in sorted(found, key=lambda each: each[0], reverse=True)]


class Where(NamedTuple):
    """What the options say."""

    kernel: str = ""
    url: str = ""
    bearer: str = ""
    loopback_only: bool = False  # the bearer comes from the environment, and is there for any command

    def with_bearer_from_environment(self) -> Where:
        """Send the bearer to this machine only, unless the address is in an option too."""
        return self._replace(loopback_only=True)

    def door(self, channel: str) -> Door:
        """Return the server that has `channel`.

        Raises
        ------
        click.ClickException
            If there is none, or more than one.
        """
        if self.url:
            return Door.at(self.url.rstrip("/"), self.bearer)
        return self._find(channel).door

    def door_of(self, url: str) -> Door:
        """Return the server of a stream's own address, with the bearer if it may have it."""
        may = self.bearer and not (self.loopback_only and not is_loopback(url))
        return Door.at(url, self.bearer if may else "")

    def _find(self, channel: str) -> Kernel:
        running = kernels()
        wanted = [kernel for kernel in running if kernel.id.startswith(self.kernel)]
        if not wanted:
            meant = f"with an id that begins with {self.kernel!r}" if self.kernel else "that uses sse_widget"
            raise click.ClickException(
                f"expected a running kernel {meant}, got {_listed(running) or 'none'}; is the notebook open, and has a "
                "cell shown a channel or asked for its url? Otherwise say --url"
            )
        having = [kernel for kernel in wanted if kernel.has(channel)]
        if len(having) == 1:
            return having[0]
        if having:
            raise click.ClickException(
                f"expected one kernel with the channel {channel!r}, got {_listed(having)}; say which: --kernel ID"
            )
        raise click.ClickException(
            f"expected the channel {channel!r} in a running kernel, got {_listed(wanted)} without it; "
            f"make it there: sse_widget.channel({channel!r})"
        )


def is_loopback(url: str) -> bool:
    """Tell whether an address is this machine's own."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _listed(found: list[Kernel]) -> str:
    return ", ".join(str(kernel) for kernel in found)
