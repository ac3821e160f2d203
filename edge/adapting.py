"""Follows what settings are adjusted to: asked for when the changes log tells of another version."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from config.live import Running
from danmaku.adjustment import NOTHING, Adjustment
from danmaku.calls import ADJUSTMENT
from danmaku.errors import Refusal

logger = logging.getLogger(__name__)


class RoomsProcesses(Protocol):
    """What of edge.rooms_client.RoomsClient is needed here. Raises Refusal."""

    async def adjustments(self, limit: int) -> list[Adjustment]: ...


class Adapting:
    """Keeps `running` as the store has it."""

    def __init__(self, rooms: RoomsProcesses, running: Running) -> None:
        self._rooms = rooms
        self._running = running
        self._known: Adjustment = NOTHING
        self._wanted = asyncio.Event()
        self._wanted.set()
        self.began: Final = asyncio.Event()
        """Set once it was read for the first time."""

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
                found = await self._rooms.adjustments(1)
            except Refusal as refusal:
                logger.debug("what is adjusted cannot be read: %s", refusal)
                self._wanted.set()
                await asyncio.sleep(ADJUSTMENT.first_s)
            else:
                self._go_by(found[0] if found else NOTHING)
                self.began.set()

    def _go_by(self, newest: Adjustment) -> None:
        if newest == self._known:
            return
        self._known = newest
        passed_over = self._running.adjust(newest.values)
        logger.info("settings are adjusted: version %d by %s: %s", newest.version, newest.by, newest.values)
        for error in passed_over.values():
            logger.warning("version %d of adjustments cannot be used here: %s", newest.version, error)
