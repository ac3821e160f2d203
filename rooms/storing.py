"""A write whose outcome is unknown is repeated until it is known, as long as the lease lasts.

So each write may be done twice, and store and memory never differ: memory follows when the outcome is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from danmaku.calls import CHANGE
from danmaku.envelope import Answer
from danmaku.errors import UNAVAILABLE, Refusal
from danmaku.model import Act
from danmaku.rows import Refused
from danmaku.store.audit import Audit
from danmaku.store.errors import StoreDown
from danmaku.store.taken import Taken
from danmaku.telemetry import RoomsMetrics
from rooms.flush import Flush
from rooms.leases import Leases
from rooms.loaded import ELSEWHERE, LoadedRoom
from rooms.pending import Pending, Ticket

_log: Any = structlog.get_logger("rooms.storing")


class LeaseLost(Exception):
    """Nothing was done, or (with `maybe`) it is not known."""

    def __init__(self, *, maybe: bool) -> None:
        self.maybe = maybe
        super().__init__("the lease was lost")


class Storing:
    def __init__(self, audit: Audit, leases: Leases, flush: Flush, metrics: RoomsMetrics) -> None:
        self._audit = audit
        self._leases = leases
        self._flush = flush
        self._metrics = metrics

    async def change(
        self, loaded: LoadedRoom, ticket: Ticket, change: Callable[[], Awaitable[Answer]]
    ) -> None:
        """Carry out a change of the room when those before it are done, and answer the ticket.

        A room that is gone by then is somebody else's: it is to be asked again there.
        """
        try:
            async with loaded.changes:
                answer = ELSEWHERE if loaded.gone else await change()
        except Refusal as refusal:
            ticket.answer(Refused.of(refusal))
        except LeaseLost as lost:
            self._leases.give_up(loaded.partition, loaded.room.lease)
            if not lost.maybe:
                ticket.answer(ELSEWHERE)
        else:
            ticket.answer(answer)

    async def said(self, loaded: LoadedRoom, say: Callable[[Ticket], bool]) -> bool:
        """Return when what the room says is stored; False where it says nothing. Raises LeaseLost."""
        told = Pending(1, lambda _: loaded.settled.set())
        loaded.settled.clear()
        if not say(Ticket(told, 0)):
            return False
        self._flush.mark(loaded)
        await loaded.settled.wait()
        if not told.is_over:
            raise LeaseLost(maybe=loaded.room.in_doubt)
        return True

    async def written(self, loaded: LoadedRoom, write: Callable[[], Awaitable[bool]]) -> None:
        """Repeat `write` until its outcome is known. Raises LeaseLost."""
        maybe, wait_s = False, 0.0
        while not loaded.gone and self._leases.epoch(loaded.partition) == loaded.room.lease:
            try:
                with self._metrics.store_seconds.labels("change").time():
                    if await write():
                        return
                break
            except StoreDown as error:
                _log.warning("a change may not be stored", room=loaded.room.name, error=str(error))
                maybe = True
            wait_s = CHANGE.after(wait_s)
            await asyncio.sleep(wait_s)
        raise LeaseLost(maybe=maybe)

    async def taken(self, loaded: LoadedRoom, take: Callable[[], Awaitable[Taken]]) -> bool:
        """As `written`. False where there was nothing to take. Raises LeaseLost."""
        taken = Taken.LOST

        async def write() -> bool:
            nonlocal taken
            taken = await take()
            return taken is not Taken.LOST

        await self.written(loaded, write)
        return taken is Taken.TAKEN

    async def was_done(self, act: Act) -> bool:
        """There is nothing to do: is that because this very act did it, and its answer got lost?

        Raises Refusal.
        """
        try:
            return await self._audit.knows(act.room, act.id)
        except StoreDown as error:
            raise Refusal(UNAVAILABLE, retry_ms=1000) from error
