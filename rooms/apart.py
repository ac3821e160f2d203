"""Rows of many askers in one question, whom a part of the store that is away must not all concern."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from danmaku.store.errors import PartlyDown, StoreDown

T = TypeVar("T")
R = TypeVar("R")


async def each(work: Callable[[list[T]], Awaitable[list[R]]], rows: list[T]) -> list[R | StoreDown]:
    """What `work` makes of each row: of all at once, or, where a part of the store is away, of each alone.

    `work` gives one result a row and may be called again. Raises StoreDown where that holds for all.
    """
    try:
        return [*await work(rows)]
    except PartlyDown:
        if len(rows) == 1:
            raise
    alone = await asyncio.gather(*(work([row]) for row in rows), return_exceptions=True)
    results: list[R | StoreDown] = []
    for outcome in alone:
        if isinstance(outcome, StoreDown):
            results.append(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            results.extend(outcome)
    return results
