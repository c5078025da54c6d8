import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_widget.core.cursor import Cursor, parse

FIXED = settings(derandomize=True, deadline=None)

EPOCHS = st.from_regex(r"[0-9a-zA-Z_]{1,64}", fullmatch=True)
SEQUENCES = st.integers(0, 10**15 - 1)


@FIXED
@given(EPOCHS, SEQUENCES)
def test_what_a_cursor_writes_parse_reads(epoch, sequence):
    cursor = Cursor(epoch, sequence)
    assert str(cursor) == f"{epoch}-{sequence}"
    assert parse(str(cursor)) == cursor


@FIXED
@given(st.text() | st.from_regex(r"[0-9a-zA-Z_]*-[+-]?\d*\s?", fullmatch=True))
def test_what_parse_reads_is_written_back_the_same(text):
    cursor = parse(text)
    assert cursor is None or str(cursor) == text


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("e-0", Cursor("e", 0)),
        ("0aZ_-1", Cursor("0aZ_", 1)),
        ("7-7", Cursor("7", 7)),
        ("e" * 64 + "-" + "9" * 15, Cursor("e" * 64, 10**15 - 1)),
    ],
)
def test_a_cursor_is_read(text, cursor):
    assert parse(text) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "e",
        "e-",
        "-1",
        "e--1",
        "e-+1",
        "e-01",
        "e-00",
        "e-1.0",
        "e-1_0",
        "e-0x1",
        "e-1e3",
        "e- 1",
        " e-1",
        "e-1 ",
        "e-1\n",
        "\ne-1",
        "e-1\0",
        "e-1-1",
        "a-b-1",
        "é-1",
        "e.f-1",
        "e-\u0661",  # ARABIC-INDIC DIGIT ONE: int() takes it
        "e-\uff11",
        "e-²",
        "e" * 65 + "-1",
        "e-1" + "0" * 15,
        "e-" + "9" * 100_000,  # int() would raise
    ],
)
def test_what_is_not_exactly_a_cursor_is_none(text):
    assert parse(text) is None


def test_a_cursor_is_a_pair():
    epoch, sequence = Cursor("e", 5)
    assert (epoch, sequence) == ("e", 5)
    assert Cursor("e", 5) < Cursor("e", 6)
