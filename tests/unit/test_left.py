from __future__ import annotations

from danmaku.model import START, RoomInfo
from rooms.batch import number
from rooms.left import Left, Memory
from rooms.recent import KEPT_S, Recent


def memory(room: str, *stored_s: float) -> Memory:
    recent, head = Recent(), START
    for at_s in stored_s:
        batch = number(room, head, 7, 0, [b"x"], [None])
        recent.add(batch, at_s)
        head = batch.last
    return Memory(recent, RoomInfo(room), 7)


def test_a_room_is_kept_for_as_long_as_it_may_have_lost_something() -> None:
    left = Left()
    kept = memory("a", 0.0, 9.0)
    left.keep(kept, 10)
    left.keep(memory("b", 11.0), 12)
    assert [room for room, _ in left] == ["a", "b"]
    assert left.get("a") is kept
    left.forget(10 + KEPT_S)
    assert len(left) == 2
    left.forget(11 + KEPT_S)
    assert [room for room, _ in left] == ["b"]
    left.drop("b")
    left.drop("b")
    assert left.get("b") is None


def test_a_room_in_which_nothing_was_stored_of_late_is_not_kept() -> None:
    left = Left()
    left.keep(memory("a"), 10)
    left.keep(memory("b", 0.0), KEPT_S + 1)
    assert len(left) == 0


def test_the_newest_memory_of_a_room_counts() -> None:
    left = Left()
    left.keep(memory("a", 1.0), 1)
    left.keep(memory("b", 1.0), 2)
    newest = memory("a", 3.0)
    left.keep(newest, 3)
    assert left.get("a") is newest
    assert [room for room, _ in left] == ["b", "a"]
