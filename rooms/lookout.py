"""Whether the store still has what it said it has, asked also when nobody says anything.

A store that was away may be back without what it took last. The next append would notice; but who watches
a room that has fallen silent, or joins it, is to find everything as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.flush import Flush
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment

_ASK_S: Final = 1.0
_LOOK_S: Final = 10.0  # also without an outage: a store may be started anew between two calls
_ROOMS: Final = 300  # in one pipelined call


class Lookout:
    """Compares the heads of rooms that were shown something lately; `Flush` mends what is found torn."""

    def __init__(
        self,
        store: Store,
        rooms: LoadedRooms,
        flush: Flush,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._flush = flush
        self._metrics = metrics
        self._clock = clock
        self._outages = 0
        self._look_s = clock().s + _LOOK_S

    async def run(self) -> None:
        """Look when the store comes back, and now and then, until cancelled."""
        while True:
            await asyncio.sleep(_ASK_S)
            self._rooms.reopen()
            try:
                await self._ask()
            except StoreDown:
                self._look_s = 0.0  # those who need it log that it is away

    async def _ask(self) -> None:
        outages, now_s = self._flush.outages, self._clock().s
        if outages == self._outages and now_s < self._look_s:
            await self._store.ping()
            return
        await self._look()
        self._outages = outages
        self._look_s = now_s + _LOOK_S

    async def _look(self) -> None:
        recent = []
        for loaded in self._rooms:
            loaded.recent.forget(self._clock().s)
            if len(loaded.recent):
                recent.append(loaded)
        for begin in range(0, len(recent), _ROOMS):
            await self._compare(recent[begin : begin + _ROOMS])

    async def _compare(self, rooms: list[LoadedRoom]) -> None:
        """A head that is ahead is an append under way; one that is behind is a loss."""
        left = [loaded.room.head for loaded in rooms]
        with self._metrics.store_seconds.labels("heads").time():
            heads = await self._store.history.heads([loaded.room.name for loaded in rooms])
        for loaded, expected, head in zip(rooms, left, heads, strict=True):
            if head < expected:
                self._flush.torn(loaded, head)
