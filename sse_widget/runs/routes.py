"""Which handler a path belongs to."""

from __future__ import annotations

import difflib
import functools
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from sse_widget.errors import RequestRefused
from sse_widget.runs.parameters import OWN_FIELDS, Request, Signature
from sse_widget.runs.pattern import Pattern, canonical, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Routes", "Target"]

MAX_FIELDS: Final = 100


class Target(NamedTuple):
    """What is asked for: a path and a query, of which the server's own fields are taken out."""

    path: str  # canonical
    query: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Target:
        """Read `PATH?QUERY`.

        Raises
        ------
        RequestRefused
            If it is none.
        """
        path, _, query = text.partition("?")
        try:
            fields = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
            return cls(canonical(path), {name: value for name, value in fields if name not in OWN_FIELDS})
        except ValueError as error:
            raise RequestRefused(422, f"expected a path and a query in UTF-8: {error}") from None

    @property
    def title(self) -> str:
        """The path for people."""
        return unquote(self.path)

    def __str__(self) -> str:
        """Write it, the same way each time."""
        return f"{self.path}?{urlencode(sorted(self.query.items()))}" if self.query else self.path


class _Route(NamedTuple):
    pattern: Pattern
    handler: Callable[..., object]
    signature: Signature


class Routes:
    """All routes of one session. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: tuple[_Route, ...] = ()  # more special ones first; replaced as a whole, so reading needs no lock

    def add(self, path: str, handler: Callable[..., object]) -> None:
        """Let `handler` answer from now on; it replaces what had the same path.

        Also, where a function of the same name is defined anew, if only the types of the path's parameters have
        changed: an edited cell would otherwise leave the older handler in the way of the newer one.
        """
        if not callable(handler):
            raise TypeError(f"expected a handler to call, got {handler!r}")
        pattern = parse_pattern(path)
        route = _Route(pattern, handler, Signature(handler, pattern.converters))
        with self._lock:
            kept = [other for other in self._routes if not _replaces(route, other)]
            self._routes = tuple(sorted([*kept, route], key=lambda each: each.pattern.rank))

    def has(self, path: str) -> bool:
        """Tell whether some handler answers a canonical path."""
        return self._find(path) is not None

    def bind(self, target: Target, run_id: str) -> Callable[[], object]:
        """Return the call that handles a request.

        Raises
        ------
        RequestRefused
            If nothing answers this path, or the query does not fit.
        """
        found = self._find(target.path)
        if found is None:
            raise RequestRefused(404, self._explain(target.title))
        route, params = found
        request = Request(target.title, params, dict(target.query), run_id)
        try:
            arguments = route.signature.arguments(request)
        except ValueError as error:
            raise RequestRefused(422, str(error)) from None
        return functools.partial(route.handler, request, **arguments)

    def patterns(self) -> list[str]:
        """Return the paths as they were written, more special ones first."""
        return [route.pattern.text for route in self._routes]

    def _find(self, path: str) -> tuple[_Route, dict[str, Any]] | None:
        for route in self._routes:
            params = route.pattern.match(path)
            if params is not None:
                return route, params
        return None

    def _explain(self, path: str) -> str:
        known = self.patterns()
        if not known:
            return f"expected the path of a route, got {path!r}; there are none: make one with @sse_widget.route(...)"
        near = difflib.get_close_matches(path, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known[:10])}"
        return f"expected the path of a route, got {path!r}; {hint}"


def _replaces(route: _Route, other: _Route) -> bool:
    if route.pattern.shape == other.pattern.shape:
        return True
    return _untyped(route) == _untyped(other) and _is_newer(route.handler, other.handler)


def _untyped(route: _Route) -> str:
    shape = route.pattern.shape
    for kind in set(route.pattern.converters.values()):
        shape = shape.replace(f"{{:{kind}}}", "{}")
    return shape


def _is_newer(handler: object, other: object) -> bool:
    names = [(getattr(each, "__module__", None), getattr(each, "__qualname__", None)) for each in (handler, other)]
    return handler is not other and names[0] == names[1] and None not in names[0] and "<" not in str(names[0][1])
