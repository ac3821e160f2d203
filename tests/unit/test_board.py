"""What a room keeps in view."""

from __future__ import annotations

import pytest

from danmaku import board
from danmaku.board import EMPTY, Board, Pin, Poll, Result
from danmaku.model import Position

POLL = Poll("p1", "Which?", ("one", "two"), 9000)


def pin(seq: int, weight: tuple[int, int] = (0, 0)) -> Pin:
    return Pin(Position(7, seq), 5, 60_005, b"\x80", weight)


def test_the_newest_announcement_takes_the_place_of_another() -> None:
    assert EMPTY.announced(pin(1)).announced(pin(2)) == Board(pin(2))
    assert Board(pin(1), (pin(2),)).unpinned() == Board(None, (pin(2),))


def test_the_announcement_comes_first() -> None:
    assert EMPTY.pins == ()
    assert Board(None, (pin(2),)).pins == (pin(2),)
    assert Board(pin(3), (pin(2),)).pins == (pin(3), pin(2))


def test_of_paid_comments_the_heaviest_stay_and_of_equals_the_newest() -> None:
    kept = EMPTY
    for one in (pin(1, (60, 500)), pin(2, (120, 700)), pin(3, (60, 900)), pin(4, (60, 500))):
        kept = kept.paid_for(one, 3)
    assert [one.position.seq for one in kept.paid] == [2, 3, 4]


def test_a_poll_is_opened_and_closed() -> None:
    assert EMPTY.closed((1,)) is EMPTY
    opened = EMPTY.opened(POLL)
    assert opened.poll == POLL
    assert opened.closed((3, 0)) == Board(last=Result(POLL, (3, 0)))


def test_pins_can_be_taken_away() -> None:
    full = Board(pin(1), (pin(2), pin(3)), POLL)
    assert full.without(lambda one: one.position.seq == 9) is full
    assert full.without(lambda one: one.position.seq != 2) == Board(None, (pin(2),), POLL)
    assert full.without(lambda one: one.position.seq == 3) == Board(pin(1), (pin(2),), POLL)


def test_it_is_read_as_it_was_stored() -> None:
    full = Board(pin(1), (pin(2, (60, 500)),), POLL, Result(POLL, (3, 0)))
    assert board.decode(board.encode(full)) == full
    assert board.decode(b"\x94\xc0\x90\xc0\xc0") == EMPTY  # of the version before
    assert board.decode(b"\x96\xc0\x90\xc0\xc0\xa0\x01") == EMPTY  # of a later version
    with pytest.raises(ValueError, match="array"):
        board.decode(b"\x01")
