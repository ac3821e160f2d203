"""The rooms of this process's partitions, also those that are not in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import structlog

from danmaku import envelope
from danmaku.calls import budget_s
from danmaku.envelope import RoomsReply, RoomsRequest
from danmaku.model import RoomInfo
from danmaku.store.errors import StoreDown
from danmaku.store.rooms import Rooms
from rooms.leases import Leases
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.tasks import Tasks
from rooms.viewers import Viewers

T = TypeVar("T")

MAX_LISTED: Final = 500  # with the longest titles they just fit into one message
_AT_ONCE: Final = 64
_READ_AT_ONCE: Final = 16
_FRESH_S: Final = 2.0

_log: Any = structlog.get_logger("rooms.listing")


class Listing:
    """Answers RoomsRequest: rooms in memory first, for they may have viewers, then the others by name."""

    def __init__(
        self,
        store: Rooms,
        leases: Leases,
        rooms: LoadedRooms,
        viewers: Viewers,
        outbox: Outbox,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._leases = leases
        self._rooms = rooms
        self._viewers = viewers
        self._outbox = outbox
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_s = -_FRESH_S
        self._names: list[str] = []
        self._at_once = asyncio.Semaphore(_READ_AT_ONCE)
        self._tasks = Tasks(_AT_ONCE)

    def describe(self, loaded: LoadedRoom) -> RoomInfo:
        """The room as people see it."""
        room = loaded.room
        return msgspec.structs.replace(room.info, viewers=self._viewers.of(room.name), likes=room.likes)

    def answer(self, request: RoomsRequest, reply: str) -> None:
        """The reply is empty where the store cannot tell, or too many ask: nobody waits for his time-out."""
        if self._tasks.full:
            self._outbox.post(reply, b"")
        else:
            self._tasks.start(self._answer(request, reply))

    async def names(self) -> list[str]:
        """All rooms of the partitions owned now, as of a moment ago. Raises StoreDown."""
        async with self._reading:
            if self._clock().s - self._read_s >= _FRESH_S:
                partitions = self._leases.partitions
                listed = await self._together([partial(self._store.in_partition, p) for p in partitions])
                self._names = sorted(name for names in listed for name in names)
                self._read_s = self._clock().s
        return self._names

    async def close(self) -> None:
        await self._tasks.close()

    async def _answer(self, request: RoomsRequest, reply: str) -> None:
        limit = max(0, min(request.limit, MAX_LISTED))
        try:
            async with asyncio.timeout(budget_s(request.budget_ms)):
                infos = await self._infos(limit)
        except (StoreDown, TimeoutError) as error:
            _log.warning("rooms cannot be listed", error=repr(error))
            self._outbox.post(reply, b"")
        else:
            self._outbox.post(reply, envelope.encode(RoomsReply(infos)))

    async def _infos(self, limit: int) -> list[RoomInfo]:
        infos = [self.describe(loaded) for loaded in self._rooms if loaded.room.is_there]
        infos.sort(key=lambda info: (-info.viewers, info.room))
        if len(infos) < limit:
            others = [name for name in await self.names() if self._rooms.get(name) is None]
            kept = await self._together(
                [partial(self._store.load, name) for name in others[: limit - len(infos)]]
            )
            infos += [info for info in kept if info is not None]
        return infos[:limit]

    async def _together(self, reads: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
        """A few at a time. Raises StoreDown when one of them does."""
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = [tasks.create_task(self._one(read)) for read in reads]
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        return [task.result() for task in reading]

    async def _one(self, read: Callable[[], Awaitable[T]]) -> T:
        async with self._at_once:
            return await read()
