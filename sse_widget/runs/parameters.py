"""What a handler is called with: the path's parameters, and those of the query that its signature names."""

from __future__ import annotations

import inspect
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union, get_args, get_origin

from sse_widget.runs.pattern import parse_float, parse_int

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["OWN_FIELDS", "Request", "Signature"]

OWN_FIELDS: Final = ("after", "client", "run", "ticket")
"""Fields of the query that are the server's; a handler does not see them."""

_POSITIONAL: Final = frozenset(
    {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
)
_TRUE: Final = frozenset({"1", "on", "true", "yes"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler is told of the request it handles.

    Attributes
    ----------
    path : str
        The path that was asked for, without the query.
    params : mapping
        The parameters in the path, converted; the handler gets them as arguments, too.
    query : mapping of str
        All of the query, as text; of a field that comes more than once, the last.
    run : str
        The id of the run: also the epoch of its events' ids.
    """

    path: str
    params: Mapping[str, Any]
    query: Mapping[str, str]
    run: str


def _parse_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"expected true or false, got {text!r}")


_CONVERTERS: Final[dict[Any, Callable[[str], object]]] = {
    inspect.Parameter.empty: str,
    Any: str,
    object: str,
    str: str,
    int: parse_int,
    float: parse_float,
    bool: _parse_bool,
}


class _Field(NamedTuple):
    convert: Callable[[str], object]
    required: bool


class Signature:
    """How one handler takes its arguments; looked at once, when the route is made.

    Raises
    ------
    TypeError
        If the handler cannot be called with a request and the path's parameters, or wants something of the query that
        no text can be converted to.
    """

    def __init__(self, handler: Callable[..., object], in_path: Mapping[str, str]) -> None:
        name = getattr(handler, "__qualname__", repr(handler))
        parameters = _parameters(handler)
        if not parameters or parameters[0].kind not in _POSITIONAL:
            raise TypeError(f"expected a handler whose first parameter is the request, got {name}()")
        others = parameters[1:]
        self._takes_all = any(each.kind is each.VAR_KEYWORD for each in others)
        named = {each.name: each for each in others if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}}
        missing = [] if self._takes_all else [each for each in in_path if each not in named]
        if missing:
            raise TypeError(f"expected {name}() to take the path's {missing[0]!r}; add it as a parameter")
        self._fields = {each: _field(name, found) for each, found in named.items() if each not in in_path}

    def arguments(self, request: Request) -> dict[str, object]:
        """Return the keyword arguments for one request.

        Raises
        ------
        ValueError
            If the query lacks something or holds what cannot be converted.
        """
        arguments: dict[str, object] = dict(request.params)
        for name, field in self._fields.items():
            text = request.query.get(name)
            if text is not None:
                try:
                    arguments[name] = field.convert(text)
                except ValueError as error:
                    raise ValueError(f"{error} for {name!r} in the query") from None
            elif field.required:
                raise ValueError(f"expected {name!r} in the query, got none")
        if self._takes_all:
            return {**request.query, **arguments}
        return arguments


def _parameters(handler: Callable[..., object]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(handler, eval_str=True).parameters.values())
    except NameError:  # an annotation that is there for type checkers only
        return list(inspect.signature(handler).parameters.values())


def _field(owner: str, parameter: inspect.Parameter) -> _Field:
    if parameter.name in OWN_FIELDS:
        raise TypeError(
            f"expected a parameter of {owner}() by another name than {parameter.name!r}: it is the server's"
        )
    wanted = parameter.annotation
    if get_origin(wanted) in {Union, types.UnionType}:
        some = [each for each in get_args(wanted) if each is not types.NoneType]
        wanted = some[0] if len(some) == 1 else wanted
    try:
        convert = _CONVERTERS[wanted]
    except (KeyError, TypeError):  # no type that we know, or nothing that can be a key
        raise TypeError(
            f"expected {parameter.name!r} of {owner}() to be a str, int, float or bool, as the query is text, "
            f"got {parameter.annotation!r}"
        ) from None
    return _Field(convert, required=parameter.default is parameter.empty)
