from __future__ import annotations

from rooms.turns import Turns


def test_whoever_is_waited_for_comes_first() -> None:
    turns = Turns()
    for room, urgent in [("a", False), ("b", True), ("c", False), ("d", True)]:
        turns.add(room, urgent=urgent)
    turns.hurry("c")
    turns.hurry("b")
    turns.hurry("x")
    assert [turns.next() for _ in range(5)] == ["b", "d", "c", "a", None]


def test_none_are_left_once_it_is_cleared() -> None:
    turns = Turns()
    turns.add("a", urgent=False)
    turns.add("b", urgent=True)
    turns.clear()
    assert turns.next() is None
