"""What a handler is called with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sse_widget.runs.parameters import Request, Signature

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]


def arguments(handler: Any, params: dict[str, Any] | None = None, **query: str) -> dict[str, object]:
    params = params or {}
    return Signature(handler, dict.fromkeys(params, "str")).arguments(Request("/p", params, query, "0" * 32))


def plain(request, n, speed="slow"):
    """Take all as text."""


def typed(
    _request: Request, n: int, x: float = 1.0, on: bool = False, name: str | None = None, *, more: int | None = 5
):
    """Take all kinds."""


def test_the_paths_parameters_and_the_querys_are_arguments() -> None:
    assert arguments(plain, {"n": 5}) == {"n": 5}
    assert arguments(plain, {"n": 5}, speed="fast", other="x") == {"n": 5, "speed": "fast"}
    assert arguments(plain, n="5") == {"n": "5"}


def test_annotations_convert_the_query() -> None:
    assert arguments(typed, n="5", x="2.5", on="Yes", name="a", more="7") == {
        "n": 5,
        "x": 2.5,
        "on": True,
        "name": "a",
        "more": 7,
    }
    assert arguments(typed, n="5", on="0") == {"n": 5, "on": False}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "expected 'n' in the query, got none"),
        ({"n": "x"}, "expected a whole number, got 'x' for 'n' in the query"),
        ({"n": "1", "x": "y"}, "expected a number, got 'y' for 'x' in the query"),
        ({"n": "1", "on": "perhaps"}, "expected true or false, got 'perhaps' for 'on' in the query"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(query: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        arguments(typed, **query)


def test_the_path_goes_before_the_query() -> None:
    assert arguments(plain, {"n": 5}, n="6") == {"n": 5}


def test_a_handler_may_take_everything_that_is_left() -> None:
    def handler(*_all: Any, x: int = 0, **rest: str) -> None:
        """Take it."""

    assert arguments(handler, {"n": 5}, x="1", y="2") == {"n": 5, "x": 1, "y": "2"}


def test_an_annotation_for_type_checkers_only_is_no_obstacle() -> None:
    def handler(request: Unknown, n: int) -> None:
        """Have an annotation that cannot be looked up."""

    assert arguments(handler, {"n": 5}) == {"n": 5}


def no_request():
    """Take nothing."""


def only_named(*, request):
    """Take it by name only."""


def lists(request, tags: list[str]):
    """Take what no text is."""


def two_types(request, x: int | str):
    """Take what is not clear."""


def own(request, ticket=""):
    """Take what is the server's."""


@pytest.mark.parametrize(
    ("handler", "in_path", "text"),
    [
        (no_request, {}, "expected a handler whose first parameter is the request, got no_request()"),
        (only_named, {}, "expected a handler whose first parameter is the request, got only_named()"),
        (plain, {"m": "int"}, "expected plain() to take the path's 'm'; add it as a parameter"),
        (lists, {}, "expected 'tags' of lists() to be a str, int, float or bool, as the query is text, got list[str]"),
        (
            two_types,
            {},
            "expected 'x' of two_types() to be a str, int, float or bool, as the query is text, got int | str",
        ),
        (own, {}, "expected a parameter of own() by another name than 'ticket': it is the server's"),
    ],
)
def test_a_handler_that_could_not_be_called_is_refused_when_the_route_is_made(
    handler: Any, in_path: dict[str, str], text: str
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(text)}"):
        Signature(handler, in_path)


def test_a_request_is_frozen() -> None:
    request = Request("/p", {}, {}, "0" * 32)
    with pytest.raises(AttributeError):
        request.path = "/q"  # type: ignore[misc]
