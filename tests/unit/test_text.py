from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.text import _BREAKS, _DROPPED, alike, clean


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("hello", "hello"),
        ("  hello \t", "hello"),
        ("a  b", "a  b"),
        ("a\nb\x00\x1b[31mc\x7f", "a b[31mc"),
        ("", ""),
        (" \r\n", ""),
        ("你好！", "你好！"),
        ("　你好　", "你好"),
        ("e\u0301", "é"),
        ("a\u202eb\u2066c\u200b", "abc"),
        ("一\u2028二\x85三", "一 二 三"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("\u200d", ""),
        ("\u3164\u2800", ""),
        ("é\ud800", "é"),
    ],
)
def test_text_is_made_fit_for_one_line(typed: str, shown: str) -> None:
    assert clean(typed) == shown


@given(st.text(st.characters()))
def test_what_is_clean_stays_as_it_is_and_holds_no_controls(typed: str) -> None:
    shown = clean(typed)
    assert clean(shown) == shown
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    shown.encode()


def test_nothing_that_can_be_printed_is_taken_out() -> None:
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert (_BREAKS.search(printable), _DROPPED.search(printable)) == (None, None)


@given(st.text(st.sampled_from("aAßé \u3000\t哈\u200b")))
def test_case_and_blanks_make_no_text_another_one(typed: str) -> None:
    assert alike(typed) == "".join(typed.split()).casefold() == alike(f" {typed.upper()}\u3000")
