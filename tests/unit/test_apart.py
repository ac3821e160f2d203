"""Where a part of the store is away, only rows of that part are concerned."""

from __future__ import annotations

import pytest

from danmaku.store.errors import PartlyDown, StoreDown
from rooms.apart import each

AWAY = PartlyDown("a part is away")


class Asked:
    """A store that lacks what begins with x; it counts what it is asked."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []

    async def lengths(self, rows: list[str]) -> list[int]:
        self.questions.append(rows)
        if any(row.startswith("x") for row in rows):
            raise AWAY
        return [len(row) for row in rows]


async def test_rows_that_can_all_be_answered_are_one_question() -> None:
    asked = Asked()
    assert await each(asked.lengths, ["a", "bb"]) == [1, 2]
    assert asked.questions == [["a", "bb"]]


async def test_each_is_asked_alone_where_a_part_is_away() -> None:
    asked = Asked()
    assert await each(asked.lengths, ["a", "xx", "ccc"]) == [1, AWAY, 3]
    assert asked.questions == [["a", "xx", "ccc"], ["a"], ["xx"], ["ccc"]]


async def test_a_single_row_is_not_asked_twice() -> None:
    asked = Asked()
    with pytest.raises(PartlyDown):
        await each(asked.lengths, ["x"])
    assert asked.questions == [["x"]]


async def test_a_store_that_is_away_is_away_for_all() -> None:
    questions = []

    async def work(rows: list[str]) -> list[int]:
        questions.append(rows)
        raise StoreDown("away")

    with pytest.raises(StoreDown, match="away"):
        await each(work, ["a", "b"])
    assert questions == [["a", "b"]]


async def test_what_is_no_outage_is_not_taken_for_one() -> None:
    async def work(rows: list[str]) -> list[int]:
        raise AWAY if len(rows) > 1 else ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await each(work, ["a", "b"])
