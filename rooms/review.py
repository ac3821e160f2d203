"""Comments that wait for a moderator: stored before their senders know, shown or dropped when one decides.

A decision is written in one step with its audit record, and an approved comment is shown in that step, too:
whatever happens to the owner, it is shown once or waits still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from danmaku import wire
from danmaku.envelope import Answer
from danmaku.errors import BAD_ID, FORBIDDEN, HELD_FOR_REVIEW, UNAVAILABLE, Refusal
from danmaku.held import Held
from danmaku.model import Act, Role
from danmaku.moderation_rows import DecideRow, HeldRow
from danmaku.rows import Done, HeldPage, Refused
from danmaku.store import Store
from danmaku.telemetry import RoomsMetrics
from rooms.acts import act_of
from rooms.held import decision, text_of
from rooms.leases import Leases
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.pending import Ticket
from rooms.storing import LeaseLost, Storing
from rooms.tasks import Tasks
from rooms.whisper import Whisper

_AT_ONCE: Final = 1000
_MOST: Final = 100  # of one page
_HELD: Final = Refused.of(Refusal(HELD_FOR_REVIEW))

_log: Any = structlog.get_logger("rooms.review")


class Reviews:
    def __init__(
        self,
        store: Store,
        process: str,
        leases: Leases,
        rooms: LoadedRooms,
        storing: Storing,
        whisper: Whisper,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._process = process
        self._leases = leases
        self._rooms = rooms
        self._storing = storing
        self._whisper = whisper
        self._metrics = metrics
        self._clock = clock
        self._holding: set[LoadedRoom] = set()
        self._tasks = Tasks(_AT_ONCE)

    def hold(self, loaded: LoadedRoom) -> None:
        """Store what is held of the room and not stored yet, and then tell the senders. Never raises."""
        if loaded not in self._holding and not self._tasks.full:  # else it is asked for again
            self._holding.add(loaded)
            self._tasks.start(self._hold(loaded))

    def answer(self, loaded: LoadedRoom, row: HeldRow | DecideRow, ticket: Ticket) -> HeldPage | None:
        """None when it comes later. Raises Refusal."""
        if row.role < Role.MODERATOR:
            raise Refusal(FORBIDDEN)
        if isinstance(row, HeldRow):
            return self._page(loaded, row)
        if self._tasks.full:
            raise Refusal(UNAVAILABLE, retry_ms=1000)
        self._tasks.start(self._storing.change(loaded, ticket, lambda: self._decide(loaded, row)))
        return None

    async def close(self) -> None:
        await self._tasks.close()

    def _page(self, loaded: LoadedRoom, row: HeldRow) -> HeldPage:
        try:
            found = loaded.room.held.page(row.after, min(max(row.limit, 1), _MOST), self._clock().ms)
        except ValueError as error:
            raise Refusal(BAD_ID, "after must be the id of a held comment") from error
        return HeldPage(found)

    async def _hold(self, loaded: LoadedRoom) -> None:
        room = loaded.room
        try:
            while room.held.has_unsaved and not loaded.gone:
                async with loaded.changes:  # which may take it back, or close the room
                    await self._store_held(loaded)
        except LeaseLost:
            self._leases.give_up(loaded.partition, room.lease)
        finally:
            self._holding.discard(loaded)

    async def _store_held(self, loaded: LoadedRoom) -> None:
        room = loaded.room
        if loaded.gone or not room.held.has_unsaved:
            return
        await self._storing.written(loaded, lambda: self._rooms.save(loaded))
        kept, gone = room.held.to_store()
        await self._written(loaded, kept, gone)
        self._metrics.comments.labels("held").inc(len(kept))
        for ticket in room.held_stored(kept, gone):
            ticket.answer(_HELD)

    async def _decide(self, loaded: LoadedRoom, row: DecideRow) -> Answer:
        room, now = loaded.room, self._clock()
        asked = act_of(row, now.ms)
        one = room.held.find(row.held, asked)
        key = one.uid, one.cid
        if one.decision:  # by this very act: its answer got lost
            return room.settled(key) or Done()
        act = msgspec.structs.replace(asked, uid=one.uid, what=text_of(one))
        if row.approve:
            await self._storing.said(loaded, lambda told: room.approve(one, act, told, now))
            answer = room.settled(key) or Done()
        else:
            await self._written(loaded, [decision(one, act)], [], act)
            room.held.decided(decision(one, act))
            answer = Done()
        verdict = "approved" if row.approve else "denied"
        notice = wire.Notice(verdict, room.name, act.reason or None, text=act.what)
        self._whisper.notice(room, one.uid, notice)
        return answer

    async def _written(self, loaded: LoadedRoom, kept: list[Held], gone: list[str], *acts: Act) -> None:
        room, held = loaded.room, self._store.held
        await self._storing.written(
            loaded, lambda: held.change(self._process, room.lease, room.name, kept, gone, acts)
        )
