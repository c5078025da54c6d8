"""Mistyped keywords."""

from __future__ import annotations

import pytest

from sse_widget.widget.keywords import check_keywords


def test_known_keywords_pass() -> None:
    check_keywords("SSEWidget", ["history", "title"], {"title", "history", "height"})
    check_keywords("SSEWidget", [], [])


def test_an_unknown_keyword_is_answered_with_the_nearest_known_one() -> None:
    with pytest.raises(TypeError) as error:
        check_keywords("SSEWidget", ["title", "histroy"], {"title", "history", "height"})
    assert str(error.value) == "SSEWidget got an unexpected keyword 'histroy'; did you mean 'history'?"


def test_a_keyword_like_no_other_is_answered_with_all_of_them() -> None:
    with pytest.raises(TypeError) as error:
        check_keywords("SSEWidget", ["xyz"], {"title", "history"})
    assert str(error.value) == "SSEWidget got an unexpected keyword 'xyz'; known are history, title"
