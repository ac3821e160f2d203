"""Calls that are made at the same time end together."""

from __future__ import annotations

import asyncio

import pytest

from danmaku.store.errors import StoreDown
from rooms.together import together


async def answer(what: str) -> str:
    await asyncio.sleep(0)
    return what


async def fail() -> str:
    await asyncio.sleep(0)
    raise StoreDown("away")


class Endless:
    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.is_over = False

    async def call(self) -> str:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # what is cancelled may take a moment
            self.is_over = True
        return "never"


async def test_answers_come_in_the_order_of_the_calls() -> None:
    assert await together(answer("a"), answer("b")) == ("a", "b")
    assert await together(*map(answer, "abcd")) == ("a", "b", "c", "d")
    assert await together() == ()


async def test_when_one_fails_the_others_are_over() -> None:
    other = Endless()
    with pytest.raises(StoreDown, match="away"):
        await together(other.call(), fail())
    assert other.is_over


async def test_when_the_asker_is_cancelled_all_are_over() -> None:
    both = Endless(), Endless()
    asker = asyncio.create_task(together(both[0].call(), both[1].call()))
    await both[1].begun.wait()
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert all(one.is_over for one in both)
