"""Several calls of the store at the same time, for one who asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def together(one: Awaitable[A], two: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(one: Awaitable[A], two: Awaitable[B], three: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def together(*calls: Awaitable[A]) -> tuple[A, ...]: ...
async def together(*calls: Awaitable[Any]) -> tuple[Any, ...]:
    """What they give, in their order. Raises what the first one raises that fails.

    None is under way any more when this ends, however it ends: the others are cancelled and waited for.
    """
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return tuple(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
