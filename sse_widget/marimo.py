"""Tells whose a thread is where `marimo run` serves many visitors from one process.

Theory of operation
-------------------
marimo keeps a runtime context for each of its threads: the one that runs a visitor's cells, and each `mo.Thread`, which
has a copy. The parts of a context that the copies and the contexts of embedded apps share stand for the visitor. They
go when the visitor has gone for good. In `marimo edit`, and where a notebook is run as a script, the process is one
person's, as in Jupyter.

marimo is looked at only where it is loaded already, and never imported.
"""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Visitors"]


class Session(Protocol):
    """What each visitor has of his own."""

    def close(self) -> None:
        """Give back what it holds: the process ends."""

    def end(self) -> None:
        """Give back everything: the visitor has gone, and the process goes on."""


S = TypeVar("S", bound=Session)


class Visitors(Generic[S]):
    """Knows whether this process has visitors, and which of them a thread belongs to; gives each a session.

    Parameters
    ----------
    make : callable
        Makes a session.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._sessions: weakref.WeakKeyDictionary[object, S] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._seen = False
        self.here()  # who imports us does so in a cell, even if he uses us in a plain thread

    def here(self) -> object | None:
        """Return what stands for the visitor whose thread this is; None: this thread is nobody's."""
        context = _context()
        if getattr(context, "session_mode", None) != "run":
            return None
        self._seen = True
        visitor: object = context.app_kernel_runner_registry
        return visitor

    def find(self) -> object | None:
        """Return what stands for the visitor whose thread this is; None: the process is one person's.

        Raises
        ------
        RuntimeError
            If the process has visitors, but this thread is none of theirs.
        """
        visitor = self.here()
        if visitor is None and self._seen and _context() is None:
            message = (
                "expected a thread of marimo's, which runs one process for all visitors of an app, "
                f"got {threading.current_thread().name!r}, which may be anybody's; "
                "make channels and widgets in a cell and use them here, or start this thread as a marimo.Thread"
            )
            raise RuntimeError(message)
        return visitor

    def session(self) -> S | None:
        """Return the session of the visitor whose thread this is, made by the first call; None as `find`.

        Raises
        ------
        RuntimeError
            As `find`.
        """
        visitor = self.find()
        if visitor is None:
            return None
        with self._lock:
            return self._sessions.get(visitor) or self._welcome(visitor)

    def _welcome(self, visitor: object) -> S:
        session = self._sessions[visitor] = self._make()
        atexit.register(session.close)

        def end() -> None:
            session.end()
            atexit.unregister(session.close)

        when_over(visitor, end)
        return session


def when_over(visitor: object, end: Callable[[], None]) -> None:
    """Call `end` once, on a thread of its own, when this thread's visitor has gone."""
    # Not when it is called: a garbage collection may begin anywhere, also where a lock is held.
    over = weakref.finalize(visitor, lambda: _thread(end).start())
    over.atexit = False
    if not _is_marimo_thread():  # then this thread is the visitor's, and nothing that he has left behind keeps him
        _thread(_join, threading.current_thread(), over).start()


def _join(thread: threading.Thread, over: Callable[[], object]) -> None:
    thread.join()
    over()


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=target, args=arguments, name="sse_widget visitor", daemon=True)


def _context() -> Any:
    module = sys.modules.get("marimo._runtime.context")
    if module is None or not module.runtime_context_installed():
        return None
    return module.get_context()


def _is_marimo_thread() -> bool:
    module = sys.modules.get("marimo._runtime.threads")
    return module is not None and bool(module.is_marimo_thread())
