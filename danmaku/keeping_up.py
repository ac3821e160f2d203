"""Something that is elsewhere is read again each time it may be another one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

_log: Any = structlog.get_logger("danmaku.keeping_up")


class KeepingUp:
    """Has `read` read it, and go by it.

    what: names it in the log. read: ends in its time; raises `away` where that cannot be done now, which is
    told once, and then it is read again after `again_s`.
    """

    def __init__(
        self, what: str, read: Callable[[], Awaitable[None]], away: type[Exception], again_s: float
    ) -> None:
        self._what = what
        self._read = read
        self._away = away
        self._again_s = again_s
        self._wanted = asyncio.Event()
        self._reading = asyncio.Lock()

    def wanted(self) -> None:
        """There may be another one."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        told = False
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.catch_up()
                told = False
            except self._away as error:
                say = _log.debug if told else _log.warning
                say(f"{self._what} cannot be read", error=str(error))
                told = True
                self._wanted.set()
                await asyncio.sleep(self._again_s)

    async def catch_up(self) -> None:
        """Go by what is there now. Raises `away`."""
        async with self._reading:
            await self._read()
