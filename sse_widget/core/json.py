"""Anything a notebook holds, as one line of JSON.

orjson does the work: it also knows NumPy, datetimes, dataclasses, enums and UUIDs. What it refuses is looked at once
more, so that the error names the type and the path to it; that slow walk runs only on the way to a `TypeError`.
"""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["from_json", "to_json"]

from_json = orjson.loads

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_LENIENT = _OPTIONS | orjson.OPT_NON_STR_KEYS
_MAX_DEPTH = 250  # orjson's own limit is 254


def to_json(data: object) -> bytes:
    """Encode `data` as one line of JSON.

    Never blocks; `data` is not kept, so changing it later changes nothing.

    Parameters
    ----------
    data : object
        None, bool, int, float, str, list, tuple, dict, NumPy scalar or array, datetime, date, time, UUID, enum,
        dataclass, nested as you like. NaN and infinity become null, as JSON has no word for them.

    Returns
    -------
    bytes
        UTF-8 without a line break.

    Raises
    ------
    TypeError
        If a part of `data` has no JSON form; the message names its type and the path to it.
    """
    try:
        return orjson.dumps(data, None, _OPTIONS)
    except TypeError:
        pass
    try:  # keys that are numbers, arrays that are not contiguous, subclasses of datetime
        return orjson.dumps(data, _convert, _LENIENT)
    except TypeError as error:
        reason = str(error)
    raise TypeError(_explain(data, reason))


def _convert(value: Any) -> object:
    for name in ("tolist", "isoformat"):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return method()
    raise TypeError


def _explain(data: object, reason: str) -> str:
    found = _first_refused(data, "data", 0)
    if found is None:
        return f"expected data that JSON can hold, got {_name(data)}: {reason}"
    path, value, why = found
    hint = "; push numbers, strings, lists, dicts, None, bool, NumPy values, datetimes, dataclasses or UUIDs"
    return f"expected data that JSON can hold, got {why or _name(value)} at {path}{'' if why else hint}"


def _name(value: object) -> str:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def _first_refused(value: object, path: str, depth: int) -> tuple[str, object, str] | None:
    """Find the first part that cannot be encoded: (path, value, what is wrong when its type is not)."""
    if depth > _MAX_DEPTH:
        return path, value, f"data nested more than {_MAX_DEPTH} levels deep (or inside itself)"
    if isinstance(value, dict | list | tuple):
        return _first_refused_inside(value, path, depth)
    return None if _encodes(value) else (path, value, _reason(value))


def _reason(value: object) -> str:
    if isinstance(value, str):
        return "a str with a lone surrogate"
    if isinstance(value, int):
        return f"an int of {value.bit_length()} bits (at most 64)"
    return ""


def _first_refused_inside(
    value: dict[object, object] | list[object] | tuple[object, ...], path: str, depth: int
) -> tuple[str, object, str] | None:
    children: list[tuple[str, object]]
    if isinstance(value, dict):
        for key in value:
            if not _encodes({key: None}):
                return f"{path}[{key!r}]", key, f"a key of type {_name(key)}"
        children = [(f"{path}[{key!r}]", child) for key, child in value.items()]
    else:
        children = [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    for child_path, child in children:
        found = _first_refused(child, child_path, depth + 1)
        if found is not None:
            return found
    return None


def _encodes(value: object) -> bool:
    try:
        orjson.dumps(value, _convert, _LENIENT)
    except TypeError:
        return False
    return True
