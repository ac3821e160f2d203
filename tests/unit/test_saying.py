from __future__ import annotations

from danmaku.wire_chat import ChatSend, Text
from edge.saying import MAX_WAITING, Saying


def frame(number: int) -> ChatSend:
    return ChatSend(number, [Text("x")], f"c{number}", to="bob")


def test_one_is_under_way_and_the_others_follow_in_order() -> None:
    saying: Saying[str] = Saying()
    assert saying.add("ann", frame(1)) is True
    assert saying.add("ann", frame(2)) is False
    assert saying.add("ann", frame(3)) is False
    assert saying.add("bob", frame(1)) is True
    assert saying.done("ann") == frame(2)
    assert saying.done("ann") == frame(3)
    assert saying.done("ann") is None
    assert saying.add("ann", frame(4)) is True


def test_only_so_many_wait() -> None:
    saying: Saying[str] = Saying()
    taken = [saying.add("ann", frame(number)) for number in range(MAX_WAITING + 2)]
    assert taken == [True, *[False] * MAX_WAITING, None]
    assert saying.done("ann") == frame(1)
    assert saying.add("ann", frame(99)) is False


def test_what_waits_of_one_that_left_is_dropped() -> None:
    saying: Saying[str] = Saying()
    saying.add("ann", frame(1))
    saying.add("ann", frame(2))
    saying.leave("ann")
    saying.leave("ann")
    assert saying.done("ann") is None
