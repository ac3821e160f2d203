"""Tests wait for what they want to see, and never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable


async def until(condition: Callable[[], object], deadline_s: float = 30) -> None:
    """Wait until `condition`, or what it gives to await, is true; raises TimeoutError after `deadline_s`."""
    async with asyncio.timeout(deadline_s):
        while not await _found(condition):  # noqa: ASYNC110  there is no event for what is waited for
            await asyncio.sleep(0.005)


async def _found(condition: Callable[[], object]) -> object:
    found = condition()
    return await found if isawaitable(found) else found
