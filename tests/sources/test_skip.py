"""To the blank line behind an event that is too large."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_widget.sources.skip import Skip


def rest(stream: bytes, cuts: list[int]) -> bytes | None:
    skip = Skip()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in pairwise(places):
        found = skip.feed(stream[start:end])
        if found is not None:
            return found + stream[end:]
    return None


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_what_follows_the_blank_line_is_found_in_any_chunks(end: bytes, size: int) -> None:
    stream = end.join([b"xxxx", b"data: more", b"id: 5", b"", b"data: next", b"", b""])
    found = rest(stream, list(range(0, len(stream), size)))
    # Of a CRLF that is cut in two, the LF is left: it is an empty line, which ends nothing.
    assert found is not None
    assert found.removeprefix(b"\n") == end.join([b"data: next", b"", b""])


def test_the_end_of_the_long_line_is_no_blank_line() -> None:
    assert rest(b"\ndata: a\n\nb", [0]) == b"b"
    assert rest(b"\n", []) is None
    assert rest(b"", [0, 0]) is None


STREAMS = st.lists(st.sampled_from([b"\n", b"\r", b"a", b"\r\n"]), max_size=12).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 24)))
def test_chunks_do_not_matter(stream: bytes, cuts: list[int]) -> None:
    whole, parts = rest(stream, []), rest(stream, cuts)
    if whole is None or parts is None:
        assert whole == parts
    else:
        assert parts.removeprefix(b"\n") in {whole, whole.removeprefix(b"\n")}
