"""What changes a room's state: put, delete, its rules and its words; and who carries out the rest.

What viewers are told of is appended to the log, and carried out in the same step as the append. The rest is
written by itself, first to the store and then to memory (`rooms/storing.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog

from danmaku import rows
from danmaku.envelope import Answer
from danmaku.errors import (
    BAD_FRAME,
    CONFLICT,
    FORBIDDEN,
    ROOM_CLOSED,
    ROOM_NOT_FOUND,
    TOO_LARGE,
    TOO_LONG,
    UNAVAILABLE,
    Refusal,
)
from danmaku.model import Effect, Role, RoomInfo, check_id, closed_for_good
from danmaku.moderation_rows import AppointRow, RaidRow, RecallRow, RoomSettingsRow, SanctionRow
from danmaku.rows import DeleteRoomRow, Done, PutRoomRow, Refused
from danmaku.store import Store
from danmaku.wordlist import MOST_IN_ROOM, PutWordsRow, unpack, version_of
from rooms.acts import act_of, by_itself
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.making import make
from rooms.measures import Measures, check_sanction
from rooms.moment import Moment
from rooms.pending import Ticket
from rooms.recalling import Recalling
from rooms.recalls import check_recall
from rooms.rules import check_ruling, check_settings, ruled
from rooms.storing import LeaseLost, Storing
from rooms.tasks import Tasks
from rooms.text import clean

Change = (
    PutRoomRow
    | DeleteRoomRow
    | SanctionRow
    | RecallRow
    | AppointRow
    | RoomSettingsRow
    | RaidRow
    | PutWordsRow
)
_Moderation = SanctionRow | RecallRow | PutWordsRow

MAX_TITLE: Final = 200
_AT_ONCE: Final = 1000
_TOLD_AT_ONCE: Final = 64  # rooms whose viewers are told of new settings in one window
_CLOSED: Final = Refused.of(Refusal(ROOM_CLOSED))

_log: Any = structlog.get_logger("rooms.changes")


class Changes:
    def __init__(
        self,
        store: Store,
        process: str,
        rooms: LoadedRooms,
        storing: Storing,
        measures: Measures,
        recalling: Recalling,
        describe: Callable[[LoadedRoom], RoomInfo],
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._process = process
        self._rooms = rooms
        self._storing = storing
        self._measures = measures
        self._recalling = recalling
        self._describe = describe
        self._clock = clock
        self._tasks = Tasks(_AT_ONCE)

    def begin(self, loaded: LoadedRoom, row: Change, ticket: Ticket) -> None:
        """Carry it out; the ticket is answered when the store has it. Raises Refusal."""
        self._check(row)
        if self._tasks.full:
            raise Refusal(UNAVAILABLE, retry_ms=1000)
        self._tasks.start(self._storing.change(loaded, ticket, lambda: self._change(loaded, row)))

    def restore(self, loaded: LoadedRoom) -> None:
        """The store lost writes, maybe of the room's state as well: let it have what holds here."""
        if self._tasks.full:
            _log.warning("a room's state is not restored: too much is under way", room=loaded.room.name)
        else:
            self._tasks.start(self._restore(loaded))

    def reconsider(self) -> None:
        """The settings for all rooms are others: rooms go by them at once, viewers are told soon."""
        others = [loaded for loaded in self._rooms if loaded.room.reconsider()]
        if self._tasks.full:
            _log.warning("viewers are not told of new settings: too much is under way", rooms=len(others))
        else:
            self._tasks.start(self._tell_rules(others))

    def end_raids(self) -> None:
        """Let rooms go back to their settings whose time in raid mode is over."""
        now_ms = self._clock().ms
        for loaded in self._rooms:
            is_over = loaded.room.info.is_raid_over(now_ms)
            if is_over and not loaded.changes.locked() and not self._tasks.full:
                self._tasks.start(self._end_raid(loaded))

    async def close(self) -> None:
        await self._tasks.close()

    def _check(self, row: Change) -> None:
        if isinstance(row, RoomSettingsRow | RaidRow):
            check_ruling(row)
            return
        least = Role.MODERATOR if isinstance(row, _Moderation) else Role.STREAMER
        if row.role < least:
            raise Refusal(FORBIDDEN)
        if isinstance(row, PutRoomRow):
            if row.settings is not None:
                check_settings(row.settings)
            if row.title is not None and len(clean(row.title)) > MAX_TITLE:
                raise Refusal(TOO_LONG, f"a title has at most {MAX_TITLE} characters")
        elif isinstance(row, SanctionRow):
            check_sanction(row)
        elif isinstance(row, AppointRow):
            check_id(row.uid, "uid")
        elif isinstance(row, RecallRow):
            check_recall(row)

    async def _change(self, loaded: LoadedRoom, row: Change) -> Answer:
        match row:
            case PutRoomRow():
                return await self._put(loaded, row)
            case DeleteRoomRow():
                return await self._delete(loaded, row)
            case SanctionRow():
                return await self._measures.sanction(loaded, row)
            case AppointRow():
                return await self._measures.appoint(loaded, row)
            case RoomSettingsRow() | RaidRow():
                return await self._rule(loaded, row)
            case PutWordsRow():
                return await self._put_words(loaded, row)
            case RecallRow():
                return await self._recalling.recall(loaded, row)

    async def _put(self, loaded: LoadedRoom, row: PutRoomRow) -> rows.Room:
        room = loaded.room
        now = self._clock()
        info = _changed(room.info, row, now)
        if info != room.info or not room.saved:
            await self._carried_out(loaded, Effect("save", info, (act_of(row, now.ms),)))
        return rows.Room(self._describe(loaded))

    async def _rule(self, loaded: LoadedRoom, row: RoomSettingsRow | RaidRow) -> rows.RoomRules:
        room, now = loaded.room, self._clock()
        if not room.is_there:
            raise Refusal(ROOM_NOT_FOUND)
        info = ruled(room.info, row, now.ms)
        if info != room.info:
            await self._carried_out(loaded, Effect("save", info, (act_of(row, now.ms),)))
        return rows.RoomRules(room.info.settings, room.settings, room.info.raid_until_ms)

    async def _end_raid(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            room = loaded.room
            now_ms = self._clock().ms
            if not loaded.gone and room.info.is_raid_over(now_ms):
                calm = msgspec.structs.replace(room.info, raid_until_ms=0)
                acts = (by_itself("unraid", room.name, "", now_ms),)
                with suppress(LeaseLost):  # whoever owns the room next ends it
                    await self._carried_out(loaded, Effect("save", calm, acts))

    async def _delete(self, loaded: LoadedRoom, row: DeleteRoomRow) -> Done:
        closed = closed_for_good(loaded.room.name)
        await self._carried_out(loaded, Effect("delete", closed, (act_of(row, self._clock().ms),)))
        for ticket in loaded.room.held_dropped():
            ticket.answer(_CLOSED)
        return Done()

    async def _carried_out(self, loaded: LoadedRoom, effect: Effect) -> None:
        """In the store and in force here, and its viewers are told. Raises LeaseLost."""
        if await self._storing.said(loaded, lambda ticket: loaded.room.change(effect, ticket)):
            return
        await self._storing.written(loaded, lambda: self._write(loaded, effect))
        self._rooms.saved(loaded)
        loaded.room.bring_into_force(effect)

    async def _tell_rules(self, others: list[LoadedRoom]) -> None:
        for begin in range(0, len(others), _TOLD_AT_ONCE):
            some = others[begin : begin + _TOLD_AT_ONCE]
            await asyncio.gather(*(self._tell_rules_of(loaded) for loaded in some))

    async def _tell_rules_of(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            if not loaded.gone:
                with suppress(LeaseLost):  # whoever joins is told all the same
                    await self._storing.said(loaded, loaded.room.tell_rules)

    async def _restore(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            room = loaded.room
            effect = Effect("save" if room.is_there else "delete", room.info)
            try:
                await self._storing.written(loaded, lambda: self._write(loaded, effect))
            except LeaseLost:
                if not loaded.gone:
                    self._rooms.give_up(loaded)

    async def _write(self, loaded: LoadedRoom, effect: Effect) -> bool:
        rooms, lease = self._store.rooms, loaded.room.lease
        if effect.verb == "delete":
            return await rooms.delete(self._process, lease, effect.info.room, effect.acts)
        return await rooms.save(self._process, lease, effect.info, effect.acts)

    async def _put_words(self, loaded: LoadedRoom, row: PutWordsRow) -> Done:
        try:
            listed = unpack(row.words)
        except ValueError as error:
            raise Refusal(BAD_FRAME, str(error)) from None
        if len(listed) > MOST_IN_ROOM:
            raise Refusal(TOO_LARGE, f"the list of a room has at most {MOST_IN_ROOM} entries")
        if row.over is not None and row.over != version_of(loaded.words):
            raise Refusal(CONFLICT, "the list was replaced by another one meanwhile")
        words = await make(listed)
        room, store = loaded.room, self._store.words
        act = msgspec.structs.replace(act_of(row, self._clock().ms), what=f"{len(listed)} entries")
        await self._storing.written(loaded, lambda: self._rooms.save(loaded))
        await self._storing.written(
            loaded, lambda: store.save(self._process, room.lease, room.name, row.words, [act])
        )  # fmt: skip
        room.sanctions.words, loaded.words = words, row.words
        return Done()


def _changed(info: RoomInfo, row: PutRoomRow, now: Moment) -> RoomInfo:
    if not info.created_ms:
        info = RoomInfo(info.room, created_ms=now.ms)  # it was closed for good
    changes = {
        "title": None if row.title is None else clean(row.title),
        "open": row.open,
        "settings": row.settings,
    }
    return msgspec.structs.replace(
        info, **{key: value for key, value in changes.items() if value is not None}
    )
