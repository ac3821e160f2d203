"""Looks after rooms that are disturbed: ends raid modes whose time is over, and counts signs of abuse."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from danmaku.telemetry import RoomsMetrics
from rooms.changes import Changes
from rooms.loaded import LoadedRooms

_EVERY_S: Final = 0.5

_log: Any = structlog.get_logger("rooms.guard")


class Guard:
    def __init__(self, rooms: LoadedRooms, changes: Changes, metrics: RoomsMetrics) -> None:
        self._rooms = rooms
        self._changes = changes
        self._metrics = metrics

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self._changes.end_raids()
            self._count()

    def _count(self) -> None:
        for loaded in self._rooms:
            for kind in loaded.room.abuse.uncounted():
                self._metrics.signs.labels(kind).inc()
                _log.info("a sign of abuse", room=loaded.room.name, kind=kind)
