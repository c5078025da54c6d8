import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_widget.core.wire import (
    Decoder,
    ServerSentEvent,
    check_id,
    check_type,
    encode_event,
    encode_named,
    encode_pack,
    encode_priming,
    encode_record,
    encode_text,
)
from sse_widget.errors import EventTooLarge
from tests.core.vectors import OWN, SHARED, chunks, cut, decode, load, reference

FIXED = settings(derandomize=True, deadline=None, max_examples=200)
VECTORS = {f"own-{v.name}": v for v in load(OWN)} | {f"shared-{v.name}": v for v in load(SHARED)}

TYPES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=100)
IDS = st.text(st.characters(max_codepoint=127, exclude_characters="\r\n\0"), max_size=200)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))
TEXTS = st.text(st.sampled_from("\r\n:a \0\u2028é") | st.characters(exclude_categories=["Cs"]))
CUTS = st.lists(st.integers(0, 2000), max_size=8)
# Made of the pieces that mean something: random bytes alone hardly ever form a field.
PIECES = [
    "data",
    "event",
    "id",
    "retry",
    ":",
    ": ",
    " ",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "7",
    "é",
    "\0",
    "\ufeff",
    "\u2028",
]
PIECES += ["data: a\n", "data:  b\n\n", "event: t\n", "event: \n", "id: 3\n", "id: \n", "id:4\n", ": c\n", "retry: 5\n"]
STREAMS = st.lists(st.sampled_from([p.encode() for p in PIECES]) | st.binary(max_size=3), max_size=40).map(b"".join)


def exactly(message):
    return rf"\A{re.escape(message)}\Z"


# ------------------------------------------------------------------------------------------------------------ decoding


def test_there_are_vectors_and_their_names_are_unique():
    assert len(load(OWN)) == len({v.name for v in load(OWN)}) > 100


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_gives_the_same_events_under_every_chunking_and_line_end(name):
    vector = VECTORS[name]
    ends = [b"\n"] if b"\r" in vector.stream else [b"\n", b"\r", b"\r\n"]
    for end in ends:
        stream = vector.stream.replace(b"\n", end)
        for n in (len(stream) + 1, 1, 2, 3):
            *seen, comments, failed = decode(chunks(stream, n))
            assert seen == [vector.expected, vector.retry, vector.last_event_id], (end, n)
            assert comments == (comments if vector.comments is None else vector.comments)
            assert not failed


@FIXED
@given(STREAMS | st.binary(max_size=200), CUTS)
def test_any_bytes_in_any_chunks_give_what_the_standard_says(stream, cuts):
    expected = reference(stream)
    assert decode([stream]) == expected
    assert decode(chunks(stream, 1)) == expected
    assert decode(cut(stream, cuts)) == expected


@FIXED
@given(STREAMS, CUTS, st.sampled_from([3, 8, 20]), st.integers(1, 6))
def test_limits_hold_and_take_effect_at_the_same_byte_under_every_chunking(stream, cuts, line, event):
    limits = {"max_line_bytes": line, "max_event_bytes": event}
    expected = decode([stream], **limits)
    assert decode(chunks(stream, 1), **limits) == expected
    assert decode(cut(stream, cuts), **limits) == expected
    decoder = Decoder(line, event)
    for chunk in cut(stream, cuts):
        try:
            decoder.feed(chunk)
        except EventTooLarge:
            assert decoder.failure
        assert len(decoder._line) <= line
        assert len(decoder._data) <= event + 1  # with the last LF, which is not the event's


def test_a_line_of_exactly_the_limit_is_taken():
    assert Decoder(max_line_bytes=7).feed(b"data: x\n\n") == [("message", "x", "")]


def test_an_event_of_exactly_the_limit_is_taken():
    assert Decoder(max_event_bytes=3).feed(b"data: a\ndata: b\n\n") == [("message", "a\nb", "")]


def test_invalid_bytes_count_as_they_came_not_as_the_three_of_their_replacement():
    decoder = Decoder(max_line_bytes=15, max_event_bytes=15)
    assert decoder.feed(b"id:\ndata:\xff\xff\xff\xff\n\n") == [("message", "\ufffd" * 4, "")]


def test_a_line_over_the_limit_closes_the_decoder():
    decoder = Decoder(max_line_bytes=7)
    for _ in range(2):
        with pytest.raises(EventTooLarge, match=exactly("expected a line of at most 7 bytes, got at least 8")):
            decoder.feed(b"data: xy\n\n")


def test_an_unfinished_line_over_the_limit_is_not_kept():
    decoder = Decoder(max_line_bytes=7)
    with pytest.raises(EventTooLarge, match=exactly("expected a line of at most 7 bytes, got at least 1000")):
        decoder.feed(b"x" * 1000)
    assert decoder._line == b""


