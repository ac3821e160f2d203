"""Follows what settings are adjusted to: read anew when the changes log tells of another version."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from config.live import Running
from danmaku.adjustment import NOTHING, Adjustment
from danmaku.calls import ADJUSTMENT
from danmaku.keeping_up import KeepingUp

_log: Any = structlog.get_logger("danmaku.settings")


class Adapting:
    """Keeps `running` as the store has it: `newest` reads one at most, and raises `away` where it cannot."""

    def __init__(
        self, running: Running, newest: Callable[[], Awaitable[list[Adjustment]]], away: type[Exception]
    ) -> None:
        self._running = running
        self._newest = newest
        self._known = NOTHING
        self.keeping_up: Final = KeepingUp("what is adjusted", self._read, away, ADJUSTMENT.first_s)
        self.began: Final = asyncio.Event()
        """Set once it was read for the first time."""

    @property
    def version(self) -> int:
        """Which is in force here."""
        return self._known.version

    async def _read(self) -> None:
        found = await self._newest()
        self._go_by(found[0] if found else NOTHING)
        self.began.set()

    def _go_by(self, newest: Adjustment) -> None:
        if newest == self._known:
            return
        self._known = newest
        passed_over = self._running.adjust(newest.values)
        _log.info("settings are adjusted", version=newest.version, by=newest.by, values=newest.values)
        for error in passed_over.values():
            _log.warning("an adjustment cannot be used here", version=newest.version, error=str(error))
