"""What can be appended again to a log that lost its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku.model import START, Effect, Position, RoomInfo
from rooms.batch import Batch, number
from rooms.recent import Recent


def batches(sizes: list[int], head: Position = START, epoch: int = 7) -> list[Batch]:
    """One after another, of so many items each."""
    made = []
    for size in sizes:
        made.append(number("a", head, epoch, 99, [b"\x80"] * size, [None] * size))
        head = made[-1].last
    return made


def test_what_stands_after_the_head_is_missing() -> None:
    one, two, three = batches([2, 1, 3], Position(3, 9))
    recent = Recent()
    for batch in (one, two, three):
        recent.add(batch, 0.0)
    assert recent.missing(Position(3, 9)) == [one, two, three]
    assert recent.missing(one.last) == [two, three]
    assert recent.missing(two.last) == [three]
    assert recent.missing(three.last) == []


def test_a_head_that_is_not_its_own_tells_nothing() -> None:
    recent = Recent()
    assert recent.missing(START) is None
    for batch in batches([2, 1]):
        recent.add(batch, 0.0)
    for head in (Position(7, 1), Position(7, 4), Position(6, 3), Position(8, 1)):
        assert recent.missing(head) is None


def test_a_batch_keeps_its_effect() -> None:
    effect = Effect("save", RoomInfo("a", open=False))
    closed = number("a", START, 7, 99, [b"\x80"], [None], effect)
    recent = Recent()
    recent.add(closed, 0.0)
    assert [batch.effect for batch in recent.missing(START) or []] == [effect]


def test_it_is_bounded_in_items_but_keeps_the_newest() -> None:
    one, two, three = batches([2, 2, 9])
    recent = Recent(max_items=4)
    recent.add(one, 0.0)
    recent.add(two, 0.0)
    assert recent.missing(START) == [one, two]
    recent.add(three, 0.0)
    assert len(recent) == 1
    assert recent.missing(START) is None
    assert recent.missing(two.last) == [three]


def test_it_is_bounded_in_bytes() -> None:
    one, two, three = batches([1, 1, 1])
    recent = Recent(max_bytes=len(one.frame) + len(two.frame))
    for batch in (one, two, three):
        recent.add(batch, 0.0)
    assert recent.missing(one.last) == [two, three]
    assert recent.missing(START) is None


def test_what_is_old_is_forgotten() -> None:
    one, two, three = batches([1, 1, 1])
    recent = Recent(kept_s=10)
    recent.add(one, 0.0)
    recent.add(two, 5.0)
    recent.forget(10.0)
    assert len(recent) == 2
    recent.add(three, 10.5)
    assert recent.missing(one.last) == [two, three]
    recent.forget(99.0)
    assert len(recent) == 0
    assert recent.missing(three.last) is None


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(1, 30), st.data())
def test_what_is_missing_makes_the_log_whole_again(sizes: list[int], most: int, data: st.DataObject) -> None:
    log = batches(sizes)
    recent = Recent(max_items=most)
    for batch in log:
        recent.add(batch, 0.0)
    left = data.draw(st.integers(0, len(log)))
    missing = recent.missing(log[left - 1].last if left else START)
    if missing is None:
        assert left < len(log) - len(recent)
    else:
        assert log[:left] + missing == log
