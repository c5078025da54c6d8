"""Paths with parameters: `/countdown/{n:int}`.

A path is compared as it is quoted in *one* way (`canonical`), so `/Börse` and `/B%C3%B6rse` are the same, and `%2F` is
a character of a segment and no separator.
"""

from __future__ import annotations

import keyword
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_PATH_CHARS", "RESERVED", "Pattern", "canonical", "parse_float", "parse_int", "parse_pattern"]

MAX_PATH_CHARS: Final = 2000
RESERVED: Final = frozenset(
    {
        "",
        "channels",
        "client.d.ts",
        "client.js",
        "events",
        "healthz",
        "metrics",
        "page",
        "page.css",
        "page.js",
        "received",
        "runs",
        "tickets",
        "whoami",
    }
)
"""What a user's path may not begin with: the server's own paths, now and by its design."""

_IN_A_SEGMENT: Final = "!$&()*+,;=:@"  # RFC 3986, `pchar`; without "'", which would end an address in a shell
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def parse_int(text: str) -> int:
    """Read a whole number of at most 18 digits; all else is a `ValueError`, also "1_0" and digits of other scripts."""
    if not _INT.fullmatch(text):
        raise ValueError(f"expected a whole number, got {text!r}")
    return int(text)


def parse_float(text: str) -> float:
    """Read a finite number."""
    value = float(text) if _FLOAT.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"expected a number, got {text!r}")
    return value


class _Converter(NamedTuple):
    rank: int  # more special first
    regex: str  # of the quoted text
    convert: Callable[[str], object]


_CONVERTERS: Final = {
    "int": _Converter(1, "[^/]+", parse_int),
    "float": _Converter(2, "[^/]+", parse_float),
    "str": _Converter(3, "[^/]+", str),
    "path": _Converter(4, ".+", str),
}


class Pattern(NamedTuple):
    """A path with parameters, ready to be compared."""

    text: str  # as the user wrote it
    regex: re.Pattern[str]
    converters: dict[str, str]  # name → type, in order
    shape: str  # without the names: two of the same shape fit the same paths
    rank: tuple[int, ...]  # compares less than that of a more general one

    def match(self, path: str) -> dict[str, Any] | None:
        """Return the parameters in a canonical path; None if it does not fit."""
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        try:
            return {
                name: _CONVERTERS[kind].convert(unquote(found[index], errors="strict"))
                for index, (name, kind) in enumerate(self.converters.items(), 1)
            }
        except ValueError:  # no number, or no UTF-8
            return None


def canonical(path: str) -> str:
    """Quote a path in the one way in which paths are compared.

    Raises
    ------
    ValueError
        If it is no path.
    """
    if not path.startswith("/") or len(path) > MAX_PATH_CHARS:
        raise ValueError(f"expected a path of at most {MAX_PATH_CHARS} characters that begins with '/', got {path!r}")
    return "/".join(quote(unquote(segment, errors="strict"), safe=_IN_A_SEGMENT) for segment in path.split("/"))


def parse_pattern(text: str) -> Pattern:
    """Read a pattern.

    Raises
    ------
    TypeError
        If it is no text.
    ValueError
        If it is no pattern, or begins with a path of the server's own.
    """
    if not isinstance(text, str):
        raise TypeError(f"expected the path of a route as a str, such as '/countdown/{{n:int}}', got {text!r}")
    if not text.startswith("/") or len(text) > MAX_PATH_CHARS or any(mark in text for mark in "?#"):
        raise ValueError(f"expected a path that begins with '/', without '?' and '#', got {text!r}")
    first = text.split("/")[1]
    if first in RESERVED:
        raise ValueError(f"expected a path of your own, got {text!r}: {'/' + first!r} is the server's; choose another")
    converters: dict[str, str] = {}
    regex, shape, rank = "", "", []
    for segment in text.split("/")[1:]:
        pieces = _PLACEHOLDER.split(segment)  # literal, placeholder, literal, …
        if any(mark in literal for literal in pieces[::2] for mark in "{}"):
            raise ValueError(f"expected parameters such as {{n}} or {{n:int}}, got {segment!r} in {text!r}")
        kinds = [_add(converters, placeholder, text) for placeholder in pieces[1::2]]
        rank.append(max((_CONVERTERS[kind].rank for kind in kinds), default=0))
        literals = [quote(literal, safe=_IN_A_SEGMENT) for literal in pieces[::2]]
        groups = [f"({_CONVERTERS[kind].regex})" for kind in kinds]
        regex += "/" + "".join(_woven([re.escape(literal) for literal in literals], groups))
        shape += "/" + "".join(_woven(literals, [f"{{:{kind}}}" for kind in kinds]))
    return Pattern(text, re.compile(regex), converters, shape, tuple(rank))


def _add(converters: dict[str, str], placeholder: str, text: str) -> str:
    """Take one `{name:type}`; return its type."""
    name, colon, kind = placeholder.partition(":")
    if not colon:
        kind = "str"
    if not name.isidentifier() or keyword.iskeyword(name) or name in converters:
        raise ValueError(f"expected the name of a parameter, each once, got {name!r} in {text!r}")
    if kind not in _CONVERTERS:
        raise ValueError(f"expected a type of {', '.join(_CONVERTERS)}, got {kind!r} in {text!r}")
    if kind == "path" and kind in converters.values():
        raise ValueError(f"expected at most one parameter of the type path, got another in {text!r}")
    converters[name] = kind
    return kind


def _woven(literals: list[str], others: list[str]) -> list[str]:
    return [part for pair in zip(literals, [*others, ""], strict=True) for part in pair]
