"""Somebody who talks until he is told to stop, for tests that do something to the service meanwhile."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod


class Talking(ABC):
    """`talk` goes on while `is_to_go_on`."""

    def __init__(self) -> None:
        self.is_to_go_on = False
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Or go on."""
        self.is_to_go_on = True
        self._running = asyncio.create_task(self.talk())

    async def end(self) -> None:
        """Return when nothing is under way."""
        assert self._running is not None
        self.is_to_go_on = False
        await self._running

    @abstractmethod
    async def talk(self) -> None: ...
