"""Follows what settings are adjusted to: read anew when the changes log tells of another version."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from config.live import Running
from danmaku.adjustment import NOTHING, Adjustment
from danmaku.calls import ADJUSTMENT
from danmaku.store.adjustments import Adjustments
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics

_log: Any = structlog.get_logger("rooms.adapting")


class Adapting:
    """Keeps `running` as the store has it. Each read ends within the store's time-out."""

    def __init__(self, store: Adjustments, running: Running, metrics: RoomsMetrics) -> None:
        self._store = store
        self._running = running
        self._metrics = metrics
        self._known = NOTHING
        self._wanted = asyncio.Event()
        self._reading: Final = asyncio.Lock()

    @property
    def version(self) -> int:
        """Which is in force here."""
        return self._known.version

    def wanted(self) -> None:
        """There may be another version."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.catch_up()
            except StoreDown as error:
                _log.warning("what is adjusted cannot be read", error=str(error))
                self._wanted.set()
                await asyncio.sleep(ADJUSTMENT.first_s)

    async def catch_up(self) -> None:
        """Go by what is in the store now. Raises StoreDown."""
        async with self._reading:
            with self._metrics.store_seconds.labels("adjustments").time():
                found = await self._store.newest(1)
            self._go_by(found[0] if found else NOTHING)

    def _go_by(self, newest: Adjustment) -> None:
        if newest == self._known:
            return
        self._known = newest
        passed_over = self._running.adjust(newest.values)
        _log.info("settings are adjusted", version=newest.version, by=newest.by, values=newest.values)
        for error in passed_over.values():
            _log.warning("an adjustment cannot be used here", version=newest.version, error=str(error))