def test_an_event_over_the_limit_closes_the_decoder():
    decoder = Decoder(max_event_bytes=3)
    assert decoder.feed(b"data: ab\n") == []
    with pytest.raises(EventTooLarge, match=exactly("expected an event of at most 3 bytes, got at least 4")):
        decoder.feed(b"data: c\n")
    assert decoder._data == b""


def test_the_rest_of_a_begun_block_over_the_limit_ends_the_stream_before_the_blocks_after_it():
    decoder = Decoder(max_line_bytes=100, max_event_bytes=100)
    decoder.feed(b"data: " + b"x" * 90 + b"\n")
    with pytest.raises(EventTooLarge, match=exactly("expected an event of at most 100 bytes, got at least 111")):
        decoder.feed(b"data: " + b"x" * 20 + b"\n\ndata: y\n\n")


def test_events_complete_before_the_limit_are_returned_first():
    decoder = Decoder(max_line_bytes=7)
    assert decoder.feed(b"data: x\nid: 1\n\ndata: yz\n\n") == [("message", "x", "1")]
    assert decoder.failure == "expected a line of at most 7 bytes, got at least 8"
    with pytest.raises(EventTooLarge, match=exactly(decoder.failure)):
        decoder.feed(b"")
    assert decoder.last_event_id == "1"


def test_reset_opens_a_decoder_that_a_limit_has_closed():
    decoder = Decoder(max_line_bytes=7)
    with pytest.raises(EventTooLarge):
        decoder.feed(b"x" * 8)
    decoder.reset()
    assert decoder.failure == ""
    assert decoder.feed(b"data: x\n\n") == [("message", "x", "")]


@pytest.mark.parametrize("limits", [(0, 1), (1, 0)])
def test_a_limit_below_one_byte_is_refused(limits):
    with pytest.raises(
        ValueError, match=exactly(f"expected limits of at least 1 byte, got {limits[0]} and {limits[1]}")
    ):
        Decoder(*limits)


@pytest.mark.parametrize("rest", [b"id: 2\n", b"id: 2", b"event: x\ndata: lost\n", b"data: a\r", b"\xef", b": c", b""])
def test_nothing_of_an_unfinished_block_gets_into_the_next_connection(rest):
    decoder = Decoder()
    decoder.feed(b"retry: 9\ndata: a\nid: 1\n\n" + rest)
    decoder.reset()
    assert (decoder.last_event_id, decoder.retry_ms) == ("1", 9)
    assert decoder.feed(b"\xef\xbb\xbf\ndata: b\n\n") == [("message", "b", "1")]


def test_a_new_connection_may_begin_with_a_line_feed_although_the_last_one_ended_with_cr():
    decoder = Decoder()
    decoder.feed(b"data: a\r")
    decoder.reset()
    assert decoder.feed(b"data: b\n") == []
    assert decoder.feed(b"\n") == [("message", "b", "")]


def test_a_cr_at_the_end_of_a_chunk_ends_its_line_at_once():
    decoder = Decoder()
    assert decoder.feed(b"data: a\r\r") == [("message", "a", "")]
    assert decoder.feed(b"\ndata: b\r") == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\r") == [("message", "b", "")]


@pytest.mark.parametrize(("digits", "retry_ms"), [("0" * 5000 + "7", 7), ("9" * 5000, 10**15 - 1)])
def test_a_retry_of_thousands_of_digits_is_a_long_time_and_no_error(digits, retry_ms):
    decoder = Decoder()
    decoder.feed(b"retry: " + digits.encode() + b"\n")
    assert decoder.retry_ms == retry_ms


@pytest.mark.parametrize("n", [1, 1024])
def test_a_line_of_a_mebibyte_in_small_chunks_takes_linear_time(n):
    stream = b"data: " + b"x" * 2**20 + b"\n\n"  # quadratic, byte by byte, is beyond the tests' timeout
    assert decode(chunks(stream, n))[0] == [("message", "x" * 2**20, "")]


def test_an_event_of_a_hundred_thousand_lines_takes_linear_time():
    stream = b"data:x\n" * 100_000 + b"\n"
    assert decode(chunks(stream, 7))[0] == [("message", "\n".join("x" * 100_000), "")]


# ------------------------------------------------------------------------------------------------------------ encoding


@FIXED
@given(st.lists(st.tuples(TYPES, LINES, IDS), max_size=8), CUTS)
def test_decoding_what_was_encoded_gives_the_same_events_under_every_chunking(events, cuts):
    expected, last = [], "e-0"
    stream = encode_priming("e-0", 2000)
    for type_, data, id_ in events:
        check_type(type_)
        check_id(id_)
        stream += encode_event(data.encode(), type_, id_)
        last = id_ or last
        expected.append(ServerSentEvent(type_, data, last))
    assert decode(cut(stream, cuts)) == decode(chunks(stream, 1)) == (expected, 2000, last, [], False)


