"""What is known of a primary that took over without what others had confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from danmaku.store.valkey.confirmed import Confirmed, Line, Mark, line_of, mark_of

INFO = b"# Replication\r\nrole:%s\r\nmaster_replid:b\r\nmaster_replid2:a\r\nsecond_repl_offset:101\r\n"
OLD, NEW = Line(b"a", b"0", -1), Line(b"b", b"a", 101)


def test_a_primary_says_whom_it_followed_and_how_far() -> None:
    assert line_of(INFO % b"master") == NEW
    assert line_of(INFO % b"slave") is None


def test_of_a_primary_that_does_not_say_it_nothing_is_known() -> None:
    assert line_of(b"# Replication\r\nconnected_slaves:0\r\n") is None
    line = line_of(b"role:master\r\nconnected_slaves:1\r\n")
    assert line == Line(b"", b"", -1)
    assert mark_of(line, [b"master", 120, [[b"h", b"1", b"90"]]], 1) is None
    assert Confirmed().missing(line) == 0


def test_who_does_not_say_since_when_it_followed_nobody_lacks_nothing_that_is_known() -> None:
    line = line_of(b"role:master\r\nmaster_replid:b\r\nmaster_replid2:a\r\n")
    assert line == Line(b"b", b"", -1)
    confirmed = Confirmed()
    confirmed.note(Mark(b"a", 100))
    assert confirmed.missing(line) == 0


@pytest.mark.parametrize(
    ("role", "replicas", "mark"),
    [
        ([b"master", 120, [[b"h", b"1", b"90"], [b"h", b"2", b"110"]]], 1, Mark(b"a", 110)),
        ([b"master", 120, [[b"h", b"1", b"90"], [b"h", b"2", b"110"]]], 2, Mark(b"a", 90)),
        ([b"master", 120, [[b"h", b"1", b"90"]]], 2, None),
        ([b"slave", b"h", 1, b"connected", 120], 1, None),
        (PermissionError("it may not be asked"), 1, None),
    ],
)
def test_as_many_as_are_asked_for_have_confirmed_so_much(role: Any, replicas: int, mark: Mark | None) -> None:
    assert mark_of(OLD, role, replicas) == mark


@pytest.mark.parametrize(("offsets", "missing"), [([100], 0), ([101], 1), ([150, 120], 50), ([], 0)])
def test_who_took_over_lacks_what_it_had_not_heard(offsets: list[int], missing: int) -> None:
    confirmed = Confirmed()
    for offset in offsets:
        confirmed.note(Mark(b"a", offset))
    assert confirmed.missing(OLD) == 0
    assert confirmed.missing(NEW) == missing
    assert confirmed.missing(NEW) == 0  # it was said


def test_the_last_primaries_are_remembered() -> None:
    confirmed = Confirmed()
    confirmed.note(Mark(b"a", 150))
    for number in range(1000):
        confirmed.note(Mark(b"%d" % number, 1))
        if number < 500:
            confirmed.note(Mark(b"a", 1))
    assert len(confirmed._offsets) < 100
    assert confirmed.missing(NEW) == 0
    assert confirmed.missing(Line(b"b", b"999", 1)) == 1
