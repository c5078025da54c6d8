"""Which handler a path belongs to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sse_widget.errors import RequestRefused
from sse_widget.runs.routes import Routes, Target


@pytest.fixture
def routes() -> Routes:
    return Routes()


def saying(text: str) -> Any:
    return lambda _request, **_params: text


def answer(routes: Routes, path: str) -> object:
    return routes.bind(Target.of(path), "0" * 32)()


def test_the_more_special_route_answers(routes: Routes) -> None:
    for pattern in ("/{rest:path}", "/a/{name}", "/a/{n:int}", "/a/b"):
        routes.add(pattern, saying(pattern))
    assert routes.patterns() == ["/a/b", "/a/{n:int}", "/a/{name}", "/{rest:path}"]
    assert answer(routes, "/a/b") == "/a/b"
    assert answer(routes, "/a/5") == "/a/{n:int}"
    assert answer(routes, "/a/c?x=1") == "/a/{name}"
    assert answer(routes, "/a/c/d") == "/{rest:path}"


def test_a_handler_is_told_of_its_request(routes: Routes) -> None:
    told = []
    routes.add("/a b/{n:int}", lambda request, n: told.append((request, n)))
    routes.bind(Target.of("/a%20b/5?x=1&x=2&ticket=t&client=c&run=r&after=e-1"), "f" * 32)()
    request, n = told[0]
    assert n == 5
    assert (request.path, request.params, request.query, request.run) == ("/a b/5", {"n": 5}, {"x": "2"}, "f" * 32)


def test_the_same_path_again_replaces_the_handler(routes: Routes) -> None:
    routes.add("/a/{n:int}", saying("old"))
    bound = routes.bind(Target.of("/a/1"), "0" * 32)
    routes.add("/a/{m:int}", saying("new"))
    assert routes.patterns() == ["/a/{m:int}"]
    assert answer(routes, "/a/1") == "new"
    assert bound() == "old"


def defined(text: str) -> Any:
    """Define a function as a cell does that is run again."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(f"def handler(request, n): return {text!r}", scope)  # noqa: S102 - as a cell
    return scope["handler"]


def test_a_function_defined_anew_with_other_types_in_its_path_replaces_the_older_one(routes: Routes) -> None:
    routes.add("/a/{n:int}", defined("old"))
    routes.add("/a/{n}", defined("new"))
    assert answer(routes, "/a/5") == "new"
    assert routes.patterns() == ["/a/{n}"]


def test_other_paths_of_a_function_stay_and_so_do_other_functions(routes: Routes) -> None:
    handler = defined("one")
    routes.add("/a/{n:int}", handler)
    routes.add("/a/{n}", handler)  # one function, two paths
    routes.add("/b/{n}", defined("two"))  # the same name in another cell
    routes.add("/a/{n:float}", saying("three"))
    assert routes.patterns() == ["/a/{n:int}", "/a/{n:float}", "/a/{n}", "/b/{n}"]


def test_what_a_factory_makes_is_not_the_same_function(routes: Routes) -> None:
    routes.add("/a/{n:int}", saying("one"))
    routes.add("/a/{n}", saying("two"))
    assert answer(routes, "/a/5") == "one"


@pytest.mark.parametrize(
    ("paths", "asked", "text"),
    [
        ([], "/a", "expected the path of a route, got '/a'; there are none: make one with @sse_widget.route(...)"),
        (
            ["/countdown/{n:int}"],
            "/cuntdown/5",
            "expected the path of a route, got '/cuntdown/5'; did you mean '/countdown",
        ),
        (["/one", "/two"], "/xyz", "expected the path of a route, got '/xyz'; there are /one, /two"),
    ],
)
def test_a_path_without_a_route_is_answered_with_those_that_there_are(
    routes: Routes, paths: list[str], asked: str, text: str
) -> None:
    for path in paths:
        routes.add(path, saying(path))
    with pytest.raises(RequestRefused, match=f"^{re.escape(text)}") as caught:
        answer(routes, asked)
    assert caught.value.status == 404


def test_a_query_that_does_not_fit_is_refused(routes: Routes) -> None:
    def handler(request: object, n: int) -> None:
        """Want a number."""

    routes.add("/a", handler)
    with pytest.raises(RequestRefused, match=r"^expected 'n' in the query, got none$") as caught:
        answer(routes, "/a")
    assert caught.value.status == 422


@pytest.mark.parametrize("text", ["a", "", "/a?x=%ff", "/%ff", "/a?" + "&".join(f"x{n}=1" for n in range(101))])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused, match=r"^expected a path and a query in UTF-8: ") as caught:
        Target.of(text)
    assert caught.value.status == 422


def test_a_target_is_written_in_one_way() -> None:
    target = Target.of("/a%2fb/c d?y=2&x=1&run=r")
    assert str(target) == "/a%2Fb/c%20d?x=1&y=2"
    assert Target.of(str(target)) == target == Target.of("/a%2Fb/c%20d?x=1&y=2")
    assert target.title == "/a/b/c d"
    assert str(Target.of("/a")) == "/a"


def test_a_handler_is_something_to_call(routes: Routes) -> None:
    with pytest.raises(TypeError, match=r"^expected a handler to call, got 5$"):
        routes.add("/a", 5)  # type: ignore[arg-type]
