"""The tree of exceptions."""

from __future__ import annotations

import inspect

import pytest

from sse_widget import errors
from sse_widget.errors import (
    ChannelClosed,
    EventTooLarge,
    NoPage,
    ServerStartError,
    SSEWidgetError,
    WaitTimeout,
)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (SSEWidgetError, [Exception]),
        (ChannelClosed, [SSEWidgetError]),
        (EventTooLarge, [SSEWidgetError, ValueError]),
        (WaitTimeout, [SSEWidgetError, TimeoutError]),
        (NoPage, [WaitTimeout, SSEWidgetError, TimeoutError]),
        (ServerStartError, [SSEWidgetError]),
    ],
)
def test_each_error_can_be_caught_as_what_it_is(error: type[Exception], bases: list[type[Exception]]) -> None:
    for base in bases:
        with pytest.raises(base, match=r"^why$"):
            raise error("why")


def test_the_tree_at_the_top_of_the_module_names_all_of_them() -> None:
    tree = inspect.getdoc(errors) or ""
    assert [name for name in errors.__all__ if f":exc:`{name}`" not in tree] == []
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert defined == set(errors.__all__)
