"""`route`: the user's functions as handlers of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sse_widget.session import current

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["route"]

H = TypeVar("H", bound="Callable[..., object]")


def route(path: str) -> Callable[[H], H]:
    """Let a function handle the requests for a path, as a decorator; running the cell again replaces it.

    Parameters
    ----------
    path : str
        Such as `"/countdown/{n:int}"`; a parameter's type is `str` (if none is given), `int`, `float`, or `path`, which
        may hold slashes. Of several that fit, the more special one is taken.

    Returns
    -------
    callable
        The decorator; it returns the function as it is.

    Raises
    ------
    ValueError
        If the path is none, or begins with one of the server's own.
    TypeError
        If the function cannot be called with what the path and its own signature ask for.

    Notes
    -----
    The handler is called with a `Request`, the path's parameters by name, and those of its other parameters that the
    query has, converted as they are annotated (`str`, `int`, `float`, `bool`). An async generator or a generator sends
    an event for each value it yields: anything that can be pushed, or an `Event` to set the type. A function or a
    coroutine sends the one value it returns. Generators and plain functions run on a thread of their own, the others on
    a loop that they share. When a run is cancelled, its generator is closed.
    """

    def add(handler: H) -> H:
        current().runs.routes.add(path, handler)
        return handler

    return add
