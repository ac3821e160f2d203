"""What the header of a message says of what is followed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku.tracing.context import MOST, Context, Followed, decode, encode

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
SPAN = 0x00F067AA0BA902B7
ONE = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"

followed = st.builds(
    Followed,
    st.integers(0, 999_999),
    st.builds(Context, st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1)),
)


def test_one_row_is_what_w3c_trace_context_writes() -> None:
    context = Context(TRACE, SPAN)
    assert encode([Followed(0, context)]) == ONE
    assert decode(ONE) == [Followed(0, context)]


def test_other_rows_say_their_number() -> None:
    context = Context(TRACE, SPAN)
    both = [Followed(0, context), Followed(7, context)]
    assert encode(both) == f"{ONE},{ONE};row=7"
    assert decode(f"{ONE}, {ONE};row=7") == both


def test_nothing_is_an_empty_header() -> None:
    assert encode([]) == ""
    assert decode("") == []


@given(st.lists(followed, max_size=MOST))
def test_what_is_written_is_read(rows: list[Followed]) -> None:
    assert decode(encode(rows)) == rows


@given(st.lists(followed, min_size=MOST + 1, max_size=MOST + 3))
def test_no_more_than_so_many_are_followed(rows: list[Followed]) -> None:
    header = encode(rows)
    assert decode(header) == rows[:MOST]
    assert decode(f"{header},{ONE}") == rows[:MOST]


@given(st.one_of(st.text(), st.from_regex(r"00-[0-9a-f]{30,34}-[0-9a-f]{14,18}-01(;row=.*)?")))
def test_whatever_else_it_says_is_no_error(header: str) -> None:
    for one in decode(header):
        assert one.parent.trace
        assert one.parent.span


def test_zeros_are_no_trace() -> None:
    assert decode(f"00-{'0' * 32}-{'1' * 16}-01,00-{'1' * 32}-{'0' * 16}-01,{ONE}") == [
        Followed(0, Context(TRACE, SPAN))
    ]
