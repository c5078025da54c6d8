"""What feeds a channel in the background; how it is done is the host's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import asyncio
    import os
    from collections.abc import AsyncIterable, Iterable
    from pathlib import Path

    from sse_widget.hub.contract import Host

__all__ = ["FeedingMixin", "Recording", "Source"]


class Source(Protocol):
    """What feeds a channel in the background; see `sse_widget.sources`."""

    @property
    def state(self) -> str:
        """How it stands, in a word."""

    @property
    def error(self) -> BaseException | None:
        """What is wrong, if something is."""

    def stop(self) -> None:
        """Push nothing more, and let go of what it reads. Idempotent."""

    def stats(self) -> Any:
        """Return what it has done so far."""

    def wait(self, timeout: float | None = None) -> None:
        """Block until it has ended, however."""

    def result(self, timeout: float | None = None) -> int:
        """Block until it has ended; return how many events it has pushed, or raise why it has failed."""


class Recording(Source, Protocol):
    """What writes a channel down; see `sse_widget.sources.recording`."""

    @property
    def path(self) -> Path:
        """The file."""

    def __enter__(self) -> Self:
        """Go on until the end of the `with`."""

    def __exit__(self, *_error: object) -> None:
        """Stop."""


class FeedingMixin:
    """The ways to feed a channel without a loop of one's own."""

    host: Host

    def pump(
        self,
        source: Iterable[object] | AsyncIterable[object],
        *,
        type: str = "message",  # noqa: A002 - SSE's own word
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Source:
        """Push all that `source` gives, in the background, also while a cell is busy.

        A plain iterable runs on a thread of its own, an asynchronous one on a loop that the package keeps for such
        code on another thread. One that never waits pushes as fast as it can: slow readers get a `Gap`.

        Parameters
        ----------
        source : iterable or asynchronous iterable
            Of what can be pushed; an `Event` gives its type, too.
        type : str, default "message"
            The type of the events.
        loop : asyncio.AbstractEventLoop, optional
            Where an asynchronous iterable runs that is bound to a loop, such as a connection that a cell has opened:
            `asyncio.get_running_loop()` in that cell. The kernel's own loop stands still while a cell is busy.

        Returns
        -------
        Source
            With `stop()`, `state` ("running", "done", "stopped" or "failed"), `error`, `stats()`, `wait(timeout)` and
            `result(timeout)`. What the source raises ends the pump: it is kept in `error`, logged, and shown in the
            widgets. After `stop()` nothing more is pushed; a plain iterable that blocks is closed once it goes on.

        Raises
        ------
        TypeError
            If `source` is nothing to loop over.
        """
        return self.host.pump(self, source, type, loop)  # type: ignore[arg-type]  # mixed into a channel

    def record(
        self, path: str | os.PathLike[str], *, after: str = "newest", max_bytes: int = 1 << 30, overwrite: bool = False
    ) -> Recording:
        """Write everything that is pushed into a file, in the background; `sse_widget.replay` plays it again.

        One JSON object a line, with `id`, `time`, `type` and `data`; a gap has the type `"gap"`. What ends the process
        loses at most the last line.

        Parameters
        ----------
        path : str or path
            The file.
        after : str, default "newest"
            `"oldest"`: begin with the history; or an event id.
        max_bytes : int, default 1 GiB
            When the file would be larger, the recording ends, and says so in its state and in the log.
        overwrite : bool, default False
            Lose what the file holds.

        Returns
        -------
        Recording
            With `stop()`, `state` ("running", "done", "stopped", "full" or "failed"), `error`, `stats()`, `path`,
            `wait(timeout)` and `result(timeout)`; also for `with`.

        Raises
        ------
        FileExistsError
            If there is such a file.
        OSError
            If it cannot be written.
        """
        return self.host.record(self, path, after, max_bytes, overwrite=overwrite)  # type: ignore[arg-type]  # see above