@FIXED
@given(TYPES, TEXTS, IDS)
def test_no_type_text_or_id_injects_a_field(type_, text, id_):
    data = text.replace("\r\n", "\n").replace("\r", "\n")
    for stream in (encode_text(text, type_, id_), encode_text(text, "message", id_)):
        events, *rest = decode([stream])
        assert [(event.data, event.id) for event in events] == [(data, id_)]
        assert rest == [None, id_, [], False]


@FIXED
@given(st.lists(st.tuples(st.integers(0, 2**60), TYPES | st.just("message"), st.text()), max_size=5), st.booleans())
def test_a_pack_is_one_event_of_one_line_of_json(events, gap):
    records = (encode_record(time_us, type_, json.dumps(data).encode()) for time_us, type_, data in events)
    [event] = Decoder().feed(encode_pack(json.dumps("pré\n").encode(), "e_1", 17, records, gap))
    assert (event.type, event.id) == ("pack", "")
    expected = {"channel": "pré\n", "epoch": "e_1", "first": 17, "events": [list(e) for e in events]}
    assert json.loads(event.data) == expected | ({"gap": True} if gap else {})


def test_frames_are_these_bytes():
    assert encode_event(b"[1]", "message", "e-1") == b"data: [1]\nid: e-1\n\n"
    assert encode_event(b"[1]", "trade", "e-1") == b"event: trade\ndata: [1]\nid: e-1\n\n"
    assert encode_event(b"", "message", "") == b"data: \n\n"
    assert encode_named("rotate", b"{}") == b"event: rotate\ndata: {}\n\n"
    assert encode_named("gap", b"{}", "e-1") == b"event: gap\ndata: {}\nid: e-1\n\n"
    assert encode_priming("e-0", 2000) == b"retry: 2000\nid: e-0\n\n"
    assert encode_text("a\r\nb\rc\nd\n", "x", "1") == b"event: x\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \nid: 1\n\n"
    assert encode_text("a\u2028b\x0bc", "message", "") == "data: a\u2028b\x0bc\n\n".encode()


def test_records_and_packs_are_these_bytes():
    records = [encode_record(5, "message", b"{}"), encode_record(6, 'é"', b"null")]
    assert records == [b'[5,"message",{}]', b'[6,"\\u00e9\\"",null]']
    start = b'event: pack\ndata: {"channel":"p","epoch":"e","first":7,"events":['
    assert encode_pack(b'"p"', "e", 7, records, gap=False) == start + b'[5,"message",{}],[6,"\\u00e9\\"",null]]}\n\n'
    assert encode_pack(b'"p"', "e", 7, [], gap=True) == start + b'],"gap":true}\n\n'


@pytest.mark.parametrize("data", [b"[1,\n2]", b"[1,\r2]"])
def test_data_of_more_than_one_line_is_refused(data):
    for encode in (
        lambda: encode_event(data, "x", ""),
        lambda: encode_named("x", data),
        lambda: encode_record(1, "x", data),
    ):
        with pytest.raises(ValueError, match=exactly(f"expected data on one line, got a line break in {data!r}")):
            encode()


def test_a_negative_retry_is_refused():
    with pytest.raises(ValueError, match=exactly("expected retry_ms of at least 0, got -5")):
        encode_priming("e-0", -5)


def test_text_that_utf_8_cannot_carry_is_refused():
    with pytest.raises(UnicodeEncodeError):
        encode_text("\ud800", "message", "")


@pytest.mark.parametrize("type_", ["message", "é", " ", "a:b", "\u2028", "t" * 100])
def test_a_type_that_arrives_as_it_is_is_taken(type_):
    check_type(type_)


@pytest.mark.parametrize("id_", ["", "e-1", " ", "a:b", "\x7f", "i" * 200])
def test_an_id_that_arrives_as_it_is_is_taken(id_):
    check_id(id_)


@pytest.mark.parametrize(
    ("check", "values", "error", "message"),
    [
        (check_type, [None, b"x", 1], TypeError, "expected an event type as str, got {!r}"),
        (check_type, ["", "t" * 101], ValueError, "expected an event type of 1 to 100 characters, got {1}"),
        (
            check_type,
            ["a\rb", "a\n", "\0", "\ud800"],
            ValueError,
            "expected an event type without CR, LF, NUL and lone surrogates, got {!r}",
        ),
        (check_id, [None, b"x", 1], TypeError, "expected an id as str, got {!r}"),
        (check_id, ["i" * 201], ValueError, "expected an id of at most 200 bytes, got {1}"),
        (
            check_id,
            ["a\rb", "a\n", "\0", "é", "\ud800"],
            ValueError,
            "expected an id of ASCII characters without CR, LF and NUL, got {!r}",
        ),
    ],
)
def test_a_type_or_id_that_would_not_arrive_as_it_is_is_refused(check, values, error, message):
    for value in values:
        text = message.replace("{!r}", repr(value)).replace("{1}", str(len(value)) if isinstance(value, str) else "")
        with pytest.raises(error, match=exactly(text)):
            check(value)
