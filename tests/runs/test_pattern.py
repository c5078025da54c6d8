"""Paths with parameters."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.runs.pattern import RESERVED, canonical, parse_float, parse_int, parse_pattern
from sse_widget.server.guard import Guard
from sse_widget.server.server import _application
from sse_widget.server.state import Limits, State


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("/a", "/a", {}),
        ("/a", "/a/", None),
        ("/a/{n:int}", "/a/5", {"n": 5}),
        ("/a/{n:int}", "/a/-5", {"n": -5}),
        ("/a/{n:int}", "/a/5.0", None),
        ("/a/{n:int}", "/a/1_0", None),
        ("/a/{n:int}", "/a/%D9%A1", None),  # an Arabic one
        ("/a/{n:int}", "/a/" + 19 * "1", None),
        ("/a/{x:float}", "/a/1.5e-3", {"x": 0.0015}),
        ("/a/{x:float}", "/a/.5", {"x": 0.5}),
        ("/a/{x:float}", "/a/nan", None),
        ("/a/{x:float}", "/a/1e999", None),
        ("/a/{name}", "/a/b%2Fc%20d", {"name": "b/c d"}),
        ("/a/{name:str}", "/a/b/c", None),
        ("/a/{name}", "/a/", None),
        ("/a/{name}", "/a/%ff", "no UTF-8"),
        ("/a/{rest:path}", "/a/b/c", {"rest": "b/c"}),
        ("/a/{rest:path}", "/a/", None),
        ("/{a}-{b:int}.json", "/x-y-7.json", {"a": "x-y", "b": 7}),
        ("/Börse/{n:int}", "/B%c3%b6rse/1", {"n": 1}),
        ("/a.c", "/abc", None),
        ("/100%", "/100%25", {}),
    ],
)
def test_a_path_fits_a_pattern_and_gives_its_parameters(pattern: str, path: str, params: Any) -> None:
    if params == "no UTF-8":
        with pytest.raises(ValueError, match="utf-8"):
            canonical(path)
        assert parse_pattern(pattern).match("/a/%FF") is None
        return
    assert parse_pattern(pattern).match(canonical(path)) == params


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=4))
def test_any_text_is_a_segment_and_comes_back(segments: list[str]) -> None:
    path = canonical("/x/" + "/".join(quote(segment, safe="") for segment in segments))
    assert canonical(path) == path
    assert re.fullmatch(r"[!-~]+", path), "one line of printable ASCII"
    assert "'" not in path
    pattern = parse_pattern("/x/" + "/".join(f"{{p{n}}}" for n in range(len(segments))))
    assert list((pattern.match(path) or {}).values()) == segments


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a", "expected a path that begins with '/', without '?' and '#', got 'a'"),
        ("/a?b", "expected a path that begins with '/', without '?' and '#', got '/a?b'"),
        ("/a#b", "expected a path that begins with '/', without '?' and '#', got '/a#b'"),
        ("/a/{n", "expected parameters such as {n} or {n:int}, got '{n' in '/a/{n'"),
        ("/a/n}", "expected parameters such as {n} or {n:int}, got 'n}' in '/a/n}'"),
        ("/a/{}", "expected the name of a parameter, each once, got '' in '/a/{}'"),
        ("/a/{for}", "expected the name of a parameter, each once, got 'for' in '/a/{for}'"),
        ("/a/{n}/{n}", "expected the name of a parameter, each once, got 'n' in '/a/{n}/{n}'"),
        ("/a/{n:uuid}", "expected a type of int, float, str, path, got 'uuid' in '/a/{n:uuid}'"),
        ("/a/{n:}", "expected a type of int, float, str, path, got '' in '/a/{n:}'"),
        ("/a/{b:path}/{c:path}", "expected at most one parameter of the type path, got another in "),
        ("/", "expected a path of your own, got '/': '/' is the server's; choose another"),
        ("/events/mine", "expected a path of your own, got '/events/mine': '/events' is the server's; choose another"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_reason(pattern: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        parse_pattern(pattern)


def test_a_pattern_is_a_text() -> None:
    with pytest.raises(
        TypeError, match=r"^expected the path of a route as a str, such as '/countdown/\{n:int\}', got 5$"
    ):
        parse_pattern(5)  # type: ignore[arg-type]


def test_all_paths_of_the_server_are_reserved() -> None:
    rules = _application(State(Guard(), None, Limits())).wildcard_router.rules  # type: ignore[arg-type]
    first = {rule.matcher.regex.pattern.rstrip("$").split("/")[1].replace("\\", "") for rule in rules}  # type: ignore[attr-defined]
    assert first <= RESERVED


@pytest.mark.parametrize("path", ["", "a", "/" + 2000 * "a"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a path of at most 2000 characters that begins with '/', got "):
        canonical(path)


@pytest.mark.parametrize("text", ["", "x", "1.0", "1 ", "0x1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a whole number, got "):
        parse_int(text)
    if text != "1.0":
        with pytest.raises(ValueError, match=r"^expected a number, got "):
            parse_float(text)


def test_more_special_patterns_come_first() -> None:
    texts = ["/a/b", "/a/{n:int}", "/a/{n:float}", "/a/{n}", "/a/{n:path}", "/{a}/b", "/{a}/{b}"]
    ranks = [parse_pattern(text).rank for text in texts]
    assert ranks == sorted(set(ranks))
