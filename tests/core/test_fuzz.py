"""The same cases each time, out of the million of `make fuzz`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from sse_widget.core.wire import Decoder, encode_event
from tests.core import fuzz
from tests.core.fuzz import PROPERTIES, entropies

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("check", PROPERTIES, ids=[check.__name__ for check in PROPERTIES])
def test_a_property_holds_for_two_thousand_cases(check: Callable[[bytes], None]) -> None:
    settings(max_examples=2000)(given(entropies)(check))()


@pytest.mark.parametrize("broken", ["an injected field", "a lost event"])
def test_the_properties_find_what_they_look_for(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """A property that cannot fail says nothing."""
    if broken == "an injected field":
        monkeypatch.setattr(fuzz, "encode_text", lambda text, type_, id_: encode_event(text.encode(), type_, id_))
    else:
        monkeypatch.setattr(Decoder, "_end_block", lambda *_: None)
    with pytest.raises((AssertionError, ValueError)):
        settings(max_examples=2000)(given(entropies)(fuzz.events_come_back_as_they_went))()
