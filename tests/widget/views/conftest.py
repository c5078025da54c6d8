"""Views without a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.widget.widget import SSEWidget
    from tests.widget.conftest import MakeWidget


class MakeView(Protocol):
    def __call__(self, view: type[SSEWidget], *arguments: Any, **traits: Any) -> Any: ...


@pytest.fixture
def show(prices: Channel, make: MakeWidget) -> Iterator[MakeView]:  # noqa: ARG001 - it makes their comms
    """Make views on `prices` that are closed after the test."""
    made: list[SSEWidget] = []

    def make_view(view: type[SSEWidget], *arguments: Any, **traits: Any) -> SSEWidget:
        made.append(view(prices, *arguments, transport="direct", **traits))
        return made[-1]

    yield make_view
    for each in made:
        each.close()


def snapshot_of(view: SSEWidget) -> str:
    """Return what a notebook would be saved with now."""
    bundle = view._repr_mimebundle_()
    return str((bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"])
