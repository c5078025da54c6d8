"""A body, taken out of its transfer coding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders

from sse_widget.sources.body import Malformed, body_of

CHUNKED = HTTPHeaders({"Transfer-Encoding": "Chunked"})


def read(headers: HTTPHeaders, parts: list[bytes]) -> tuple[bytes, bool]:
    body = body_of(headers)
    return b"".join(body.feed(part) for part in parts), body.complete


def test_without_a_length_it_ends_with_its_connection() -> None:
    assert read(HTTPHeaders(), [b"a", b"", b"b"]) == (b"ab", False)
    assert body_of(HTTPHeaders()).ends_with_connection
    assert not body_of(CHUNKED).ends_with_connection


def test_with_a_length_it_ends_there() -> None:
    headers = HTTPHeaders({"Content-Length": "3"})
    assert read(headers, [b"a"]) == (b"a", False)
    assert read(headers, [b"ab", b"cdef"]) == (b"abc", True)
    assert read(HTTPHeaders({"Content-Length": "0"}), []) == (b"", True)


def test_of_a_cut_body_in_chunks_all_is_read_that_has_come() -> None:
    assert read(CHUNKED, [b"2\r\nab\r\n5\r\ncd"]) == (b"abcd", False)


def test_extensions_and_trailers_are_none_of_the_body() -> None:
    assert read(CHUNKED, [b"2;a=b\r\nab\r\n0 ; x\r\nA: b\r\nC: d\r\n\r\nmore"]) == (b"ab", True)
    assert read(CHUNKED, [b"2\nab\n0\n\n"]) == (b"ab", True)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.lists(st.integers(0, 200), max_size=6))
def test_cuts_do_not_matter(chunks: list[bytes], cuts: list[int]) -> None:
    coded = b"".join(b"%X\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    places = [0, *sorted(min(cut, len(coded)) for cut in cuts), len(coded)]
    parts = [coded[places[at] : places[at + 1]] for at in range(len(places) - 1)]
    assert read(CHUNKED, parts) == (b"".join(chunks), True)


@pytest.mark.parametrize(
    "coded", [b"x\r\n", b"\r\n", b"-1\r\n", b"2\r\nabc\r\n", b"1" * 16 + b"\r\n", b"1;" + b"x" * 5000]
)
def test_what_is_no_chunk_is_malformed(coded: bytes) -> None:
    with pytest.raises(Malformed):
        read(CHUNKED, [coded])


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "gzip, chunked"}, {"Content-Length": "1,1"}])
def test_what_nobody_can_read_is_malformed(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        body_of(HTTPHeaders(headers))
