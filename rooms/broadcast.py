"""To every open room of this process, paced: a broadcast must not stand in the way of what people say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from danmaku import envelope
from danmaku.envelope import Answer, BroadcastReply, BroadcastRequest, Elsewhere, EventRow, Refused
from danmaku.errors import RATE_LIMITED, ROOM_CLOSED, UNAVAILABLE, Refusal
from danmaku.model import Role
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
    """Answers BroadcastRequest at once with how many rooms there are; each room knows the cid, too."""

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

    def answer(self, request: BroadcastRequest, reply: str) -> None:
        """No reply when too many are under way; an empty one where the store cannot tell the rooms."""
        begun = self._begun.get((request.uid, request.cid))
        if begun is not None:
            self._reply(reply, begun)
        elif not self._tasks.full:
            self._tasks.start(self._broadcast(request, reply))

    async def close(self) -> None:
        await self._tasks.close()

    async def _broadcast(self, request: BroadcastRequest, reply: str) -> None:
        try:
            names = await self._listing.names()
        except StoreDown as error:
            _log.warning("a broadcast cannot begin", error=str(error))
            self._outbox.post(reply, b"")
            return
        names = [name for name in names if self._may_be_open(name)]
        self._begun.put((request.uid, request.cid), len(names), self._clock().s)
        self._reply(reply, len(names))
        for _ in range(_ATTEMPTS):
            names = await self._post_to(names, request)
            if not names:
                return
            await asyncio.sleep(_RETRY_S)
        _log.warning("a broadcast did not reach all rooms", rooms=len(names))

    async def _post_to(self, names: list[str], request: BroadcastRequest) -> list[str]:
        """One round; the rooms that are to be tried again."""
        again: list[str] = []
        for name in names:
            row = EventRow(name, request.uid, Role.ADMIN, request.cid, request.item)
            self._rooms.open(name, partial(self._post, row, again), create=False)
            await asyncio.sleep(1 / _ROOMS_PER_S)
        return again

    def _post(self, row: EventRow, again: list[str], loaded: LoadedRoom | Elsewhere | Refused) -> None:
        if isinstance(loaded, Refused) and loaded.name == UNAVAILABLE.name:
            again.append(row.room)
        if not isinstance(loaded, LoadedRoom):
            return
        try:
            if loaded.room.take(row, Ticket(Pending(1, _ignore), 0), self._clock()) is None:
                self._flush.mark(loaded)
        except Refusal as refusal:
            if refusal.kind in (UNAVAILABLE, RATE_LIMITED):
                again.append(row.room)
            elif refusal.kind is not ROOM_CLOSED:
                _log.warning("a room refuses a broadcast", room=row.room, error=refusal.name)

    def _may_be_open(self, name: str) -> bool:
        loaded = self._rooms.get(name)
        return loaded is None or loaded.room.info.open

    def _reply(self, reply: str, rooms: int) -> None:
        self._outbox.post(reply, envelope.encode(BroadcastReply(rooms)))


def _ignore(answers: list[Answer]) -> None:
    """Nobody waits for them."""
