"""Widgets without a notebook, and a main thread that is free when the test says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import comm
import pytest

from sse_widget.widget.widget import SSEWidget
from tests.widget.page import MainThread, Page, RecordingComm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sse_widget.hub.channel import Channel
    from sse_widget.session import Session


class MakeWidget(Protocol):
    def __call__(self, source: Channel | str | None = None, **keywords: Any) -> SSEWidget: ...


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> MainThread:
    """The main thread of a kernel, as `find_main_loop` finds it."""
    made = MainThread()
    events = SimpleNamespace(trigger=lambda _name: None)  # what `comm` tells when it takes a message
    shell = SimpleNamespace(kernel=SimpleNamespace(io_loop=made), events=events)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return made


@pytest.fixture
def prices(session: Session) -> Channel:
    return session.hub.channel("prices")


@pytest.fixture
def make(prices: Channel, main: MainThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWidget]:  # noqa: ARG001
    """Make widgets that are closed after the test.

    In a kernel, on `prices`, and over HTTP only, unless told otherwise.
    """
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    made: list[SSEWidget] = []

    def make_widget(source: Channel | str | None = None, **keywords: Any) -> SSEWidget:
        made.append(SSEWidget(prices if source is None else source, **{"transport": "direct", **keywords}))
        return made[-1]

    yield make_widget
    for widget in made:
        widget.close()


@pytest.fixture
def feed(make: MakeWidget) -> SSEWidget:
    return make()


@pytest.fixture
def page(session: Session, feed: SSEWidget) -> Page:
    return Page(session, feed)
