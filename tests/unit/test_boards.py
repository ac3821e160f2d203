"""What an edge knows of what rooms keep in view."""

from __future__ import annotations

import json
from typing import Any

import msgpack

from danmaku import board, wire
from danmaku.board import Board, Pin, Poll
from danmaku.model import Position, RoomSettings
from danmaku.recalls import Recalled, Redaction
from danmaku.rows import Admitted
from danmaku.wire import At
from edge.boards import Boards, View

NOTHING = Redaction([])
ITEM = wire.encode_item(wire.Announce("欢迎"))
FULL = board.encode(Board(Pin(Position(7, 3), 5, 100, ITEM), poll=Poll("p1", "Which?", ("one", "two"), 9000)))
PINNED = [{"epoch": 7, "seq": 3, "at": 5, "item": {"k": "announce", "text": "欢迎"}}]
OPEN: dict[str, Any] = {"id": "p1", "question": "Which?", "options": ["one", "two"], "until": 9000}


def admitted(number: int, view: bytes = b"") -> Admitted:
    return Admitted(7, 3, 0, 0, RoomSettings(), number, view)


def test_joiners_are_told_in_their_subprotocol() -> None:
    view = View(1, FULL)
    assert msgpack.unpackb(view.pinned(wire.MSGPACK, NOTHING)) == PINNED
    assert json.loads(bytes(view.pinned(wire.JSON, NOTHING))) == PINNED
    assert view.pinned(wire.JSON, NOTHING) is view.pinned(wire.JSON, NOTHING)
    assert json.loads(bytes(view.poll(wire.JSON, [3, 0]))) == {**OPEN, "counts": [3, 0]}
    assert msgpack.unpackb(view.poll(wire.MSGPACK, None)) == {**OPEN, "counts": [0, 0]}


def test_joiners_are_not_told_what_was_taken_back_since() -> None:
    view = View(1, FULL)
    at = Position(7, 9)
    for codec in (wire.JSON, wire.MSGPACK):
        for recall in (wire.Recall("admin", of=At(7, 3)), wire.Recall("admin")):
            assert bytes(view.pinned(codec, NOTHING)) != b""
            assert bytes(view.pinned(codec, Redaction([Recalled(at, recall)]))) == b""
        other = Redaction([Recalled(at, wire.Recall("admin", of=At(7, 4)))])
        assert codec.read(view.pinned(codec, other)) == PINNED


def test_where_nothing_is_in_view_nothing_is_told() -> None:
    view = View(0, b"")
    for codec in (wire.JSON, wire.MSGPACK):
        answer = wire.Ok(1, room="a", pinned=view.pinned(codec, NOTHING), poll=view.poll(codec, None))
        assert codec.encode(answer) == codec.encode(wire.Ok(1, room="a"))
    assert view.title is None


def test_a_title_is_known_until_there_is_another() -> None:
    boards = Boards()
    assert boards.learn("a", admitted(5, board.encode(Board(title="Friday")))).title == "Friday"
    assert boards.learn("a", admitted(5)).title == "Friday"
    assert bytes(boards.learn("a", admitted(5)).pinned(wire.JSON, NOTHING)) == b""
    assert boards.learn("a", admitted(6, FULL)).title is None


def test_what_is_known_need_not_be_told_again() -> None:
    boards = Boards()
    assert boards.number("a") == 0
    first = boards.learn("a", admitted(5, FULL))
    assert boards.number("a") == 5
    assert boards.learn("a", admitted(5)) is first
    assert boards.learn("a", admitted(5, FULL)) is first
    assert boards.learn("a", admitted(6, FULL)).number == 6
    assert boards.learn("a", admitted(0)).number == boards.number("a") == 0
    assert boards.learn("b", admitted(0)).number == 0


def test_what_cannot_be_read_is_not_told() -> None:
    boards = Boards()
    assert bytes(boards.learn("a", admitted(5, b"\x01")).pinned(wire.JSON, NOTHING)) == b""
    assert boards.number("a") == 5


def test_views_are_kept_up_to_a_bound() -> None:
    boards = Boards(2 * View(1, FULL).size)
    for room in "abc":
        boards.learn(room, admitted(5, FULL))
    assert [boards.number(room) for room in "abc"] == [0, 5, 5]
    assert Boards(1).learn("a", admitted(5, FULL)).number == 5
