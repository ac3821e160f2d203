"""To every open room of this process, paced: a broadcast must not stand in the way of what people say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from danmaku import envelope
from danmaku.calls import budget_s
from danmaku.envelope import Answer, BroadcastReply, BroadcastRequest
from danmaku.errors import RATE_LIMITED, ROOM_CLOSED, UNAVAILABLE, Refusal
from danmaku.model import Role
from danmaku.rows import Elsewhere, EventRow, Refused
from danmaku.store.errors import StoreDown
from rooms.flush import Flush
from rooms.generations import Generations
from rooms.listing import Listing
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.pending import Pending, Ticket
from rooms.tasks import Tasks

_ROOMS_PER_S: Final = 200
_AT_ONCE: Final = 4
_ATTEMPTS: Final = 5
_RETRY_S: Final = 1.0
_REMEMBERED: Final = 1000

_log: Any = structlog.get_logger("rooms.broadcast")


class Broadcasts:
    """Answers BroadcastRequest at once with how many rooms it goes to; each room knows the cid, too."""

    def __init__(
        self,
        rooms: LoadedRooms,
        listing: Listing,
        flush: Flush,
        outbox: Outbox,
        memory_s: float,
        clock: Callable[[], Moment],
    ) -> None:
        self._rooms = rooms
        self._listing = listing
        self._flush = flush
        self._outbox = outbox
        self._clock = clock
        self._begun: Generations[tuple[str, str], int] = Generations(memory_s, _REMEMBERED)
        self._tasks = Tasks(_AT_ONCE)
        self._leaving = False

    def answer(self, request: BroadcastRequest, reply: str) -> None:
        """An empty reply on leaving, or where the store cannot tell the rooms."""
        begun = self._begun.get((request.uid, request.cid))
        if begun is not None:
            self._reply(reply, begun)
        elif self._leaving:
            self._outbox.post(reply, b"")
        elif self._tasks.full:
            self._outbox.post(reply, envelope.encode(BroadcastReply(0, busy=True)))
        else:
            self._tasks.start(self._broadcast(request, reply))

    async def finish(self, timeout_s: float) -> None:
        """Take no more, and go on with what is under way, but not longer than that."""
        self._leaving = True
        await self._tasks.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()

    async def _broadcast(self, request: BroadcastRequest, reply: str) -> None:
        try:
            async with asyncio.timeout(budget_s(request.budget_ms)):
                stored = await self._listing.names()
        except (StoreDown, TimeoutError) as error:
            _log.warning("a broadcast cannot begin", error=repr(error))
            self._outbox.post(reply, b"")
            return
        here = (loaded.room.name for loaded in self._rooms if loaded.room.is_there)
        names = [name for name in {*stored, *here} if self._may_be_open(name)]
        self._begun.put((request.uid, request.cid), len(names), self._clock().s)
        self._reply(reply, len(names))
        left = set(names)
        try:
            for _ in range(_ATTEMPTS):
                await self._post_to(left, request)
                if left:
                    await asyncio.sleep(_RETRY_S)
        finally:
            if left:
                _log.warning("a broadcast did not reach all rooms", rooms=len(left))

    async def _post_to(self, left: set[str], request: BroadcastRequest) -> None:
        """One round. A room is `left` until it has shown the item, or never will."""
        for name in sorted(left):
            row = EventRow(name, request.uid, Role.ADMIN, request.cid, request.item, request.pin_s)
            self._rooms.open(name, partial(self._post, row, left), create=False)
            await asyncio.sleep(1 / _ROOMS_PER_S)

    def _post(self, row: EventRow, left: set[str], loaded: LoadedRoom | Elsewhere | Refused) -> None:
        if not isinstance(loaded, LoadedRoom):
            if isinstance(loaded, Refused) and loaded.name != UNAVAILABLE.name:
                left.discard(row.room)
            return

        def shown(_: list[Answer]) -> None:
            left.discard(row.room)

        try:
            if loaded.room.take(row, Ticket(Pending(1, shown), 0), self._clock()) is None:
                self._flush.mark(loaded)
            else:
                left.discard(row.room)
        except Refusal as refusal:
            if refusal.kind in (UNAVAILABLE, RATE_LIMITED):
                return
            left.discard(row.room)
            if refusal.kind is not ROOM_CLOSED:
                _log.warning("a room refuses a broadcast", room=row.room, error=refusal.name)

    def _may_be_open(self, name: str) -> bool:
        loaded = self._rooms.get(name)
        return loaded is None or loaded.room.info.open

    def _reply(self, reply: str, rooms: int) -> None:
        self._outbox.post(reply, envelope.encode(BroadcastReply(rooms)))
