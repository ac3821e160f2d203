"""What joiners are shown of a board."""

from __future__ import annotations

from danmaku import board
from danmaku.board import EMPTY, Board, Pin, Poll, Result
from danmaku.envelope import Answer
from danmaku.model import Position, RoomSettings
from danmaku.rows import Admitted, Done, Open
from rooms.view import View, once

POLL = Poll("p1", "Which?", ("one", "two"))


def pin(until: int, item: bytes = b"\x80") -> Pin:
    return Pin(Position(7, 1), 5, until, item)


def admitted(number: int, view: bytes) -> Admitted:
    return Admitted(7, 1, 0, 0, RoomSettings(), number, view)


def test_where_nothing_is_in_view_nothing_is_told() -> None:
    view = View()
    assert view.of(EMPTY, "", 0) == (0, b"")
    assert view.of(Board(last=Result(POLL, (1, 2))), "", 0) == (0, b"")


def test_it_is_what_holds_now() -> None:
    view, full = View(), Board(pin(100), (pin(200),), POLL, Result(POLL, (1, 2)))
    number, encoded = view.of(full, "", 99)
    assert number > 0
    assert board.decode(encoded) == Board(pin(100), (pin(200),), POLL)
    assert view.of(full, "", 98) == (number, encoded)
    later, encoded = view.of(full, "", 100)
    assert later not in (0, number)
    assert board.decode(encoded) == Board(None, (pin(200),), POLL)
    assert board.decode(view.of(full, "", 200)[1]) == Board(poll=POLL)
    assert view.of(EMPTY, "", 200) == (0, b"")


def test_the_number_is_that_of_the_bytes() -> None:
    assert View().of(Board(pin(100)), "", 0) == View().of(Board(pin(100)), "", 50)
    assert View().of(Board(pin(100)), "", 0) != View().of(Board(pin(101)), "", 0)


def test_a_title_is_in_view() -> None:
    view = View()
    number, encoded = view.of(EMPTY, "Friday", 0)
    assert number > 0
    assert board.decode(encoded) == Board(title="Friday")
    assert view.of(EMPTY, "Friday", 1)[1] is encoded
    other, encoded = view.of(EMPTY, "Saturday", 1)
    assert other not in (0, number)
    assert board.decode(encoded) == Board(title="Saturday")
    assert view.of(EMPTY, "", 1) == (0, b"")


def test_a_view_is_told_once_in_a_reply() -> None:
    answers: list[Answer] = [
        admitted(1, b"one"),
        Done(),
        admitted(1, b"one"),
        admitted(2, b"two"),
        admitted(0, b""),
    ]
    rooms = ["a", "a", "a", "a", "b"]
    assert once(rooms, answers, 100) == [
        admitted(1, b"one"), Done(), admitted(1, b""), admitted(2, b"two"), admitted(0, b""),
    ]  # fmt: skip


def test_what_does_not_fit_is_asked_for_again() -> None:
    large = admitted(1, b"x" * 60)
    assert once(["a", "b", "a"], [large, large, large], 100) == [large, Open(), admitted(1, b"")]
    assert once(["a"], [large], 10) == [large]
