from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.model import Position
from rooms.batch import fitting, number

ITEM = wire.encode_item(wire.Gone())


def test_a_batch_is_bounded_in_items_and_bytes_but_holds_one_at_least() -> None:
    assert fitting([], 5, 10) == 0
    assert fitting([100, 1], 5, 10) == 1
    assert fitting([4, 4, 4], 5, 10) == 2
    assert fitting([1, 1, 1], 2, 10) == 2


@given(st.lists(st.integers(1, 50)), st.integers(1, 10), st.integers(1, 100))
def test_as_many_as_fit(sizes: list[int], items: int, size: int) -> None:
    count = fitting(sizes, items, size)
    assert count <= items
    assert count <= 1 or sum(sizes[:count]) <= size
    if count < min(items, len(sizes)):
        assert count >= 1
        assert sum(sizes[: count + 1]) > size


def test_within_an_epoch_numbers_go_on() -> None:
    batch = number("a", Position(7, 4), 7, 99, [ITEM, ITEM], [("u", "c"), None])
    assert (batch.first, batch.last, batch.prev, batch.count) == ((7, 5), (7, 6), None, 2)
    assert batch.pairs == (("u", "c", 5),)
    frame = msgspec.msgpack.decode(batch.frame)
    assert frame == {
        "t": "batch",
        "room": "a",
        "epoch": 7,
        "seq": 5,
        "at": 99,
        "items": [{"k": "gone"}, {"k": "gone"}],
    }


def test_the_first_batch_of_an_epoch_names_the_head_before_it() -> None:
    batch = number("a", Position(7, 4), 8, 99, [ITEM], [None])
    assert (batch.first, batch.prev, batch.head) == ((8, 1), (7, 4), (7, 4))
    assert msgspec.msgpack.decode(batch.frame)["prev"] == {"epoch": 7, "seq": 4}
    assert number("a", Position(0, 0), 8, 99, [ITEM], [None]).prev == (0, 0)
